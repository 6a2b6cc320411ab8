//! Durations as people write them: `90`, `90s`, `5m`, `1h30m`, `2d`.

use std::fmt::Write as _;
use std::time::Duration;

/// Why a text is not a duration. Fits after "‘text’ is not a duration: ".
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DurationError {
    /// Not numbers with units, the largest unit first.
    #[error("write seconds, or units from large to small, as in 90s, 5m, 1h30m or 2d")]
    Form,
    /// Nothing at all.
    #[error("it must be longer than nothing")]
    Zero,
    /// More seconds than there are.
    #[error("it is too long")]
    TooLong,
}

/// Reads a duration longer than nothing; a bare number is seconds.
pub fn duration(text: &str) -> Result<Duration, DurationError> {
    let seconds = match text.parse::<u64>() {
        Ok(seconds) if text.starts_with(|c: char| c.is_ascii_digit()) => seconds,
        _ => with_units(text)?,
    };
    if seconds == 0 {
        return Err(DurationError::Zero);
    }
    // Clocks are asked for now + duration, which must not overflow.
    if seconds > LONGEST {
        return Err(DurationError::TooLong);
    }
    Ok(Duration::from_secs(seconds))
}

/// Writes whole seconds as they can be read: `1h30m`.
pub fn duration_text(duration: Duration) -> String {
    let mut rest = duration.as_secs();
    let mut text = String::new();
    for (unit, seconds) in UNITS {
        let number = rest / seconds;
        if number > 0 {
            // Writing into a String cannot fail.
            let _ = write!(text, "{number}{unit}");
        }
        rest %= seconds;
    }
    text
}

fn with_units(text: &str) -> Result<u64, DurationError> {
    let mut rest = text;
    let mut units = UNITS.iter();
    let mut total = 0_u64;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or(DurationError::Form)?;
        let number: u64 = match &rest[..digits] {
            "" => return Err(DurationError::Form),
            digits => digits.parse().map_err(|_| DurationError::TooLong)?,
        };
        let unit = rest[digits..].chars().next().ok_or(DurationError::Form)?;
        // The iterator goes on where the last unit was found, so that they can
        // neither repeat nor climb.
        let (_, seconds) = units.find(|(name, _)| *name == unit).ok_or(DurationError::Form)?;
        total = number
            .checked_mul(*seconds)
            .and_then(|part| total.checked_add(part))
            .ok_or(DurationError::TooLong)?;
        rest = &rest[digits + unit.len_utf8()..];
    }
    if text.is_empty() { Err(DurationError::Form) } else { Ok(total) }
}

const UNITS: [(char, u64); 4] = [('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];

/// A hundred years.
const LONGEST: u64 = 36_525 * 86_400;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_number_is_seconds_and_units_add_up() {
        for (text, seconds) in [
            ("1", 1),
            ("90", 90),
            ("90s", 90),
            ("5m", 300),
            ("1h30m", 5_400),
            ("2d", 172_800),
            ("1d1h1m1s", 90_061),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_is_refused_with_its_reason() {
        for (text, expected) in [
            ("", DurationError::Form),
            ("s", DurationError::Form),
            ("-5", DurationError::Form),
            ("+5", DurationError::Form),
            ("1.5h", DurationError::Form),
            ("5 m", DurationError::Form),
            ("5x", DurationError::Form),
            ("5€", DurationError::Form),
            ("30m1h", DurationError::Form),
            ("1m1m", DurationError::Form),
            ("1h30", DurationError::Form),
            ("0", DurationError::Zero),
            ("0m", DurationError::Zero),
            ("99999999999999999999s", DurationError::TooLong),
            ("18446744073709551615", DurationError::TooLong),
            ("18446744073709551615d", DurationError::TooLong),
        ] {
            assert_eq!(duration(text), Err(expected), "{text}");
        }
    }

    #[test]
    fn a_duration_is_written_as_it_can_be_read() {
        for text in ["1s", "1m30s", "1h30m", "2d", "1d1s"] {
            assert_eq!(duration_text(duration(text).unwrap()), text);
        }
    }
}
