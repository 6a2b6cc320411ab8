//! Fields by which programs tell what a message is: how to leave a list (RFC
//! 2369, RFC 8058), that no person wrote it (RFC 3834), how urgent it is.

use super::Error;
use std::str::FromStr;

/// Where to unsubscribe: an `https:` or `mailto:` URL that fits between angle
/// brackets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnsubscribeUrl(String);

impl FromStr for UnsubscribeUrl {
    type Err = Error;

    /// Takes the URL with or without angle brackets.
    fn from_str(text: &str) -> Result<Self, Error> {
        let refused = || Error::UnsubscribeUrl(text.to_owned());
        let bare = match text.strip_prefix('<') {
            Some(rest) => rest.strip_suffix('>').ok_or_else(refused)?,
            None => text,
        };
        // RFC 2369 §2: no blanks within; RFC 3986 has no other octets either.
        let is_url = bare.len() <= LONGEST
            && bare
                .bytes()
                .all(|octet| octet.is_ascii_graphic() && !b"<>\"\\^`{|}".contains(&octet));
        let (scheme, rest) = bare.split_once(':').ok_or_else(refused)?;
        let is_whole = match scheme.to_ascii_lowercase().as_str() {
            "https" => rest.strip_prefix("//").is_some_and(|rest| !rest.is_empty()),
            "mailto" => rest.contains('@'),
            _ => false,
        };
        if is_url && is_whole { Ok(UnsubscribeUrl(bare.to_owned())) } else { Err(refused()) }
    }
}

impl UnsubscribeUrl {
    /// True for `https:`.
    pub fn is_https(&self) -> bool {
        self.0.get(..6).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https:"))
    }
}

/// Brackets, comma and fold must fit on a line beside it.
const LONGEST: usize = 900;

/// List-Unsubscribe, the URL that is preferred first (RFC 2369 §2), and with
/// one click List-Unsubscribe-Post, for which there must be exactly one
/// `https:` URL (RFC 8058 §3.1).
pub fn unsubscribe_fields(
    urls: &[UnsubscribeUrl],
    one_click: bool,
) -> Result<Vec<(&'static str, String)>, Error> {
    let https = urls.iter().filter(|url| url.is_https()).count();
    if one_click && https != 1 {
        return Err(Error::OneClick(https));
    }
    let mut fields = Vec::new();
    if !urls.is_empty() {
        let urls: Vec<_> = urls.iter().map(|UnsubscribeUrl(url)| format!("<{url}>")).collect();
        fields.push(("List-Unsubscribe", urls.join(", ")));
    }
    if one_click {
        fields.push(("List-Unsubscribe-Post", "List-Unsubscribe=One-Click".to_owned()));
    }
    Ok(fields)
}

/// How urgent a message is to who reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Priority {
    /// Shown with a mark.
    High,
    /// As without it.
    Normal,
    /// Shown with the other mark.
    Low,
}

impl Priority {
    /// X-Priority is read by most programs and Importance (RFC 2156 §5.3.4) by
    /// Outlook. Priority (§5.3.6) would ask relays to hurry, and is not written.
    pub fn fields(self) -> Vec<(&'static str, String)> {
        let (number, word) = match self {
            Priority::High => ("1 (Highest)", "high"),
            Priority::Normal => return Vec::new(),
            Priority::Low => ("5 (Lowest)", "low"),
        };
        vec![("X-Priority", number.to_owned()), ("Importance", word.to_owned())]
    }
}

/// RFC 3834 §5: no person wrote it, and no program should answer it.
pub fn automatic_fields() -> Vec<(&'static str, String)> {
    vec![("Auto-Submitted", "auto-generated".to_owned())]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn urls(texts: &[&str]) -> Vec<UnsubscribeUrl> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn a_way_to_unsubscribe_is_https_or_mailto() {
        // 2369, 8058
        for text in
            ["https://x.example/u?a=1,2", "<HTTPS://x.example>", "mailto:u@x.example?subject=x"]
        {
            assert!(text.parse::<UnsubscribeUrl>().is_ok(), "{text}");
        }
        let long = format!("https://x.example/{}", "a".repeat(900));
        for text in [
            "",
            "x.example/u",
            "http://x.example/u",
            "https://",
            "https:x",
            "mailto:x",
            "https://x.example/a b",
            "https://x.example/>",
            "https://é.example",
            "<https://x.example",
            "https://x.example\r\nA: b",
            &long,
        ] {
            assert!(
                matches!(text.parse::<UnsubscribeUrl>(), Err(Error::UnsubscribeUrl(_))),
                "{text:?}"
            );
        }
    }

    #[test]
    fn one_click_needs_one_https_url() {
        // 2369, 8058
        let both = urls(&["<https://x.example/u>", "mailto:u@x.example"]);
        assert_eq!(
            unsubscribe_fields(&both, true).unwrap(),
            [
                ("List-Unsubscribe", "<https://x.example/u>, <mailto:u@x.example>".to_owned()),
                ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click".to_owned()),
            ]
        );
        assert_eq!(unsubscribe_fields(&both, false).unwrap().len(), 1);
        assert_eq!(unsubscribe_fields(&[], false).unwrap(), []);
        for (texts, count) in
            [(&["mailto:u@x.example"][..], 0), (&["https://a.b", "https://c.d"], 2)]
        {
            let refused = unsubscribe_fields(&urls(texts), true);
            assert!(matches!(refused, Err(Error::OneClick(found)) if found == count));
        }
    }
}
