//! A line, and its parts.

/// The octets of a line, at most, as msmtp counts.
pub(super) const LONGEST_LINE: usize = 499;

/// The directive of a line, and its value without blanks and one pair of
/// quotation marks around it. Nothing for an empty line or a comment.
pub(super) fn statement(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let line = trimmed(line);
    if line.is_empty() || line[0] == b'#' {
        return None;
    }
    let end = line.iter().position(|octet| is_blank(*octet)).unwrap_or(line.len());
    let argument = trimmed(&line[end..]);
    let argument = match argument {
        [b'"', inside @ .., b'"'] => inside,
        plain => plain,
    };
    Some((&line[..end], argument))
}

fn trimmed(mut octets: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = octets
        && is_blank(*first)
    {
        octets = rest;
    }
    while let [rest @ .., last] = octets
        && is_blank(*last)
    {
        octets = rest;
    }
    octets
}

fn is_blank(octet: u8) -> bool {
    matches!(octet, b' ' | b'\t')
}

/// A name without blanks and one pair of quotation marks around it.
pub(super) fn unquoted(text: &str) -> &str {
    let text = text.trim_matches([' ', '\t']);
    text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text)
}
