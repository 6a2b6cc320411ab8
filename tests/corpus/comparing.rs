//! What was meant against what a reader found.

use crate::case::{Case, Expected, Leaf};
use crate::folder;
use crate::reading::{Reader, sha256};
use serde::Deserialize;
use serde_json::{Value, json};
use std::fmt;
use std::fs;

/// One thing that is otherwise than it was meant.
pub(crate) struct Difference {
    /// Such as `subject` or `leaves[0].name`.
    property: String,
    meant: Value,
    found: Value,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Difference { property, meant, found } = self;
        let short = |value: &Value| value.to_string().chars().take(2000).collect::<String>();
        write!(f, "{property} is not\n  {}\nbut\n  {}", short(meant), short(found))
    }
}

/// All of them.
pub(crate) fn differences(case: &Case, reader: Reader, found: &Value) -> Vec<Difference> {
    if found.is_null() {
        let property = "everything".to_owned();
        return vec![Difference { property, meant: json!("a message"), found: Value::Null }];
    }
    let mut differences = Vec::new();
    let mut compare = |property: String, meant: Value, found: &Value| {
        if meant != *found {
            differences.push(Difference { property, meant, found: found.clone() });
        }
    };
    let expected = &case.expected;
    if let Some(subject) = &expected.subject {
        compare("subject".to_owned(), json!(subject), &found["subject"]);
    }
    for (name, list) in [
        ("from", &expected.from),
        ("sender", &expected.sender),
        ("reply-to", &expected.reply_to),
        ("to", &expected.to),
        ("cc", &expected.cc),
    ] {
        if let Some(list) = list {
            compare(name.to_owned(), json!(list.pairs()), &found["lists"][name]);
        }
    }
    for (name, values) in &expected.fields {
        let name = name.to_ascii_lowercase();
        let (meant, found) = (json!(values.all()), &found["fields"][&name]);
        let property = format!("fields.{name}");
        match reader {
            Reader::Python => compare(property, meant, found),
            // They make one space of a fold and the blanks about it.
            Reader::MailParser | Reader::Perl => {
                compare(property, with_single_spaces(&meant), &with_single_spaces(found));
            }
        }
    }
    if let Some(tree) = &expected.tree {
        compare("tree".to_owned(), json!(tree.trim_end()), &found["tree"]);
    }
    let leaves = leaves(expected);
    if !leaves.is_empty() {
        let count = found["leaves"].as_array().map_or(0, Vec::len);
        compare("number of leaves".to_owned(), json!(leaves.len()), &json!(count));
    }
    for (at, leaf) in leaves.iter().enumerate() {
        let found = &found["leaves"][at];
        for (name, meant, found) in of_leaf(leaf, found) {
            compare(format!("leaves[{at}].{name}"), meant, &found);
        }
    }
    if let Some(text) = &expected.unflowed {
        let found = found["leaves"][0]["text"].as_str().unwrap_or_default();
        compare("unflowed".to_owned(), json!(text), &json!(unflowed(found)));
    }
    compare("pictures without a part".to_owned(), json!([]), &json!(lost_pictures(found)));
    let allowed = |defect: &&Value| !expected.defects.iter().any(|name| *defect == name);
    let defects: Vec<_> =
        found["defects"].as_array().into_iter().flatten().filter(allowed).collect();
    compare("defects".to_owned(), json!([]), &json!(defects));
    differences
}

/// The paragraphs of a flowed text, one a line (RFC 3676 §4), `> ` before what
/// is quoted.
fn unflowed(text: &str) -> String {
    let mut lines: Vec<(usize, String)> = Vec::new();
    let mut is_open = false;
    for line in text.lines() {
        let unquoted = line.trim_start_matches('>');
        let depth = line.len() - unquoted.len();
        let line = unquoted.strip_prefix(' ').unwrap_or(unquoted);
        match lines.last_mut() {
            Some((before, last)) if is_open && *before == depth => last.push_str(line),
            _ => lines.push((depth, line.to_owned())),
        }
        // §4.3: the line before a signature is neither fixed nor flowed.
        is_open = line.ends_with(' ') && line != "-- ";
    }
    let quotes = |depth: usize| if depth == 0 { String::new() } else { ">".repeat(depth) + " " };
    lines.into_iter().map(|(depth, line)| quotes(depth) + &line + "\n").collect()
}

/// What HTML shows by `cid:` (RFC 2392) and no part has as its Content-ID.
fn lost_pictures(found: &Value) -> Vec<String> {
    let leaves = found["leaves"].as_array().into_iter().flatten();
    let ids: Vec<_> = leaves.clone().filter_map(|leaf| leaf["id"].as_str()).collect();
    let html =
        leaves.filter(|leaf| leaf["type"] == "text/html").filter_map(|it| it["text"].as_str());
    let shown = html
        .flat_map(|html| html.split("cid:").skip(1))
        .filter_map(|rest| rest.split(['"', '\'', ')', '>']).next());
    shown.map(|id| format!("<{id}>")).filter(|id| !ids.contains(&id.as_str())).collect()
}

/// A list of texts, in each of which one space stands for any blanks.
fn with_single_spaces(texts: &Value) -> Value {
    let single = |text: &Value| {
        let words: Vec<_> = text.as_str().unwrap_or_default().split_ascii_whitespace().collect();
        words.join(" ")
    };
    texts.as_array().map_or(Value::Null, |texts| texts.iter().map(single).collect())
}

/// Those that were described, or the only one.
fn leaves(expected: &Expected) -> Vec<Leaf> {
    let Expected { leaf, text, charset, encoding, .. } = expected;
    let only = Leaf {
        text: text.clone(),
        charset: charset.clone(),
        encoding: encoding.clone(),
        ..Leaf::default()
    };
    if leaf.is_empty() && (text.is_some() || charset.is_some() || encoding.is_some()) {
        return vec![only];
    }
    leaf.clone()
}

/// What is said of a leaf, with what was found.
fn of_leaf(leaf: &Leaf, found: &Value) -> Vec<(&'static str, Value, Value)> {
    let mut pairs = Vec::new();
    for (name, meant) in [
        ("type", &leaf.media_type),
        ("charset", &leaf.charset),
        ("encoding", &leaf.encoding),
        ("disposition", &leaf.disposition),
        ("name", &leaf.name),
        ("id", &leaf.id),
    ] {
        if let Some(meant) = meant {
            // An empty text says that there is none.
            let meant = if meant.is_empty() { Value::Null } else { json!(meant) };
            pairs.push((name, meant, found[name].clone()));
        }
    }
    if let Some(text) = &leaf.text {
        let found = found["text"].as_str().map(|text| text.replace("\r\n", "\n"));
        pairs.push(("text", json!(text), json!(found)));
    }
    if let Some(octets) = &leaf.content {
        pairs.push(("sha256", json!(sha256(octets)), found["sha256"].clone()));
    }
    if let (Some("quoted-printable" | "base64"), Some(longest)) =
        (found["encoding"].as_str(), found["longest"].as_u64())
    {
        // RFC 2045 §6.7 (5), §6.8
        pairs.push(("longest line is fit", json!(true), json!(longest <= 76)));
    }
    pairs
}

/// What a reader is known to misread.
pub(crate) struct Deviations {
    reader: Reader,
    /// Each with whether it occurred.
    known: Vec<(Deviation, bool)>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Deviation {
    reader: String,
    /// A part of the names of the cases.
    case: String,
    property: String,
    /// What it finds instead.
    finds: Option<toml::Value>,
    /// What it finds differs in blanks only.
    #[serde(default)]
    blanks: bool,
    #[expect(dead_code, reason = "for who reads the file")]
    why: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    deviation: Vec<Deviation>,
}

impl Deviations {
    pub(crate) fn of(reader: Reader) -> Self {
        let text = fs::read_to_string(folder().join("deviations.toml")).expect("reading");
        let file: File = toml::from_str(&text).expect("deviations.toml");
        let mut known: Vec<_> = file.deviation.into_iter().map(|it| (it, false)).collect();
        known.retain(|(it, _)| it.reader == reader.name());
        Deviations { reader, known }
    }

    /// Whether this difference is known.
    pub(crate) fn allow(&mut self, case: &Case, difference: &Difference) -> bool {
        let known = self.known.iter_mut().find(|(known, _)| known.is(&case.name, difference));
        match known {
            Some((_, used)) => {
                *used = true;
                true
            }
            None => false,
        }
    }

    /// Those that did not occur, of the reader whose version is ours to choose.
    pub(crate) fn unused(&self) -> Vec<String> {
        let is_ours = self.reader == Reader::MailParser;
        let unused = self.known.iter().filter(|(_, used)| is_ours && !used);
        unused
            .map(|(it, _)| {
                format!("== deviations.toml: {} of {} does not occur", it.property, it.case)
            })
            .collect()
    }
}

impl Deviation {
    fn is(&self, case: &str, difference: &Difference) -> bool {
        let Difference { property, meant, found } = difference;
        let without_blanks = |value: &Value| value.to_string().replace(' ', "");
        case.contains(&self.case)
            && self.property == *property
            && self.finds.as_ref().is_none_or(|finds| json!(finds) == *found)
            && (!self.blanks || without_blanks(meant) == without_blanks(found))
    }
}
