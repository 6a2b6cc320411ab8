//! XCLIENT: telling a server, which lets us, whom it is to take us for
//! (Postfix, `XCLIENT_README`), and what a server reads of it.

use super::xtext;
use std::fmt;
use std::net::IpAddr;

/// The attributes of a client, at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Xclient {
    attributes: Vec<(&'static str, String)>,
}

/// Why there is no such attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotXclient {
    /// No `=`.
    #[error("an attribute is NAME=VALUE, as in ADDR=192.0.2.1")]
    NoValue,
    /// No attribute of this name.
    #[error(
        "the attributes are NAME, ADDR, PORT, PROTO, HELO, LOGIN, DESTADDR, DESTPORT and REVERSE_NAME"
    )]
    Name,
    /// Nothing, or something that cannot be an address, a port or a protocol.
    #[error("this attribute cannot have such a value")]
    Value,
    /// It is there already.
    #[error("this attribute is given twice")]
    Twice,
    /// More than commands can hold.
    #[error("this attribute is too long for a command")]
    TooLong,
    /// No text in xtext (RFC 3461 §4).
    #[error("this value is not in xtext")]
    Xtext,
}

/// What may stand for a value that is not known, or not known now.
const UNKNOWN: [&str; 2] = ["[UNAVAILABLE]", "[TEMPUNAVAIL]"];

/// RFC 5321 §4.5.3.1.4, without CRLF.
const LONGEST: usize = 510;

impl Xclient {
    /// The names of attributes. An address stands last, since a server may look
    /// it up at once.
    pub const NAMES: [&'static str; 9] =
        ["NAME", "REVERSE_NAME", "PORT", "PROTO", "HELO", "LOGIN", "DESTPORT", "DESTADDR", "ADDR"];

    /// The attributes in `NAME=VALUE` form. `None` for none.
    pub fn of<'w>(words: impl IntoIterator<Item = &'w str>) -> Result<Option<Self>, NotXclient> {
        Self::from_words(words, |value| Ok(value.to_owned()))
    }

    /// What stands behind XCLIENT in the command, its values in xtext.
    pub fn read(argument: &str) -> Result<Self, NotXclient> {
        let plain = |value: &str| {
            let text = xtext::decoded(value).and_then(|text| String::from_utf8(text).ok());
            text.ok_or(NotXclient::Xtext)
        };
        Self::from_words(argument.split_ascii_whitespace(), plain)?.ok_or(NotXclient::NoValue)
    }

    fn from_words<'w>(
        words: impl IntoIterator<Item = &'w str>,
        plain: impl Fn(&str) -> Result<String, NotXclient>,
    ) -> Result<Option<Self>, NotXclient> {
        let mut attributes: Vec<(&'static str, String)> = Vec::new();
        for word in words {
            let (name, value) = word.split_once('=').ok_or(NotXclient::NoValue)?;
            let name = Self::name(name).ok_or(NotXclient::Name)?;
            if attributes.iter().any(|(known, _)| *known == name) {
                return Err(NotXclient::Twice);
            }
            let value = checked(name, &plain(value)?)?;
            if "XCLIENT ".len() + name.len() + "=".len() + xtext::encoded(&value).len() > LONGEST {
                return Err(NotXclient::TooLong);
            }
            attributes.push((name, value));
        }
        let place = |name| Self::NAMES.iter().position(|known| *known == name);
        attributes.sort_by_key(|(name, _)| place(*name));
        Ok((!attributes.is_empty()).then_some(Xclient { attributes }))
    }

    /// The name of an attribute that is written in any case of letters.
    pub fn name(written: &str) -> Option<&'static str> {
        Self::NAMES.into_iter().find(|known| known.eq_ignore_ascii_case(written))
    }

    /// Each attribute with its value; `None` for one that is said to be unknown,
    /// for good or for now.
    pub fn values(&self) -> impl Iterator<Item = (&'static str, Option<&str>)> {
        self.attributes.iter().map(|(name, value)| {
            (*name, Some(value.as_str()).filter(|value| !UNKNOWN.contains(value)))
        })
    }

    /// The names of the attributes.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.attributes.iter().map(|(name, _)| *name)
    }

    /// The same in as many commands as are needed, so that none is longer than
    /// a line may be.
    pub fn in_lines(&self) -> Vec<Xclient> {
        let mut lines: Vec<Xclient> = Vec::new();
        for attribute in &self.attributes {
            let fits = |line: &&mut Xclient| {
                let longer = 1 + attribute.0.len() + 1 + xtext::encoded(&attribute.1).len();
                line.to_string().len() + longer <= LONGEST
            };
            match lines.last_mut().filter(|line| fits(line)) {
                Some(line) => line.attributes.push(attribute.clone()),
                None => lines.push(Xclient { attributes: vec![attribute.clone()] }),
            }
        }
        lines
    }
}

impl fmt::Display for Xclient {
    /// The command without CRLF.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("XCLIENT")?;
        let mut written = self.attributes.iter().map(|(name, value)| (name, xtext::encoded(value)));
        written.try_for_each(|(name, value)| write!(f, " {name}={value}"))
    }
}

/// The value as it is written; an IPv6 address with its prefix.
fn checked(name: &str, value: &str) -> Result<String, NotXclient> {
    if value.is_empty() {
        return Err(NotXclient::Value);
    }
    let unknown = UNKNOWN.into_iter().find(|unknown| unknown.eq_ignore_ascii_case(value));
    if let Some(unknown) = unknown {
        return Ok(unknown.to_owned());
    }
    match name {
        "ADDR" | "DESTADDR" => {
            let has_prefix =
                value.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("IPV6:"));
            let bare = if has_prefix { &value[5..] } else { value };
            match bare.parse::<IpAddr>() {
                Ok(IpAddr::V6(address)) => Ok(format!("IPV6:{address}")),
                Ok(IpAddr::V4(address)) if !has_prefix => Ok(address.to_string()),
                Ok(_) | Err(_) => Err(NotXclient::Value),
            }
        }
        "PORT" | "DESTPORT" => match value.parse::<u16>() {
            Ok(port) => Ok(port.to_string()),
            Err(_) => Err(NotXclient::Value),
        },
        "PROTO" => {
            let protocol = value.to_ascii_uppercase();
            let is_known = matches!(protocol.as_str(), "SMTP" | "ESMTP");
            is_known.then_some(protocol).ok_or(NotXclient::Value)
        }
        _ => Ok(value.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(words: &[&str]) -> Result<String, NotXclient> {
        Xclient::of(words.iter().copied()).map(|it| it.map_or(String::new(), |it| it.to_string()))
    }

    #[test]
    fn attributes_are_written_as_postfix_reads_them() {
        // XCLIENT
        for (words, expected) in [
            (
                &["addr=192.0.2.1", "name=a.example"][..],
                Ok("XCLIENT NAME=a.example ADDR=192.0.2.1"),
            ),
            (&["ADDR=2001:db8::1"], Ok("XCLIENT ADDR=IPV6:2001:db8::1")),
            (&["ADDR=ipv6:2001:DB8::1"], Ok("XCLIENT ADDR=IPV6:2001:db8::1")),
            (&["NAME=[unavailable]"], Ok("XCLIENT NAME=[UNAVAILABLE]")),
            (&["LOGIN=a b+c\r\nQUIT"], Ok("XCLIENT LOGIN=a+20b+2Bc+0D+0AQUIT")),
            (&["PROTO=esmtp", "PORT=25"], Ok("XCLIENT PORT=25 PROTO=ESMTP")),
            (&[], Ok("")),
            (&["NAME"], Err(NotXclient::NoValue)),
            (&["WHO=me"], Err(NotXclient::Name)),
            (&["NAME="], Err(NotXclient::Value)),
            (&["ADDR=box"], Err(NotXclient::Value)),
            (&["ADDR=IPV6:192.0.2.1"], Err(NotXclient::Value)),
            (&["PORT=65536"], Err(NotXclient::Value)),
            (&["PROTO=LMTP"], Err(NotXclient::Value)),
            (&["NAME=a", "name=b"], Err(NotXclient::Twice)),
        ] {
            assert_eq!(said(words), expected.map(str::to_owned), "{words:?}");
        }
    }

    #[test]
    fn what_is_too_long_for_a_line_takes_several_and_the_address_comes_last() {
        // XCLIENT
        let (name, helo) = ("a".repeat(300), "b".repeat(300));
        let words = ["ADDR=192.0.2.1".to_owned(), format!("NAME={name}"), format!("HELO={helo}")];
        let xclient = Xclient::of(words.iter().map(String::as_str)).unwrap().unwrap();
        let lines: Vec<String> = xclient.in_lines().iter().map(ToString::to_string).collect();
        assert_eq!(
            lines,
            [format!("XCLIENT NAME={name}"), format!("XCLIENT HELO={helo} ADDR=192.0.2.1")]
        );
        assert_eq!(said(&[&format!("NAME={}", "a".repeat(500))]), Err(NotXclient::TooLong));
    }

    #[test]
    fn what_is_written_is_read_as_it_was_meant() {
        // XCLIENT
        let read = |argument: &str| {
            let values = Xclient::read(argument).map(|xclient| {
                let values = xclient.values().map(|(name, value)| format!("{name} {value:?}"));
                values.collect::<Vec<_>>().join(", ")
            });
            values.unwrap_or_else(|why| format!("{why:?}"))
        };
        for (argument, expected) in [
            ("addr=192.0.2.1 name=a.example", r#"NAME Some("a.example"), ADDR Some("192.0.2.1")"#),
            ("ADDR=ipv6:2001:DB8::1", r#"ADDR Some("IPV6:2001:db8::1")"#),
            ("LOGIN=a+20b+2Bc", r#"LOGIN Some("a b+c")"#),
            ("NAME=[unavailable] HELO=[TEMPUNAVAIL]", "NAME None, HELO None"),
            ("", "NoValue"),
            ("NAME", "NoValue"),
            ("WHO=me", "Name"),
            ("LOGIN=a+2", "Xtext"),
            ("LOGIN=+FF", "Xtext"),
            ("LOGIN=a=b", "Xtext"),
            ("PORT=-1", "Value"),
            // As Postfix does.
            ("DESTADDR=2001:db8::1", r#"DESTADDR Some("IPV6:2001:db8::1")"#),
            ("NAME=a name=b", "Twice"),
        ] {
            assert_eq!(read(argument), expected, "{argument}");
        }
    }
}
