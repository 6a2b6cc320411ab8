//! What a receiver takes, against what a dry run showed.

use crate::case::Case;
use crate::running;
use envoi::sink::{Event, Offer, Policy, Settings, Sink};

/// A receiver that offers what the case's server is to offer.
pub(crate) struct Receivers([Sink; 2]);

impl Receivers {
    pub(crate) fn start() -> Self {
        let starts = |offer| {
            let policy = Policy { offer, ..Policy::default() };
            Sink::start(Settings { policy, ..Settings::default() }).expect("starting the receiver")
        };
        Receivers([starts(Offer::default()), starts(Offer::nothing())])
    }

    /// Sends the message of the case, and says what arrived otherwise than it
    /// was shown: content and recipients.
    pub(crate) fn differs(&self, case: &Case, shown: &[u8]) -> Option<String> {
        let sink = &self.0[usize::from(case.is_seven_bit)];
        let server = format!("smtp+notls://{}", sink.address());
        let output = running::run(case, &["-q", "--server", &server]);
        let wrong = |what: &str| {
            let said = String::from_utf8_lossy(&output.stderr);
            Some(format!("== {}: {what}\n{said}", case.name))
        };
        if !output.status.success() {
            return wrong("it was not sent");
        }
        let mut stored = sink.events().try_iter().filter_map(|event| match event {
            Event::Stored(stored) => Some(stored),
            _ => None,
        });
        let (Some(stored), None) = (stored.next(), stored.next()) else {
            return wrong("not one message arrived");
        };
        let octets = stored.octets.expect("kept in memory");
        if stored.size != octets.len() as u64 || comparable(&octets) != comparable(shown) {
            return wrong("other octets arrived than were shown");
        }
        None
    }
}

/// The octets without what differs from one run to the next: Date, Message-ID
/// and the random digits of boundaries.
fn comparable(message: &[u8]) -> Vec<u8> {
    let mut kept = Vec::with_capacity(message.len());
    let mut in_header = true;
    for line in message.split_inclusive(|&octet| octet == b'\n') {
        in_header &= line != b"\r\n";
        let is_stamp = line.starts_with(b"Date: ") || line.starts_with(b"Message-ID: ");
        if !(in_header && is_stamp) {
            without_random_digits(line, &mut kept);
        }
    }
    kept
}

fn without_random_digits(line: &[u8], kept: &mut Vec<u8>) {
    const DIGITS: usize = 32;
    let mut rest = line;
    while let Some(at) = memchr::memmem::find(rest, b"=_") {
        let (before, behind) = rest.split_at(at + 2);
        kept.extend_from_slice(before);
        let digits =
            behind.iter().take(DIGITS).take_while(|octet| octet.is_ascii_hexdigit()).count();
        rest = if digits == DIGITS { &behind[DIGITS..] } else { behind };
    }
    kept.extend_from_slice(rest);
}
