//! Tag lists, in which DKIM, DMARC, MTA-STS and TLSRPT write what they say
//! (RFC 6376 §3.2).

/// Names with values, in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tags(Vec<(String, String)>);

impl Tags {
    /// Reads `name=value; name=value`; `None` where something in it has no name.
    /// Blanks around either do not count, nor does a last semicolon.
    pub fn read(text: &str) -> Option<Self> {
        let pieces = text.split(';').map(str::trim).filter(|piece| !piece.is_empty());
        let tag = |piece: &str| {
            let (name, value) = piece.split_once('=')?;
            let name = name.trim();
            let is_name = name.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c));
            (is_name && !name.is_empty()).then(|| (name.to_owned(), value.trim().to_owned()))
        };
        pieces.map(tag).collect::<Option<_>>().map(Tags)
    }

    /// The value of the first tag of this name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The first name that stands there twice: then RFC 6376 §3.2 has the whole not count.
    pub fn twice(&self) -> Option<&str> {
        let names = || self.0.iter().map(|(name, _)| name.as_str());
        names()
            .enumerate()
            .find(|(at, name)| names().take(*at).any(|it| it == *name))
            .map(|it| it.1)
    }

    /// Whether it begins with `v=` and this version.
    pub fn is_version(&self, version: &str) -> bool {
        self.0.first().is_some_and(|(name, value)| name == "v" && value == version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_read_with_blanks_around_them_and_nothing_behind_the_last() {
        let tags = Tags::read("v=DMARC1 ; p = reject;rua=mailto:a@b.example; ").unwrap();
        assert!(tags.is_version("DMARC1") && !tags.is_version("DMARC2"));
        assert_eq!((tags.get("p"), tags.get("sp")), (Some("reject"), None));
        assert_eq!(tags.twice(), None);
        assert_eq!(Tags::read("v=DKIM1; p=A; k=rsa; p=B").unwrap().twice(), Some("p"));
        assert_eq!(Tags::read("v=DMARC1; reject"), None);
        assert_eq!(Tags::read("v=DMARC1; =reject"), None);
        assert!(!Tags::read("p=none; v=DMARC1").unwrap().is_version("DMARC1"));
    }
}
