//! Finding in an HTML document what it shows from elsewhere: pictures,
//! backgrounds, what a style names. Nothing is parsed that is not needed for
//! that, and nothing but a reference is ever changed.

use std::ops::Range;

/// One place of a document that names a resource.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reference {
    /// Where its octets stand.
    pub(super) range: Range<usize>,
    /// What it says, character references read.
    pub(super) name: String,
}

/// All of them, in their order.
pub(super) fn references(html: &str) -> Vec<Reference> {
    let mut scanner = Scanner { html, at: 0, found: Vec::new() };
    scanner.document();
    scanner.found
}

struct Scanner<'h> {
    html: &'h str,
    at: usize,
    found: Vec<Reference>,
}

/// Elements within which no tag begins.
const RAW: [&str; 6] = ["style", "script", "title", "textarea", "xmp", "noembed"];
const BLANKS: [char; 5] = [' ', '\t', '\n', '\r', '\u{c}'];

impl<'h> Scanner<'h> {
    fn document(&mut self) {
        while let Some(tag) = self.rest().find('<') {
            self.at += tag + 1;
            let rest = self.rest();
            if rest.starts_with(|c: char| c.is_ascii_alphabetic()) {
                self.tag();
            } else if let Some(comment) = rest.strip_prefix("!--") {
                // Outlook reads what stands in `<!--[if mso]>`.
                if !comment.trim_start().starts_with("[if") {
                    let end = comment.find("-->").unwrap_or(comment.len());
                    self.at += "!--".len() + end;
                }
            }
        }
    }

    /// A tag from its name to its end, and what stands in its element if that
    /// is no markup.
    fn tag(&mut self) {
        let name = self.take(|c| !BLANKS.contains(&c) && c != '/' && c != '>');
        let name = self.html[name].to_ascii_lowercase();
        while let Some((attribute, value)) = self.attribute() {
            match attribute.as_str() {
                "src" | "background" | "poster" => self.note(value, true),
                "srcset" => self.candidates(value),
                "style" => self.urls(value, true),
                _ => {}
            }
        }
        if RAW.contains(&name.as_str()) {
            let end = end_tag(self.rest(), &name).unwrap_or(self.rest().len());
            let content = self.at..self.at + end;
            self.at = content.end;
            if name == "style" {
                self.urls(content, false);
            }
        }
    }

    /// The next attribute and where its value stands; `None` at the end of the
    /// tag, which is passed.
    fn attribute(&mut self) -> Option<(String, Range<usize>)> {
        self.take(|c| BLANKS.contains(&c) || c == '/');
        if self.rest().is_empty() {
            return None;
        }
        if self.rest().starts_with('>') {
            self.at += 1;
            return None;
        }
        let start = self.at;
        // A name may even begin with `=`.
        self.at += self.rest().chars().next().map_or(0, char::len_utf8);
        self.take(|c| !BLANKS.contains(&c) && !matches!(c, '/' | '>' | '='));
        let name = self.html[start..self.at].to_ascii_lowercase();
        self.take(|c| BLANKS.contains(&c));
        if !self.rest().starts_with('=') {
            return Some((name, self.at..self.at));
        }
        self.at += 1;
        self.take(|c| BLANKS.contains(&c));
        let value = match self.rest().chars().next() {
            Some(mark @ ('"' | '\'')) => {
                self.at += 1;
                let value = self.take(|c| c != mark);
                self.at = (self.at + 1).min(self.html.len());
                value
            }
            _ => self.take(|c| !BLANKS.contains(&c) && c != '>'),
        };
        Some((name, value))
    }

    /// `a.png 1x, b.png 2x`.
    fn candidates(&mut self, value: Range<usize>) {
        let mut at = value.start;
        while at < value.end {
            let rest = &self.html[at..value.end];
            let lead =
                rest.len() - rest.trim_start_matches(|c| BLANKS.contains(&c) || c == ',').len();
            let url = rest[lead..].split(BLANKS).next().unwrap_or_default();
            let whole = url.trim_end_matches(',');
            let start = at + lead;
            self.note(start..start + whole.len(), true);
            let after = &rest[lead + url.len()..];
            // A URL that ends in a comma has no descriptor behind it.
            let passed =
                if url.len() > whole.len() { 0 } else { after.find(',').unwrap_or(after.len()) };
            at = start + url.len() + passed;
        }
    }

    /// `url(a.png)` and `url("a.png")` in a style.
    fn urls(&mut self, style: Range<usize>, has_entities: bool) {
        let mut at = style.start;
        while let Some(found) = find_ignoring_case(&self.html[at..style.end], "url(") {
            let open = at + found + "url(".len();
            let rest = &self.html[open..style.end];
            let lead = rest.len() - rest.trim_start_matches(BLANKS).len();
            let marks: &[&str] = if has_entities { &MARKS } else { &MARKS[..2] };
            let mark = marks.iter().find(|mark| rest[lead..].starts_with(**mark)).copied();
            let start = lead + mark.map_or(0, str::len);
            let end = rest[start..].find(mark.unwrap_or(")")).unwrap_or(rest.len() - start);
            self.note(open + start..open + start + end, has_entities);
            at = open + start + end;
        }
    }

    /// Keeps one, without the blanks around it.
    fn note(&mut self, range: Range<usize>, has_entities: bool) {
        let raw = &self.html[range.clone()];
        let text = raw.trim_matches(BLANKS);
        if text.is_empty() {
            return;
        }
        let start = range.start + (raw.len() - raw.trim_start_matches(BLANKS).len());
        let name = if has_entities { decoded(text) } else { text.to_owned() };
        self.found.push(Reference { range: start..start + text.len(), name });
    }

    fn take(&mut self, wanted: impl Fn(char) -> bool) -> Range<usize> {
        let rest = self.rest();
        let length = rest.find(|c| !wanted(c)).unwrap_or(rest.len());
        self.at += length;
        self.at - length..self.at
    }

    fn rest(&self) -> &'h str {
        &self.html[self.at..]
    }
}

/// What may enclose the URL in `url(…)`; in an attribute the last three, too.
const MARKS: [&str; 5] = ["\"", "'", "&quot;", "&#39;", "&apos;"];

/// Where `</name` stands.
fn end_tag(text: &str, name: &str) -> Option<usize> {
    find_ignoring_case(text, &format!("</{name}"))
}

fn find_ignoring_case(text: &str, wanted: &str) -> Option<usize> {
    let wanted = wanted.as_bytes();
    text.as_bytes().windows(wanted.len()).position(|here| here.eq_ignore_ascii_case(wanted))
}

/// The text with the character references that occur in URLs.
fn decoded(text: &str) -> String {
    let mut decoded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        decoded.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = rest.bytes().take(LONGEST_NAME).position(|octet| octet == b';');
        let read = end.and_then(|end| Some((character(&rest[1..end])?, end + 1)));
        let (c, length) = read.unwrap_or(('&', 1));
        decoded.push(c);
        rest = &rest[length..];
    }
    decoded + rest
}

/// `&#x10ffff;`, and a few zeros before it.
const LONGEST_NAME: usize = 16;

fn character(name: &str) -> Option<char> {
    let number =
        |digits: &str, radix| u32::from_str_radix(digits, radix).ok().and_then(char::from_u32);
    match name {
        "amp" => Some('&'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        "lt" => Some('<'),
        "gt" => Some('>'),
        _ => match name.strip_prefix('#')? {
            hex if hex.starts_with(['x', 'X']) => number(&hex[1..], 16),
            decimal => number(decimal, 10),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn names(html: &str) -> Vec<String> {
        references(html).into_iter().map(|reference| reference.name).collect()
    }

    #[test]
    fn references_are_found_wherever_html_shows_something() {
        for (html, expected) in [
            ("<img src=\"a.png\">", &["a.png"][..]),
            ("<IMG alt='>' SRC = 'a b.png' />", &["a b.png"]),
            ("<img src=a.png><img src = a/b.png>", &["a.png", "a/b.png"]),
            ("<img src=' a&amp;b&#39;&#x20;.png '>", &["a&b' .png"]),
            ("<img src><img src=''><img src=\"open", &["open"]),
            ("<td background=\"bg.gif\"><video poster='p.jpg'>", &["bg.gif", "p.jpg"]),
            (
                "<img srcset=\"a.png 1x, b,c.png 2x ,d.png, e.png\">",
                &["a.png", "b,c.png", "d.png", "e.png"],
            ),
            ("<p style=\"background: URL( 'a.png' ) x; b: url(b.png)\">", &["a.png", "b.png"]),
            ("<p style='background:url(&quot;a).png&quot;)'>", &["a).png"]),
            ("<style>p { background: url(\"a.png\") } </style><img src=b>", &["a.png", "b"]),
            ("<!-- <img src=a> --><img src=b>", &["b"]),
            ("<!--[if mso]><v:fill src=\"a.png\"/><![endif]-->", &["a.png"]),
            ("<script>'<img src=a>'</script><title><img src=b></title><img src=c>", &["c"]),
            ("a < b <a href=\"x.pdf\">src=\"y\"</a>", &[]),
        ] {
            assert_eq!(names(html), expected, "{html}");
        }
    }

    proptest! {
        #[test]
        fn whatever_the_document_a_reference_stands_where_it_says(
            parts in proptest::collection::vec(
                "<|>|=|\"|'|/|&|;|é| |img|src|srcset|style|url\\(|\\)|<!--|-->|<style>|</style>|a.png|,", 0..60)
        ) {
            let html = parts.concat();
            let mut before = 0;
            for Reference { range, name } in references(&html) {
                prop_assert!(before <= range.start && range.start < range.end);
                prop_assert_eq!(decoded(&html[range.clone()]).len() >= name.len(), true);
                before = range.end;
            }
        }
    }
}
