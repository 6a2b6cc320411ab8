//! Octets as swaks dumps them.

use std::fmt::{self, Write as _};

/// Octets in lines of sixteen: where they begin, in decimal digits, the octets
/// in hexadecimal ones, and as characters, a dot for each that is not printed.
///
/// ```text
/// 0000: 45 48 4C 4F  20 68 0D 0A                              EHLO.h..
/// ```
pub(super) struct Dump<'o>(pub(super) &'o [u8]);

const WIDTH: usize = 16;

impl Dump<'_> {
    /// Its lines, without their ends.
    pub(super) fn lines(&self) -> impl Iterator<Item = Line<'_>> {
        let lines = self.0.chunks(WIDTH).enumerate();
        lines.map(|(at, octets)| Line { start: at * WIDTH, octets })
    }
}

/// One line of a dump.
pub(super) struct Line<'o> {
    start: usize,
    octets: &'o [u8],
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}:", self.start)?;
        for at in 0..WIDTH {
            if at % 4 == 0 {
                f.write_char(' ')?;
            }
            match self.octets.get(at) {
                Some(octet) => write!(f, "{octet:02X} ")?,
                None => f.write_str("   ")?,
            }
        }
        f.write_str("   ")?;
        for at in 0..WIDTH {
            let octet = self.octets.get(at).copied().unwrap_or(b' ');
            let is_shown = octet.is_ascii_graphic() || at >= self.octets.len();
            f.write_char(if is_shown { char::from(octet) } else { '.' })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn octets_stand_where_swaks_puts_them() {
        // The lines that swaks 20201014 prints for these octets.
        let octets = b"EHLO h\r\nMAIL FROM:<\x1b[31m\xc3\xa9>\r\n";
        let lines: Vec<String> = Dump(octets).lines().map(|line| line.to_string()).collect();
        assert_eq!(
            lines,
            [
                "0000: 45 48 4C 4F  20 68 0D 0A  4D 41 49 4C  20 46 52 4F    EHLO.h..MAIL.FRO",
                "0016: 4D 3A 3C 1B  5B 33 31 6D  C3 A9 3E 0D  0A             M:<.[31m..>..   ",
            ]
        );
    }
}
