//! Imports point down.
//!
//! The rooms of the house and what each may name are one table here; every path
//! that starts with `crate::` in a file under `src/` is held against it, in
//! tests and macros too. ARCHITECTURE.md draws the same table as a building.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

/// A room, and the paths it may name besides its own: rooms further up in this
/// list, which runs from the ground to the top.
const FLOORS: &[(&str, &[&str])] = &[
    ("sasl", &[]),
    ("smtp", &["sasl::Secret"]),
    ("message", &["smtp"]),
    ("maildir", &["message::random_word"]),
    ("net", &["smtp", "sasl::ChannelBinding", "sasl::Credentials", "sasl::Secret"]),
    ("dns", &["smtp", "net"]),
    ("log", &["net"]),
    ("mbox", &["net"]),
    ("session", &["smtp", "sasl", "message", "net"]),
    ("delivery", &["session", "smtp", "sasl", "message", "maildir", "net", "dns"]),
    ("queue", &["delivery", "session", "smtp", "sasl", "message", "maildir", "net", "dns"]),
    (
        "merge",
        &["queue", "delivery", "session", "smtp", "sasl", "message", "maildir", "net", "dns"],
    ),
    ("account", &["smtp", "sasl", "message", "net", "dns"]),
    ("sink", &["smtp", "sasl", "message", "maildir", "mbox", "net"]),
    (
        "cli",
        &[
            "account", "sink", "merge", "queue", "delivery", "session", "smtp", "sasl", "message",
            "maildir", "net", "dns", "log", "mbox",
        ],
    ),
];

/// Where the octets of a `Secret` may be reached: where they are made into an
/// answer, where that answer is written to the wire, of a server or of a
/// proxy, and where they are put away for the next time.
const MAY_EXPOSE: &[&str] = &[
    "sasl/",
    "smtp/command.rs",
    "net/proxy/",
    "net/http/form.rs",
    "account/written.rs",
    "account/secret/keep.rs",
    "account/oauth/record.rs",
];

/// Where a secret may be written out for people: where the forms for that are,
/// and where those are asked for who has typed that he wants them.
const MAY_REVEAL: &[&str] =
    &["sasl/secret.rs", "smtp/command.rs", "session/sign_in.rs", "cli/transcript/"];

#[test]
fn every_import_points_down() {
    let mistakes: Vec<_> = sources().iter().flat_map(Source::upward_paths).collect();
    assert!(mistakes.is_empty(), "{}", list(&mistakes));
}

#[test]
fn secrets_are_exposed_where_they_are_used_only() {
    let mistakes: Vec<_> = sources().iter().flat_map(Source::exposures).collect();
    assert!(mistakes.is_empty(), "{}", list(&mistakes));
}

#[test]
fn every_room_is_in_the_table() {
    for source in sources() {
        let room = source.room();
        let known = room.is_none_or(|room| FLOORS.iter().any(|(name, _)| *name == room));
        assert!(known, "src/{} belongs to no room of FLOORS", source.name);
    }
}

#[test]
fn the_table_itself_points_down() {
    for (at, (room, allowed)) in FLOORS.iter().enumerate() {
        for path in *allowed {
            let below = |name: &str| FLOORS[..at].iter().any(|(room, _)| *room == name);
            let named = path.split("::").next().is_some_and(below);
            assert!(named, "{room} may name {path}, which is not below it");
        }
    }
}

#[test]
fn an_upward_import_is_found_and_explained() {
    let found = |name: &str, text: &str| {
        let source = Source::new(name, text);
        let mistakes = source.upward_paths();
        mistakes.iter().map(ToString::to_string).collect::<Vec<_>>()
    };

    assert_eq!(
        found("smtp/reply.rs", "//! Replies.\nuse crate::session::Session;\n"),
        ["src/smtp/reply.rs:2 names session::Session; smtp may name sasl::Secret"]
    );
    assert_eq!(
        found("sasl/plain.rs", "use crate::smtp;"),
        ["src/sasl/plain.rs:1 names smtp; sasl may name nothing but itself"]
    );
    // In a group, over several lines, under another name.
    let group = "use crate::{\n    smtp::{Reply, command::Command},\n    cli as top,\n};";
    assert_eq!(found("session/mod.rs", group).len(), 1);
    // In an expression, in a test, by way of the parent, spread by rustfmt.
    let within =
        "fn f() { crate\n    ::queue::keep() }\n#[cfg(test)]\nmod tests { use crate::cli; }";
    assert_eq!(found("delivery/mod.rs", within).len(), 2);
    assert_eq!(found("smtp/path.rs", "use super::super::net::connect;").len(), 1);
    // One name of a room, not its neighbours.
    assert_eq!(found("smtp/command.rs", "use crate::sasl::{Secret, Mechanism};").len(), 1);
    assert_eq!(found("smtp/command.rs", "use crate::sasl;").len(), 1);

    for allowed in [
        "use crate::sasl::Secret;",
        "use crate::smtp::path::{Domain, Mailbox};",
        "use super::Reply;",
        "// crate::session is upstairs\n/* crate::cli /* too */ */",
        r###"const S: &str = "crate::cli"; const R: &str = r##"crate::cli " "##;"###,
        "fn f<'a>(_: &'a str) -> char { '\"' } // crate::cli \"",
    ] {
        assert_eq!(found("smtp/command.rs", allowed), Vec::<String>::new());
    }
    assert_eq!(found("main.rs", "fn main() { envoi::cli::main() }"), Vec::<String>::new());
}

#[test]
fn an_exposed_secret_is_found_and_explained() {
    let found = |name: &str, text: &str| Source::new(name, text).exposures().len();
    let mistake = Source::new("cli/send.rs", "\nfn f(s: &Secret) { s.expose(); }").exposures();
    assert_eq!(
        list(&mistake),
        format!("src/cli/send.rs:2 names Secret::expose; only {} may", MAY_EXPOSE.join(", "))
    );
    assert_eq!(found("cli/send.rs", "secret.revealed(); secret.expose()"), 2);
    assert_eq!(found("cli/transcript/lines.rs", "command.revealed()"), 0);
    assert_eq!(found("session/mod.rs", "secrets.iter().map(Secret::expose)"), 1);
    assert_eq!(found("sasl/plain.rs", "password.expose()"), 0);
    assert_eq!(found("smtp/command.rs", "secret.expose()"), 0);
    assert_eq!(found("smtp/reply.rs", "secret.expose()"), 1);
    assert_eq!(found("cli/send.rs", "// never .expose() it\nlet exposed = 1;"), 0);
}

/// One file under `src/`, as words: comments and literals are gone.
struct Source {
    /// Its path below `src/`.
    name: String,
    words: Vec<Word>,
}

/// A name or one mark, and its line.
struct Word {
    text: String,
    line: usize,
}

impl Source {
    fn new(name: &str, text: &str) -> Self {
        Self { name: name.to_owned(), words: words(text) }
    }

    /// `lib.rs` and `main.rs` stand before the door and belong to no room.
    fn room(&self) -> Option<&str> {
        let (room, _) = self.name.split_once('/').or(self.name.split_once('.'))?;
        (room != "lib" && room != "main").then_some(room)
    }

    fn upward_paths(&self) -> Vec<Mistake> {
        let Some(room) = self.room() else {
            return Vec::new();
        };
        let allowed = FLOORS.iter().find(|(name, _)| *name == room);
        let allowed = allowed.map_or(&[][..], |(_, allowed)| allowed);
        let may = |path: &[&str]| {
            path.first() == Some(&room)
                || allowed.iter().any(|allowed| {
                    let allowed: Vec<_> = allowed.split("::").collect();
                    path.starts_with(&allowed)
                })
        };
        let rule = match allowed {
            [] => format!("{room} may name nothing but itself"),
            _ => format!("{room} may name {}", allowed.join(", ")),
        };
        self.paths()
            .into_iter()
            .filter(|(_, path)| !may(path))
            .map(|(line, path)| self.mistake(line, &path.join("::"), &rule))
            .collect()
    }

    fn exposures(&self) -> Vec<Mistake> {
        let mut exposures = Vec::new();
        for (name, places) in [("expose", MAY_EXPOSE), ("revealed", MAY_REVEAL)] {
            if places.iter().any(|place| self.name.starts_with(place)) {
                continue;
            }
            let rule = format!("only {} may", places.join(", "));
            let named = self.words.iter().filter(|word| word.text == name);
            let what = format!("Secret::{name}");
            exposures.extend(named.map(|word| self.mistake(word.line, &what, &rule)));
        }
        exposures
    }

    /// Every path into a room, from `crate::` or by climbing out of one's own,
    /// with the line where it starts.
    fn paths(&self) -> Vec<(usize, Vec<&str>)> {
        let mut paths = Vec::new();
        for at in 0..self.words.len() {
            let word = self.words[at].text.as_str();
            let [first, second, ..] = &self.words[at + 1..] else {
                break;
            };
            if first.text != ":" || second.text != ":" {
                continue;
            }
            let mut ends = Vec::new();
            if word == "crate" || word == "super" {
                self.follow(at + 3, &[], &mut ends);
            }
            if word == "super" {
                let is_room = |name: &&str| FLOORS.iter().any(|(room, _)| room == name);
                ends.retain(|(_, path)| path.first().is_some_and(is_room));
            }
            paths.extend(ends);
        }
        paths
    }

    /// The ends of the path or tree of paths that goes on at this word. Returns
    /// the word after it.
    fn follow<'s>(
        &'s self,
        at: usize,
        before: &[&'s str],
        ends: &mut Vec<(usize, Vec<&'s str>)>,
    ) -> usize {
        let text = |at: usize| self.words.get(at).map_or("", |word| word.text.as_str());
        let mut at = at;
        if text(at) == "{" {
            at += 1;
            while text(at) != "}" && at < self.words.len() {
                at = self.follow(at, before, ends);
                while !matches!(text(at), "," | "}" | "") {
                    at += 1; // `as name`
                }
                if text(at) == "," {
                    at += 1;
                }
            }
            return at + 1;
        }
        let mut path = before.to_vec();
        match text(at) {
            "self" => {}
            name => path.push(name),
        }
        if text(at + 1) == ":" && text(at + 2) == ":" && text(at + 3) != "<" {
            return self.follow(at + 3, &path, ends);
        }
        ends.push((self.words[at.min(self.words.len() - 1)].line, path));
        at + 1
    }

    fn mistake(&self, line: usize, path: &str, rule: &str) -> Mistake {
        Mistake { file: self.name.clone(), line, path: path.to_owned(), rule: rule.to_owned() }
    }
}

/// What a file does against the table.
struct Mistake {
    file: String,
    line: usize,
    path: String,
    rule: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, path, rule } = self;
        write!(f, "src/{file}:{line} names {path}; {rule}")
    }
}

fn list(mistakes: &[Mistake]) -> String {
    let lines: Vec<_> = mistakes.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

fn sources() -> Vec<Source> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut sources = Vec::new();
    let mut directories = vec![src.clone()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(&directory).expect("listing a directory of src") {
            let path: PathBuf = entry.expect("reading a directory of src").path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(&src).expect("it is below src");
                let text = fs::read_to_string(&path).expect("reading a source file");
                sources.push(Source::new(&name.to_string_lossy(), &text));
            }
        }
    }
    assert!(!sources.is_empty(), "{} holds no source", src.display());
    sources
}

/// Splits Rust into names and marks, leaving out comments, strings, characters
/// and the tick of lifetimes.
fn words(text: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut line = 1;
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = if first.is_alphanumeric() || first == '_' {
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_');
            let name = &rest[..end.unwrap_or(rest.len())];
            match raw_string(&rest[name.len()..]) {
                Some(length) if matches!(name, "r" | "br" | "cr") => name.len() + length,
                _ => {
                    let text = name.to_owned();
                    words.push(Word { text, line });
                    name.len()
                }
            }
        } else if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            block_comment(rest)
        } else if first == '"' {
            quoted(rest, '"')
        } else if first == '\'' && (rest.starts_with("'\\") || rest.chars().nth(2) == Some('\'')) {
            quoted(rest, '\'')
        } else {
            if !first.is_whitespace() && first != '\'' {
                let text = first.to_string();
                words.push(Word { text, line });
            }
            first.len_utf8()
        };
        let (passed, after) = rest.split_at(length);
        line += passed.matches('\n').count();
        rest = after;
    }
    words
}

/// The length of `"…"` or `'…'` with escapes in it.
fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    let end = text.char_indices().skip(1).find(|&(_, c)| {
        let ends = c == quote && !escaped;
        escaped = c == '\\' && !escaped;
        ends
    });
    end.map_or(text.len(), |(at, _)| at + 1)
}

/// The length of `#"…"#`, if that is what follows.
fn raw_string(text: &str) -> Option<usize> {
    let hashes = text.len() - text.trim_start_matches('#').len();
    let content = text[hashes..].strip_prefix('"')?;
    let end = format!("\"{}", &text[..hashes]);
    let length = content.find(&end)?;
    Some(hashes + 1 + length + end.len())
}

/// The length of a comment that may hold others.
fn block_comment(text: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while let Some(mark) = text[at..].find("/*").into_iter().chain(text[at..].find("*/")).min() {
        at += mark;
        if text[at..].starts_with("/*") {
            depth += 1;
        } else {
            depth -= 1;
        }
        at += 2;
        if depth == 0 {
            return at;
        }
    }
    text.len()
}
