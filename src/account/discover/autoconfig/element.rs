//! Elements of a document, by name and without their name space.

use roxmltree::Node;

/// The most that is shown of a text, in characters.
pub(super) const LONGEST_TEXT: usize = 300;

pub(super) fn children<'d>(node: Node<'d, 'd>, name: &str) -> impl Iterator<Item = Node<'d, 'd>> {
    node.children().filter(move |child| child.tag_name().name() == name)
}

pub(super) fn text(node: Node<'_, '_>, name: &str) -> Option<String> {
    children(node, name).find_map(content)
}

/// The text, with each run of white space as one blank.
pub(super) fn content(node: Node<'_, '_>) -> Option<String> {
    let texts = node.children().filter_map(|child| child.is_text().then(|| child.text())?);
    let all = texts.collect::<String>();
    let words = all.split_whitespace().collect::<Vec<_>>().join(" ");
    (!words.is_empty()).then_some(words)
}

pub(super) fn shortened(text: &str) -> String {
    match text.char_indices().nth(LONGEST_TEXT) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// The English one of several, or the first.
pub(super) fn in_english(node: Node<'_, '_>, name: &str) -> Option<String> {
    let english = children(node, name).find(|it| it.attribute("lang") == Some("en"));
    let chosen = english.or_else(|| children(node, name).next())?;
    content(chosen).map(|text| shortened(&text))
}
