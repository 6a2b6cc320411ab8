//! Files that the HTML of a message shows: their Content-IDs, and the
//! references to them (RFC 2387, RFC 2392).

use super::parameter::percent_decoded;
use super::references::{Reference, references};
use super::{Attachment, Warning};
use std::borrow::Cow;
use std::path::Path;

/// HTML that refers to the parts beside it.
pub(super) struct Embedded {
    pub(super) html: String,
    pub(super) warnings: Vec<Warning>,
}

/// Lets the HTML refer to these files by their Content-IDs, which have angle
/// brackets. Only references to them change; URLs of other places stay.
pub(super) fn embed(html: &str, files: &[(&Attachment, &str)]) -> Embedded {
    let names: Vec<Names> = files.iter().map(|(file, _)| Names::of(file)).collect();
    let mut is_shown = vec![false; files.len()];
    let mut embedded = Embedded { html: String::with_capacity(html.len()), warnings: Vec::new() };
    let mut copied = 0;
    for Reference { range, name } in references(html) {
        if !is_local(&name) {
            continue;
        }
        if let Some(at) = named(&name, &names) {
            is_shown[at] = true;
            embedded.html.push_str(&html[copied..range.start]);
            embedded.html.push_str(&url(files[at].1));
            copied = range.end;
        } else {
            let path = forms(&name).pop().unwrap_or_default().into();
            let warning = Warning::NotSentAlong { reference: name, path };
            if !embedded.warnings.contains(&warning) {
                embedded.warnings.push(warning);
            }
        }
    }
    embedded.html.push_str(&html[copied..]);
    for ((file, _), _) in files.iter().zip(is_shown).filter(|(_, is_shown)| !is_shown) {
        embedded.warnings.push(Warning::NotShown(file.source.path().to_owned()));
    }
    embedded
}

/// By what a file may be referred to.
struct Names {
    /// Its path as it was typed, and its name in the message.
    whole: Vec<String>,
    /// The last parts of those.
    last: Vec<String>,
}

impl Names {
    fn of(file: &Attachment) -> Self {
        let path = file.source.file_name().map(|_| file.source.path().to_string_lossy());
        let whole: Vec<String> = path
            .into_iter()
            .chain(file.name.as_deref().map(Cow::Borrowed))
            .map(|name| without_dot(&name).to_owned())
            .collect();
        let last = whole.iter().map(|name| last_part(name).to_owned()).collect();
        Names { whole, last }
    }
}

/// The file that a reference means: by its whole name before the last part of
/// it, and by that only if there is no other of this name.
fn named(reference: &str, names: &[Names]) -> Option<usize> {
    let forms = forms(reference);
    let whole = forms.iter().find_map(|form| names.iter().position(|it| it.whole.contains(form)));
    whole.or_else(|| {
        forms.iter().find_map(|form| {
            let last = last_part(form).to_owned();
            let mut same = (0..names.len()).filter(|&at| names[at].last.contains(&last));
            same.next().filter(|_| same.next().is_none())
        })
    })
}

/// What a reference may mean by itself: as written, percent-decoded, and each
/// without a query or a fragment.
fn forms(reference: &str) -> Vec<String> {
    let rest = match scheme(reference) {
        Some(scheme) => &reference[scheme.len() + 1..],
        None => reference,
    };
    let path = rest.strip_prefix("//localhost/").map_or(rest, |_| &rest["//localhost".len()..]);
    let path = without_dot(path.strip_prefix("//").unwrap_or(path));
    let bare = path.split(['?', '#']).next().unwrap_or_default();
    let mut forms = Vec::new();
    for form in [path, bare] {
        for form in [form.to_owned(), decoded(form)] {
            if !form.is_empty() && !forms.contains(&form) {
                forms.push(form);
            }
        }
    }
    forms
}

/// True for what only this machine knows: a path, or a name of a part.
fn is_local(reference: &str) -> bool {
    match scheme(reference) {
        Some(scheme) => ["file", "cid"].iter().any(|local| scheme.eq_ignore_ascii_case(local)),
        None => !reference.starts_with("//") && !reference.starts_with('#'),
    }
}

/// RFC 3986 §3.1.
fn scheme(reference: &str) -> Option<&str> {
    let (scheme, _) = reference.split_once(':')?;
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|octet| octet.is_ascii_alphanumeric() || b"+-.".contains(&octet));
    is_scheme.then_some(scheme)
}

fn without_dot(path: &str) -> &str {
    path.strip_prefix("./").unwrap_or(path)
}

/// The text with its %XX read, where that gives UTF-8.
fn decoded(text: &str) -> String {
    String::from_utf8(percent_decoded(text.as_bytes())).unwrap_or_else(|_| text.to_owned())
}

fn last_part(path: &str) -> &str {
    Path::new(path).file_name().and_then(|name| name.to_str()).unwrap_or(path)
}

/// RFC 2392: the URL of a Content-ID.
fn url(content_id: &str) -> String {
    let id = content_id.trim_matches(['<', '>']);
    // An address literal has brackets, and an identifier may have a %.
    format!("cid:{}", id.replace('%', "%25").replace('[', "%5B").replace(']', "%5D"))
}

#[cfg(test)]
mod tests {
    use super::super::Source;
    use super::*;

    fn file(name: &str) -> Attachment {
        Attachment { source: Source::held("x", "held"), name: Some(name.into()), media_type: None }
    }

    fn embedded(html: &str, names: &[&str]) -> (String, Vec<String>) {
        let files: Vec<_> = names.iter().map(|name| file(name)).collect();
        let ids: Vec<_> = (0..names.len()).map(|at| format!("<{at}@x>")).collect();
        let files: Vec<_> = files.iter().zip(ids.iter().map(String::as_str)).collect();
        let Embedded { html, warnings } = embed(html, &files);
        (html, warnings.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_file_is_meant_by_its_path_or_its_name() {
        for (reference, is_meant) in [
            ("img/a b.png", true),
            ("./img/a b.png", true),
            ("img/a%20b.png", true),
            ("a b.png", true),
            ("a%20b.png?v=2", true),
            ("a b.png#x", true),
            ("cid:a b.png", true),
            ("cid:img/a%20b.png", true),
            ("file:///home/me/img/a%20b.png", true),
            ("other/a b.png", true),
            ("A B.png", false),
            ("b.png", false),
            ("https://x.example/a%20b.png", false),
            ("//x.example/a b.png", false),
            ("data:image/png;base64,YQ==", false),
            ("#a b.png", false),
            ("mailto:a b.png", false),
        ] {
            let (html, _) =
                embedded(&format!("<p><img src=\"{reference}\">&amp;</p>"), &["img/a b.png"]);
            let shown = if is_meant { "cid:0@x" } else { reference };
            assert_eq!(html, format!("<p><img src=\"{shown}\">&amp;</p>"));
        }
    }

    #[test]
    fn of_two_files_with_one_name_the_path_decides() {
        let names = ["a/x.png", "b/x.png"];
        let (html, warnings) = embedded("<img src=b/x.png><img src=a/x.png>", &names);
        assert_eq!(html, "<img src=cid:1@x><img src=cid:0@x>");
        assert_eq!(warnings, [""; 0]);
        let (html, warnings) = embedded("<img src=x.png>", &names);
        assert_eq!((html.as_str(), warnings.len()), ("<img src=x.png>", 3));
    }

    #[test]
    fn what_is_missing_and_what_is_unused_is_told_once() {
        let (html, warnings) =
            embedded("<img src=a.png><img src=a.png><img src=http://x/y.png>", &["b.png"]);
        assert_eq!(html, "<img src=a.png><img src=a.png><img src=http://x/y.png>");
        assert_eq!(
            warnings,
            [
                "the HTML shows ‘a.png’, which is not sent along",
                "the HTML does not show ‘held’, which is sent along"
            ]
        );
    }

    #[test]
    fn the_url_of_an_address_literal_has_no_brackets() {
        assert_eq!(url("<1@[IPv6:::1]>"), "cid:1@%5BIPv6:::1%5D");
    }
}
