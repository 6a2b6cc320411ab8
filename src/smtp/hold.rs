//! Messages that a server holds before it lets them go (RFC 4865).

use jiff::Timestamp;
use std::fmt;

/// How long a server is to hold a message: HOLDFOR or HOLDUNTIL (RFC 4865 §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hold(Kind);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Seconds, from when the server takes it.
    For(u32),
    /// A moment, in whole seconds.
    Until(Timestamp),
}

/// The longest that a server holds messages: what it says behind FUTURERELEASE
/// (RFC 4865 §3). What is meant by seconds is held against the one, what is
/// meant by a moment against the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HoldLimits {
    seconds: u32,
    until: Timestamp,
}

/// One to nine digits.
const MOST_SECONDS: u32 = 999_999_999;

impl Hold {
    /// For so many seconds, from 1 to 999,999,999, from when the server takes
    /// the message.
    pub fn seconds(seconds: u64) -> Option<Self> {
        let seconds = u32::try_from(seconds).ok()?;
        (1..=MOST_SECONDS).contains(&seconds).then_some(Hold(Kind::For(seconds)))
    }

    /// Until this moment, or the whole second behind it: not sooner than it was
    /// wanted. `None` before 1970, and at the end of time.
    pub fn until(moment: Timestamp) -> Option<Self> {
        let second = moment.as_second() + i64::from(moment.subsec_nanosecond() > 0);
        let moment = Timestamp::from_second(second).ok()?;
        (second >= 0).then_some(Hold(Kind::Until(moment)))
    }

    /// Reads the value of HOLDFOR: seconds without zeros before them.
    pub fn from_holdfor(value: &str) -> Option<Self> {
        seconds(value).map(|seconds| Hold(Kind::For(seconds)))
    }

    /// Reads the value of HOLDUNTIL: a date and time of RFC 3339, best in UTC.
    pub fn from_holduntil(value: &str) -> Option<Self> {
        Hold::until(moment(value)?)
    }

    /// The parameter of MAIL, its name and its value.
    pub fn parameter(self) -> (&'static str, String) {
        match self.0 {
            Kind::For(seconds) => ("HOLDFOR", seconds.to_string()),
            Kind::Until(moment) => ("HOLDUNTIL", moment.to_string()),
        }
    }
}

impl fmt::Display for Hold {
    /// As people read it: `for 3600 seconds`, `until 2026-11-28T04:03:37Z`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Kind::For(1) => f.write_str("for 1 second"),
            Kind::For(seconds) => write!(f, "for {seconds} seconds"),
            Kind::Until(moment) => write!(f, "until {moment}"),
        }
    }
}

impl HoldLimits {
    /// At most so many seconds, from 1 to 999,999,999, and not beyond this
    /// moment.
    pub fn new(seconds: u64, until: Timestamp) -> Option<Self> {
        match (Hold::seconds(seconds)?, Hold::until(until)?) {
            (Hold(Kind::For(seconds)), Hold(Kind::Until(until))) => {
                Some(HoldLimits { seconds, until })
            }
            _ => None,
        }
    }

    /// Reads the two words behind FUTURERELEASE.
    pub fn from_words(seconds_word: &str, until: &str) -> Option<Self> {
        Some(HoldLimits { seconds: seconds(seconds_word)?, until: moment(until)? })
    }

    /// True when a message is held as long as that.
    pub fn allow(&self, hold: Hold) -> bool {
        match hold.0 {
            Kind::For(seconds) => seconds <= self.seconds,
            Kind::Until(moment) => moment <= self.until,
        }
    }

    /// The longest of the kind of this one.
    pub fn longest_like(&self, hold: Hold) -> Hold {
        Hold(match hold.0 {
            Kind::For(_) => Kind::For(self.seconds),
            Kind::Until(_) => Kind::Until(self.until),
        })
    }
}

impl fmt::Display for HoldLimits {
    /// The two words behind FUTURERELEASE.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.seconds, self.until)
    }
}

fn seconds(text: &str) -> Option<u32> {
    let is_plain = (1..=9).contains(&text.len())
        && text.bytes().all(|octet| octet.is_ascii_digit())
        && !text.starts_with('0');
    if is_plain { text.parse().ok() } else { None }
}

/// RFC 3339 §5.6, which takes less than other readers of dates do.
fn moment(text: &str) -> Option<Timestamp> {
    const FORM: &str = "0000-00-00T00:00:00";
    let text = text.to_ascii_uppercase();
    let (date_time, rest) = text.split_at_checked(FORM.len())?;
    let zone = match rest.strip_prefix('.') {
        Some(fraction) => {
            let zone = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
            Some(zone).filter(|zone| zone.len() < fraction.len())?
        }
        None => rest,
    };
    let has_zone = ["Z", "+00:00", "-00:00"].iter().any(|form| has_form(zone, form));
    if has_form(date_time, FORM) && has_zone { text.parse().ok() } else { None }
}

/// True where each 0 of the form is a digit, and the rest is the same.
fn has_form(text: &str, form: &str) -> bool {
    let is_like = |(octet, form): (u8, u8)| match form {
        b'0' => octet.is_ascii_digit(),
        _ => octet == form,
    };
    text.len() == form.len() && text.bytes().zip(form.bytes()).all(is_like)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_hold_has_one_to_nine_digits_or_a_date_and_time() {
        // 4865
        let read = |text: &str| {
            let hold = match text.split_once('=') {
                Some(("HOLDFOR", value)) => Hold::from_holdfor(value),
                Some(("HOLDUNTIL", value)) => Hold::from_holduntil(value),
                _ => panic!("{text}"),
            };
            hold.map(Hold::parameter).map(|(name, value)| format!("{name}={value}"))
        };
        for (text, expected) in [
            ("HOLDFOR=1", Some("HOLDFOR=1")),
            ("HOLDFOR=999999999", Some("HOLDFOR=999999999")),
            ("HOLDFOR=1000000000", None),
            ("HOLDFOR=0", None),
            ("HOLDFOR=01", None),
            ("HOLDFOR=+1", None),
            ("HOLDFOR=", None),
            ("HOLDUNTIL=2026-11-28T04:03:37Z", Some("HOLDUNTIL=2026-11-28T04:03:37Z")),
            ("HOLDUNTIL=2026-11-28t04:03:37z", Some("HOLDUNTIL=2026-11-28T04:03:37Z")),
            ("HOLDUNTIL=2026-11-28T04:03:37.01Z", Some("HOLDUNTIL=2026-11-28T04:03:38Z")),
            ("HOLDUNTIL=2026-11-28T04:03:37+01:00", Some("HOLDUNTIL=2026-11-28T03:03:37Z")),
            ("HOLDUNTIL=2026-02-30T04:03:37Z", None),
            ("HOLDUNTIL=2026-11-28T04:03:37", None),
            ("HOLDUNTIL=2026-11-28", None),
            ("HOLDUNTIL=2026-11-28T04:03:37.Z", None),
            ("HOLDUNTIL=1969-11-28T04:03:37Z", None),
            ("HOLDUNTIL=1795838617", None),
        ] {
            assert_eq!(read(text).as_deref(), expected, "{text}");
        }
        assert_eq!(Hold::seconds(0), None);
        assert_eq!(Hold::seconds(1_000_000_000), None);
        assert_eq!(Hold::seconds(60), Hold::from_holdfor("60"));
    }

    #[test]
    fn each_kind_of_hold_has_its_limit() {
        // 4865
        let limits = HoldLimits::from_words("3600", "2026-11-28T04:00:00Z").unwrap();
        assert_eq!(limits.to_string(), "3600 2026-11-28T04:00:00Z");
        for (hold, is_allowed) in [
            (Hold::from_holdfor("3600"), true),
            (Hold::from_holdfor("3601"), false),
            (Hold::from_holduntil("2026-11-28T04:00:00Z"), true),
            (Hold::from_holduntil("2026-11-28T04:00:00.1Z"), false),
            (Hold::from_holduntil("2026-11-28T04:00:00-00:30"), false),
        ] {
            let hold = hold.unwrap();
            assert_eq!(limits.allow(hold), is_allowed, "{hold}");
            assert!(limits.allow(limits.longest_like(hold)));
        }
    }

    proptest! {
        #[test]
        fn what_is_wanted_is_never_cut_short(nanoseconds in 0..4_000_000_000_000_000_000_i128) {
            let moment = Timestamp::from_nanosecond(nanoseconds).unwrap();
            let hold = Hold::until(moment).unwrap();
            let (_, value) = hold.parameter();
            prop_assert_eq!(Hold::from_holduntil(&value), Some(hold));
            let held: Timestamp = value.parse().unwrap();
            prop_assert!(held >= moment && held.as_second() - moment.as_second() <= 1);
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in "(2026-11-28T04:03:37|[0-9TZ:.+é-]){0,9}") {
            let _ = (Hold::from_holduntil(&text), HoldLimits::from_words(&text, &text));
        }
    }
}
