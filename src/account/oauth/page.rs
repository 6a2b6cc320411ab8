//! What the browser shows when it is back: a page without anything that would
//! have to be fetched.

/// The login went well.
pub(super) fn of_success() -> String {
    page("You are logged in", "This window can be closed.")
}

/// It did not. The text is escaped here.
pub(super) fn of_failure(why: &str) -> String {
    page("The login failed", &escaped(why))
}

/// The request is no answer to this login: it may go on.
pub(super) fn of_stranger() -> String {
    let why = "It lacks the state that the browser was sent with. The login is still waited for.";
    page("This is no answer to the login", why)
}

/// The request was for something else.
pub(super) fn of_nothing() -> String {
    page("Nothing is here", "The answer to a login is waited for.")
}

fn page(title: &str, text: &str) -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <title>envoi</title></head>\n<body><h1>{title}</h1><p>{text}</p></body></html>\n"
    )
}

/// Text as HTML shows it, without what a browser would take for a tag.
fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            c if c.is_control() => html.push(' '),
            c => html.push(c),
        }
    }
    html
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_issuer_says_is_text_and_no_html() {
        let page = of_failure("<script>alert('x')</script>\u{0}&");
        assert!(page.contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp;"), "{page}");
        assert!(!page.contains("<script"), "{page}");
    }
}
