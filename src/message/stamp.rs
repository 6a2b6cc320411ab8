//! What makes a message this one: its date, its Message-ID, its boundaries. And
//! the random words in them, which other names are made of, too.

use super::Error;
use jiff::Zoned;
use jiff::fmt::rfc2822;
use ring::rand::{SecureRandom, SystemRandom};

/// A new Message-ID with its angle brackets, unique by 128 random bits at a
/// domain that is the sender's own (RFC 5322 §3.6.4): a dot-atom or an address
/// literal, as [`crate::smtp::Domain`] shows it. Nothing in it tells of the
/// machine or the user.
pub fn message_id(domain: &str) -> Result<String, Error> {
    Ok(format!("<{}@{domain}>", random_word(16)?))
}

/// A multipart boundary. `=_` cannot occur in quoted-printable, nor in base64
/// (RFC 2045 §6.7), and 128 random bits do not occur in the rest.
pub(super) fn boundary() -> Result<String, Error> {
    Ok(format!("=_{}", random_word(16)?))
}

/// A date as RFC 5322 §3.3 writes it, with the numeric offset of its zone.
pub(super) fn date(date: &Zoned) -> Result<String, Error> {
    rfc2822::to_string(date).map_err(|_| Error::Date)
}

/// A word that nobody can foresee: this many random octets, in hexadecimal.
pub fn random_word(octets: usize) -> Result<String, Error> {
    let mut bits = vec![0; octets];
    SystemRandom::new().fill(&mut bits).map_err(|_| Error::NoRandomness)?;
    Ok(hexadecimal(&bits))
}

/// Two lower-case digits an octet.
pub fn hexadecimal(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn dates_are_english_and_numeric_in_every_zone() {
        // 5322-3.3
        for (zoned, expected) in [
            ("2026-11-23T04:03:37+00:00[UTC]", "Mon, 23 Nov 2026 04:03:37 +0000"),
            ("2026-11-23T04:03:37+05:30[Asia/Kolkata]", "Mon, 23 Nov 2026 04:03:37 +0530"),
            ("2026-01-02T23:59:59-03:30[America/St_Johns]", "Fri, 2 Jan 2026 23:59:59 -0330"),
            ("2026-07-01T00:00:00+02:00[Europe/Paris]", "Wed, 1 Jul 2026 00:00:00 +0200"),
            ("1996-02-29T12:00:00+00:00[+00:00]", "Thu, 29 Feb 1996 12:00:00 +0000"),
        ] {
            assert_eq!(date(&zoned.parse().unwrap()).unwrap(), expected);
        }
    }

    #[test]
    fn a_message_id_is_random_and_at_the_given_domain() {
        // 5322-3.6.4
        let ids: HashSet<_> = (0..1000).map(|_| message_id("example.org").unwrap()).collect();
        assert_eq!(ids.len(), 1000);
        for id in ids {
            let left = id.strip_prefix('<').unwrap().strip_suffix("@example.org>").unwrap();
            assert!(left.len() == 32 && left.bytes().all(|b| b.is_ascii_hexdigit()), "{id}");
        }
    }

    #[test]
    fn octets_become_two_digits_each() {
        assert_eq!(hexadecimal(&[0, 0x0a, 0xff]), "000aff");
    }
}
