//! The HTML of a text in Markdown.

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd, html};

/// A whole HTML document: `CommonMark` with tables, strikethrough and footnotes.
/// HTML within the Markdown is shown as it was typed, so that both forms of a
/// message say the same and no text becomes markup by accident.
pub fn html_of(markdown: &str) -> String {
    let options =
        Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_FOOTNOTES;
    let events = Parser::new_ext(markdown, options).map(|event| match event {
        Event::Html(typed) | Event::InlineHtml(typed) => Event::Text(typed),
        Event::Start(Tag::HtmlBlock) => Event::Start(Tag::Paragraph),
        Event::End(TagEnd::HtmlBlock) => Event::End(TagEnd::Paragraph),
        event => event,
    });
    let mut body = String::with_capacity(markdown.len() * 2);
    html::push_html(&mut body, events);
    format!(
        "<!DOCTYPE html>\n<html>\n<head><meta charset=\"utf-8\"></head>\n<body>\n{body}</body>\n</html>\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markdown_becomes_html() {
        let html = html_of(
            "# Größe\n\n*a* **b** ~~c~~ [d](https://x.example/?a=1&b=2) ![e](e.png)[^1]\n\n\
             | f | g |\n|---|---|\n| 1 | 2 |\n\n[^1]: note\n",
        );
        for part in [
            "<h1>Größe</h1>",
            "<em>a</em>",
            "<strong>b</strong>",
            "<del>c</del>",
            "<a href=\"https://x.example/?a=1&amp;b=2\">d</a>",
            "<img src=\"e.png\" alt=\"e\" />",
            "<td>1</td>",
            "footnote-definition",
        ] {
            assert!(html.contains(part), "{part}: {html}");
        }
    }

    #[test]
    fn html_in_markdown_is_shown_as_typed() {
        let html = html_of("a <b>x</b>\n\n<script>alert(1)</script>\n\nend\n");
        assert!(html.contains("a &lt;b&gt;x&lt;/b&gt;"), "{html}");
        assert!(html.contains("&lt;script&gt;alert(1)&lt;/script&gt;"), "{html}");
        assert!(!html.contains("<script") && html.contains("<p>end</p>"), "{html}");
    }
}
