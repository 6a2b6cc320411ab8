//! What a message answers: In-Reply-To and References (RFC 5322 §3.6.4).

use super::Error;
use std::fmt;
use std::str::FromStr;

/// The Message-ID of a message, without its angle brackets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageId(String);

impl FromStr for MessageId {
    type Err = Error;

    /// Takes `<left@right>` or `left@right`.
    fn from_str(text: &str) -> Result<Self, Error> {
        let refused = || Error::MessageId(text.to_owned());
        let bare = match text.strip_prefix('<') {
            Some(rest) => rest.strip_suffix('>').ok_or_else(refused)?,
            None => text,
        };
        let (left, right) = bare.split_once('@').ok_or_else(refused)?;
        let is_literal = right
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
            .is_some_and(|inner| inner.bytes().all(is_dtext));
        // Brackets, blank and fold must fit on a line beside it.
        let fits = bare.len() <= LONGEST;
        if fits && is_dot_atom(left) && (is_literal || is_dot_atom(right)) {
            Ok(MessageId(bare.to_owned()))
        } else {
            Err(refused())
        }
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}>", self.0)
    }
}

const LONGEST: usize = 900;

/// The messages before this one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Thread {
    /// Those that it answers.
    pub in_reply_to: Vec<MessageId>,
    /// Those that led to them, the first one first.
    pub references: Vec<MessageId>,
}

impl Thread {
    /// The fields that say so. References ends with what is answered, be it
    /// named there or not.
    pub fn fields(&self) -> Vec<(&'static str, String)> {
        let missing = self.in_reply_to.iter().filter(|id| !self.references.contains(id));
        let references: Vec<_> = self.references.iter().chain(missing).collect();
        let answered: Vec<_> = self.in_reply_to.iter().collect();
        [("In-Reply-To", answered), ("References", references)]
            .into_iter()
            .filter(|(_, ids)| !ids.is_empty())
            .map(|(name, ids)| {
                (name, ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))
            })
            .collect()
    }
}

fn is_dot_atom(text: &str) -> bool {
    text.split('.').all(|atom| !atom.is_empty() && atom.bytes().all(is_atext))
}

fn is_atext(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&octet)
}

fn is_dtext(octet: u8) -> bool {
    octet.is_ascii_graphic() && !b"[]\\".contains(&octet)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(texts: &[&str]) -> Vec<MessageId> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn an_id_is_taken_with_or_without_its_brackets() {
        // 5322-3.6.4
        for (text, shown) in [
            ("<1.a+b=c@x.example>", "<1.a+b=c@x.example>"),
            ("1@x", "<1@x>"),
            ("1@[192.0.2.1]", "<1@[192.0.2.1]>"),
        ] {
            assert_eq!(text.parse::<MessageId>().unwrap().to_string(), shown);
        }
        let long = format!("{}@x", "a".repeat(900));
        for text in [
            "",
            "<>",
            "1",
            "<1@x",
            "1@x>",
            "@x",
            "1@",
            "1@@x",
            "1@x@y",
            "1 2@x",
            "a..b@x",
            "é@x",
            "<1@x> ",
            "1@x\r\nA: b",
            "1@[[]",
            "\"a\"@x",
            &long,
        ] {
            assert!(matches!(text.parse::<MessageId>(), Err(Error::MessageId(_))), "{text:?}");
        }
    }

    #[test]
    fn references_end_with_what_is_answered() {
        // 5322-3.6.4r
        for (in_reply_to, references, expected) in [
            (&[][..], &[][..], &[][..]),
            (&["3@x"], &[], &[("In-Reply-To", "<3@x>"), ("References", "<3@x>")]),
            (
                &["3@x"],
                &["1@x", "2@x"],
                &[("In-Reply-To", "<3@x>"), ("References", "<1@x> <2@x> <3@x>")],
            ),
            (&["3@x"], &["1@x", "3@x"], &[("In-Reply-To", "<3@x>"), ("References", "<1@x> <3@x>")]),
            (&[], &["1@x"], &[("References", "<1@x>")]),
        ] {
            let thread = Thread { in_reply_to: ids(in_reply_to), references: ids(references) };
            let fields = thread.fields();
            let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, &value[..])).collect();
            assert_eq!(fields, expected);
        }
    }
}
