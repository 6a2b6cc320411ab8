//! The plain text of an HTML document, for who reads no HTML.

use html2text::config;

/// The text that a reader without HTML gets: lines of at most 78, links as
/// numbers with a list at the end, tables as columns without lines. What is no
/// text, such as scripts and styles, is left out. `None` for a document so large
/// that this would take long and much memory.
pub fn text_of(html: &str) -> Option<String> {
    (html.len() <= LARGEST).then(|| rendered(html))
}

const LARGEST: usize = 4 * 1024 * 1024;

fn rendered(html: &str) -> String {
    let settings = config::plain()
        .link_footnotes(true)
        .no_link_wrapping()
        .no_table_borders()
        .allow_width_overflow()
        .unicode_strikeout(false);
    let text = settings.string_from_read(html.as_bytes(), WIDTH);
    // It fails where a width is too narrow, which overflow allows.
    let text = text.unwrap_or_default().replace(NO_BREAK_SPACE, " ");
    let mut lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    lines.dedup_by(|later, earlier| later.is_empty() && earlier.is_empty());
    let text = lines.join("\n");
    let text = text.trim_matches('\n');
    if text.is_empty() { String::new() } else { format!("{text}\n") }
}

/// Keeps words together in HTML; in a text it only costs an encoding.
const NO_BREAK_SPACE: char = '\u{a0}';
/// RFC 5322 §2.1.1.
const WIDTH: usize = 78;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lists_tables_and_entities_are_kept() {
        let html = "<!doctype html><html><head><title>no</title><style>p{color:red}</style>\
            <script>alert(1)</script></head><body><!-- no --><h1>Caf&eacute;&nbsp;&mdash; 10 &euro;</h1>\
            <p>See <a href=\"https://x.example/?a=1&amp;b=2\">the page</a>, <b>Bob</b>.</p>\
            <ul><li>one</li><li>two</li></ul><ol><li>first</li></ol>\
            <table><tr><th>Name</th><th>Sum</th></tr><tr><td>Alice</td><td>10</td></tr></table>\
            <img src=\"a.png\" alt=\"Logo\"><blockquote>said</blockquote><pre>a  b\n  c</pre></body></html>";
        let text = text_of(html).unwrap();
        for kept in [
            "Café — 10 €",
            "[the page][1]",
            "[1]: https://x.example/?a=1&b=2",
            "* one\n* two",
            "1. first",
            "Alice",
            "Logo",
            "> said",
            "a  b\n  c",
        ] {
            assert!(text.contains(kept), "{kept}: {text}");
        }
        for lost in ["alert", "color", "<", "no", "│"] {
            assert!(!text.contains(lost), "{lost}: {text}");
        }
    }

    #[test]
    fn no_line_is_long_unless_a_word_is() {
        let long = format!("https://x.example/{}", "a".repeat(200));
        let html = format!("<p>{} <a href=\"{long}\">x</a></p>", "word ".repeat(100));
        let text = text_of(&html).unwrap();
        assert!(text.contains(&long), "{text}");
        assert!(text.lines().all(|line| line.len() <= 78 || line.ends_with(&long)), "{text}");
    }

    #[test]
    fn what_is_hardly_html_gives_no_error() {
        for (html, text) in [
            ("", ""),
            ("just text", "just text\n"),
            ("<p>open <b>never", "open **never**\n"),
            ("<", "<\n"),
        ] {
            assert_eq!(text_of(html).unwrap(), text, "{html:?}");
        }
        let deep = format!("{}x{}", "<div>".repeat(1_000), "</div>".repeat(1_000));
        assert_eq!(text_of(&deep).unwrap(), "x\n");
        let tables = format!("{}x", "<table><tr><td>".repeat(300));
        assert!(text_of(&tables).unwrap().contains('x'));
        assert_eq!(text_of(&" ".repeat(LARGEST + 1)), None);
    }
}
