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

/// The octets without what differs from one run to the next: dates,
/// identifiers, and the random digits of boundaries and of pictures.
fn comparable(message: &[u8]) -> Vec<u8> {
    let mut kept = Vec::with_capacity(message.len());
    let mut in_header = true;
    for line in message.split_inclusive(|&octet| octet == b'\n') {
        in_header &= line != b"\r\n";
        if !(in_header && STAMPS.iter().any(|stamp| line.starts_with(stamp))) {
            without_random_digits(line, &mut kept);
        }
    }
    kept
}

const STAMPS: [&[u8]; 4] = [b"Date: ", b"Message-ID: ", b"Resent-Date: ", b"Resent-Message-ID: "];

/// 32 digits in hexadecimal, wherever they stand.
fn without_random_digits(line: &[u8], kept: &mut Vec<u8>) {
    const DIGITS: usize = 32;
    let is_digit = |octet: &u8| matches!(octet, b'0'..=b'9' | b'a'..=b'f');
    let mut at = 0;
    while at < line.len() {
        let digits = line[at..].iter().take_while(|octet| is_digit(octet)).count();
        if digits != DIGITS {
            kept.extend_from_slice(&line[at..at + digits.max(1)]);
        }
        at += digits.max(1);
    }
}
