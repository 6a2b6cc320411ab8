//! Sizes as people write them: `1000`, `25MB`.

/// Why a text is no size. Fits after "‘text’ is not a size: ".
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SizeError {
    /// Not a number with a unit.
    #[error("write octets, or a number with kB, MB or GB")]
    Form,
    /// More than there can be.
    #[error("it is too large")]
    TooLarge,
}

/// Reads octets; a unit is a power of 1,000, in any case of letters.
pub fn octets(text: &str) -> Result<u64, SizeError> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let factor = match text[digits.len()..].to_ascii_lowercase().as_str() {
        "" => 1,
        "kb" | "k" => 1_000,
        "mb" | "m" => 1_000_000,
        "gb" | "g" => 1_000_000_000,
        _ => return Err(SizeError::Form),
    };
    let number: u64 = digits.parse().map_err(|_| SizeError::Form)?;
    number.checked_mul(factor).ok_or(SizeError::TooLarge)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_a_number_with_a_unit() {
        assert_eq!(octets("1000"), Ok(1000));
        assert_eq!(octets("25MB"), Ok(25_000_000));
        assert_eq!(octets("2g"), Ok(2_000_000_000));
        for wrong in ["25 miles", "", "MB", "-1", "5%"] {
            assert_eq!(octets(wrong), Err(SizeError::Form), "{wrong}");
        }
        assert_eq!(octets("99999999999999GB"), Err(SizeError::TooLarge));
    }
}
