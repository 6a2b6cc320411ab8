//! What a domain says of TLS to the servers that take its mail (RFC 8461).

/// The policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// What comes of a server that does not fit.
    pub mode: Mode,
    /// For how many seconds it holds.
    pub max_age: u32,
    /// The hosts that take mail, in lower case; `*.` stands for one label.
    pub mx: Vec<String>,
}

/// RFC 8461 §5.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// It gets no mail.
    Enforce,
    /// It is reported.
    Testing,
    /// Nothing.
    None,
}

/// RFC 8461 §3.2.
const LONGEST: u32 = 31_557_600;

impl Policy {
    /// Reads the file; the error is what is wrong with it, in a clause. Of a key
    /// that stands there twice the first counts, but for `mx`; unknown ones are
    /// passed over.
    pub fn read(text: &str) -> Result<Self, &'static str> {
        let pairs = text.lines().filter_map(|line| line.split_once(':'));
        let pairs: Vec<(&str, &str)> = pairs.map(|(key, it)| (key.trim(), it.trim())).collect();
        let first = |name: &str| pairs.iter().find(|(key, _)| *key == name).map(|(_, it)| *it);
        if first("version") != Some("STSv1") {
            return Err("its version is not STSv1");
        }
        let mode = match first("mode") {
            Some("enforce") => Mode::Enforce,
            Some("testing") => Mode::Testing,
            Some("none") => Mode::None,
            Some(_) => return Err("its mode is neither enforce nor testing nor none"),
            None => return Err("it has no mode"),
        };
        let max_age = first("max_age").and_then(|seconds| seconds.parse().ok());
        let max_age = max_age.filter(|seconds| *seconds <= LONGEST);
        let max_age = max_age.ok_or("its max_age is not a number of seconds up to a year")?;
        let mx = pairs.iter().filter(|(key, _)| *key == "mx");
        let mx: Vec<String> = mx.map(|(_, host)| host.to_ascii_lowercase()).collect();
        if mx.is_empty() && mode != Mode::None {
            return Err("it names no mx");
        }
        Ok(Policy { mode, max_age, mx })
    }

    /// Whether this host takes mail by it (RFC 8461 §4.1).
    pub fn admits(&self, host: &str) -> bool {
        let host = host.to_ascii_lowercase();
        self.mx.iter().any(|pattern| match pattern.strip_prefix("*.") {
            Some(rest) => host.split_once('.').is_some_and(|(_, behind)| behind == rest),
            None => *pattern == host,
        })
    }
}

/// Whether this is the identifier of a policy (RFC 8461 §3.1).
pub fn is_id(text: &str) -> bool {
    (1..=32).contains(&text.len()) && text.chars().all(|c| c.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "version: STSv1\r\nmode: enforce\r\nmx: mail.example.org\r\n\
                        mx: *.backup.example\r\nmax_age: 86400\r\nmode: none\r\nx: y\r\n";

    #[test]
    fn a_policy_admits_the_hosts_that_it_names_and_one_label_for_a_star() {
        let policy = Policy::read(GOOD).unwrap();
        assert_eq!((policy.mode, policy.max_age), (Mode::Enforce, 86400));
        for (host, expected) in [
            ("mail.example.org", true),
            ("MAIL.example.org", true),
            ("a.backup.example", true),
            ("backup.example", false),
            ("a.b.backup.example", false),
            ("other.example.org", false),
        ] {
            assert_eq!(policy.admits(host), expected, "{host}");
        }
    }

    #[test]
    fn a_policy_that_cannot_be_followed_is_told_apart() {
        for (from, to, expected) in [
            ("STSv1", "STSv2", "its version is not STSv1"),
            ("enforce", "maybe", "its mode is neither enforce nor testing nor none"),
            ("86400", "31557601", "its max_age is not a number of seconds up to a year"),
            ("max_age", "age", "its max_age is not a number of seconds up to a year"),
            ("mx:", "my:", "it names no mx"),
        ] {
            assert_eq!(Policy::read(&GOOD.replace(from, to)), Err(expected), "{to}");
        }
        assert!(Policy::read("version: STSv1\nmode: none\nmax_age: 0\n").is_ok());
    }

    #[test]
    fn an_identifier_has_one_to_32_letters_and_digits() {
        assert!(is_id("20240101T000000") && !is_id("") && !is_id("a-b") && !is_id(&"a".repeat(33)));
    }
}
