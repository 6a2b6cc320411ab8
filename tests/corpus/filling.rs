//! What the files of the corpus write in braces:
//!
//! | written | stands for |
//! |---|---|
//! | `{e9}` | the octet with this number |
//! | `{00..ff}` | all octets from one to the other |
//! | `{text*998}` | the text so many times; `#` in it is the number of the turn, from 1 |
//! | `{text*n}` | the text as often as the number of this case says |
//! | `{n}`, `{each}` | the number, or the text, of this case |
//!
//! Other braces are what they are.

/// What makes one case of a row differ from the others.
#[derive(Clone, Debug, Default)]
pub(crate) struct Variant {
    pub(crate) n: usize,
    pub(crate) each: String,
}

impl Variant {
    /// The text with everything in braces filled in.
    pub(crate) fn fill(&self, text: &str) -> Vec<u8> {
        let text = text.replace("{each}", &self.each);
        let (mut octets, mut rest) = (Vec::new(), &text[..]);
        while let Some((before, behind)) = rest.split_once('{') {
            octets.extend_from_slice(before.as_bytes());
            let filled = behind
                .split_once('}')
                .and_then(|(inner, later)| Some((self.filling(inner)?, later)));
            if let Some((filling, later)) = filled {
                octets.extend(filling);
                rest = later;
            } else {
                octets.push(b'{');
                rest = behind;
            }
        }
        octets.extend_from_slice(rest.as_bytes());
        octets
    }

    /// Likewise, of what must be text.
    pub(crate) fn fill_text(&self, text: &str) -> String {
        String::from_utf8(self.fill(text)).unwrap_or_else(|_| panic!("{text:?} is not UTF-8"))
    }

    fn filling(&self, inner: &str) -> Option<Vec<u8>> {
        if inner == "n" {
            return Some(self.n.to_string().into_bytes());
        }
        if let Some((Some(first), Some(last))) =
            inner.split_once("..").map(|(first, last)| (octet(first), octet(last)))
        {
            return Some((first..=last).collect());
        }
        if let Some((text, times)) = inner.rsplit_once('*') {
            let times = if times == "n" { self.n } else { times.parse().ok()? };
            let turn = |turn: usize| text.replace('#', &turn.to_string()).into_bytes();
            return Some((1..=times).flat_map(turn).collect());
        }
        octet(inner).map(|octet| vec![octet])
    }
}

fn octet(digits: &str) -> Option<u8> {
    if digits.len() == 2 { u8::from_str_radix(digits, 16).ok() } else { None }
}

#[test]
fn braces_are_filled_in() {
    let variant = Variant { n: 2, each: "é".to_owned() };
    for (written, expected) in [
        ("a{e9}b", &b"a\xe9b"[..]),
        ("{00..03}", b"\0\x01\x02\x03"),
        ("{ab*3}{x*n}{n}", b"abababxx2"),
        ("{u#,*3}", b"u1,u2,u3,"),
        ("{..*2}", b"...."),
        ("{each}{}{*}{a", "é{}{*}{a".as_bytes()),
    ] {
        assert_eq!(variant.fill(written), expected, "{written}");
    }
}
