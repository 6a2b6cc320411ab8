//! The files of the corpus, and the cases that their rows stand for.

use crate::filling::Variant;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use toml::Table;

/// One file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// What its cases have in common, in a sentence.
    #[expect(dead_code, reason = "for who reads the file")]
    about: String,
    /// What is typed in each case that composes a message.
    #[serde(default)]
    common: String,
    case: Vec<Row>,
}

/// What is said of one case, or of several that differ in a number or a text.
/// What the fields here do not take is what is expected.
#[derive(Deserialize)]
struct Row {
    /// Its name, which no other case of the file has.
    shows: String,
    /// What is typed after `envoi send --dry-run`, as to a shell.
    #[serde(default)]
    typed: String,
    /// A finished message, given with `--message -`.
    message: Option<String>,
    /// The text of the message, or whatever is typed as `-`.
    stdin: Option<String>,
    /// Files that are there, by their names.
    #[serde(default)]
    file: BTreeMap<String, String>,
    /// Stands for one case with each number from the first to the last.
    n: Option<[usize; 2]>,
    /// Stands for one case with each of these texts.
    #[serde(default)]
    each: Vec<String>,
    /// What is otherwise as to a server that offers nothing.
    #[serde(rename = "seven-bit")]
    seven_bit: Option<Table>,
    #[serde(flatten)]
    expected: Table,
}

/// One case, everything filled in.
#[derive(Debug)]
pub(crate) struct Case {
    /// The file, the row, the variant, and the offer if there is none.
    pub(crate) name: String,
    /// The file and the row.
    pub(crate) row: String,
    /// The server is imagined to offer nothing.
    pub(crate) is_seven_bit: bool,
    pub(crate) words: Vec<OsString>,
    pub(crate) is_composed: bool,
    pub(crate) stdin: Option<Vec<u8>>,
    pub(crate) files: BTreeMap<OsString, Vec<u8>>,
    pub(crate) expected: Expected,
}

/// What must come of a case. What is not said is not looked at, but for the
/// first six.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct Expected {
    /// The exit status.
    pub(crate) status: i32,
    /// Where the status is not 0: what is printed on stderr; {*} is anything
    /// within a line.
    pub(crate) stderr: String,
    /// A line over 998 octets may go.
    pub(crate) too_long: bool,
    /// Some octet is above 127.
    pub(crate) eight_bit: bool,
    /// What Python may find wrong, by the names of its classes.
    pub(crate) defects: Vec<String>,
    /// The longest line of a header that was composed; without it, 78.
    pub(crate) longest: Option<usize>,

    /// The reverse-path and the recipients, as they are written to a server.
    pub(crate) envelope_from: Option<String>,
    pub(crate) envelope_to: Option<List>,
    /// Words that stand behind the reverse-path.
    pub(crate) parameters: Option<Vec<String>>,

    /// Must occur, or not occur, in the octets, with LF at the line ends.
    pub(crate) has: Vec<String>,
    pub(crate) lacks: Vec<String>,
    /// All octets behind the header, with LF at the line ends.
    pub(crate) body: Option<String>,

    pub(crate) subject: Option<String>,
    pub(crate) from: Option<List>,
    pub(crate) sender: Option<List>,
    pub(crate) reply_to: Option<List>,
    pub(crate) to: Option<List>,
    pub(crate) cc: Option<List>,
    /// The unfolded, decoded values of further fields.
    pub(crate) fields: BTreeMap<String, Values>,
    /// How often a field stands there. Without it: Date, From and Message-ID
    /// once, Bcc never.
    pub(crate) count: BTreeMap<String, usize>,

    /// Media types, one a line, those inside others indented.
    pub(crate) tree: Option<String>,
    /// What is not a multipart, in order.
    pub(crate) leaf: Vec<Leaf>,
    /// Of the only leaf.
    pub(crate) text: Option<String>,
    pub(crate) charset: Option<String>,
    pub(crate) encoding: Option<String>,
}

/// What stands at an end of the tree of media types.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Leaf {
    #[serde(rename = "type")]
    pub(crate) media_type: Option<String>,
    /// Its text, decoded, with LF at the line ends.
    pub(crate) text: Option<String>,
    /// Its octets, decoded: as written here, or as in this file of the case.
    pub(crate) octets: Option<String>,
    pub(crate) file: Option<String>,
    /// Either, filled in.
    #[serde(skip)]
    pub(crate) content: Option<Vec<u8>>,
    pub(crate) charset: Option<String>,
    pub(crate) encoding: Option<String>,
    pub(crate) disposition: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) id: Option<String>,
}

/// An address list.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum List {
    /// Names with addresses.
    Named(Vec<[String; 2]>),
    /// Addresses with blanks between them, all without names.
    Bare(String),
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Values {
    One(String),
    All(Vec<String>),
}

/// All cases of all files, each as to both servers.
pub(crate) fn read_all() -> Vec<Case> {
    let mut paths: Vec<_> = fs::read_dir(crate::folder())
        .expect("reading the folder")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .filter(|path| !path.ends_with("deviations.toml"))
        .collect();
    paths.sort();
    let mut cases = Vec::new();
    for path in paths {
        let text = fs::read_to_string(&path).expect("reading a file of cases");
        let file: File =
            toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let name = path.file_stem().expect("a name").display().to_string();
        for row in &file.case {
            cases.extend(row.cases(&name, &file.common));
        }
    }
    let mut names: Vec<_> = cases.iter().map(|case| &case.name).collect();
    names.sort_unstable();
    let twice = names.windows(2).find(|pair| pair[0] == pair[1]);
    assert!(twice.is_none(), "two cases have one name: {twice:?}");
    cases
}

impl Row {
    fn cases(&self, file: &str, common: &str) -> Vec<Case> {
        let row = format!("{file}: {}", self.shows);
        let mut cases = Vec::new();
        // What is composed is the same to any server, unless it says otherwise.
        let differs = self.message.is_some() || self.seven_bit.is_some();
        for (at, (mark, variant)) in self.variants().into_iter().enumerate() {
            let offers = if differs || at == 0 { &[false, true][..] } else { &[false] };
            for &is_seven_bit in offers {
                let mut expected = self.expected.clone();
                if is_seven_bit {
                    expected.extend(self.seven_bit.clone().into_iter().flatten());
                }
                let offer = if is_seven_bit { ", as to a server that offers nothing" } else { "" };
                let name = format!("{row}{mark}{offer}");
                let expected =
                    expected.try_into().unwrap_or_else(|error| panic!("{name}: {error}"));
                cases.push(Case {
                    name,
                    row: row.clone(),
                    is_seven_bit,
                    words: self.words(common, &variant),
                    is_composed: self.message.is_none(),
                    stdin: self.message.as_ref().or(self.stdin.as_ref()).map(|it| variant.fill(it)),
                    files: self.files(&variant),
                    expected: Expected::filled(expected, &self.file, &variant),
                });
            }
        }
        cases
    }

    /// Each with what it adds to the name of the row.
    fn variants(&self) -> Vec<(String, Variant)> {
        match (self.n, &self.each[..]) {
            (None, []) => vec![(String::new(), Variant::default())],
            (Some([first, last]), []) => (first..=last)
                .map(|n| (format!(", {n}"), Variant { n, ..Variant::default() }))
                .collect(),
            (None, texts) => texts
                .iter()
                .map(|text| (format!(", {text}"), Variant { each: text.clone(), n: 0 }))
                .collect(),
            (Some(_), _) => panic!("{}: n and each at once", self.shows),
        }
    }

    fn files(&self, variant: &Variant) -> BTreeMap<OsString, Vec<u8>> {
        let filled = |text: &String| variant.fill(text);
        self.file
            .iter()
            .map(|(name, octets)| (OsString::from_vec(filled(name)), filled(octets)))
            .collect()
    }

    fn words(&self, common: &str, variant: &Variant) -> Vec<OsString> {
        let common = if self.message.is_some() { "--message -" } else { common };
        [common, &self.typed]
            .into_iter()
            .flat_map(|typed| shell_words::split(typed).expect("what is typed"))
            .map(|word| OsString::from_vec(variant.fill(&word)))
            .collect()
    }
}

impl Expected {
    fn filled(mut self, files: &BTreeMap<String, String>, variant: &Variant) -> Self {
        let fill = |text: &mut String| *text = variant.fill_text(text);
        for text in [
            &mut self.envelope_from,
            &mut self.body,
            &mut self.subject,
            &mut self.tree,
            &mut self.text,
            &mut self.charset,
            &mut self.encoding,
        ] {
            text.iter_mut().for_each(fill);
        }
        fill(&mut self.stderr);
        self.has.iter_mut().chain(&mut self.lacks).for_each(fill);
        for list in [
            &mut self.envelope_to,
            &mut self.from,
            &mut self.sender,
            &mut self.reply_to,
            &mut self.to,
            &mut self.cc,
        ] {
            match list {
                Some(List::Bare(text)) => fill(text),
                Some(List::Named(pairs)) => pairs.iter_mut().flatten().for_each(fill),
                None => {}
            }
        }
        for values in self.fields.values_mut() {
            match values {
                Values::One(value) => fill(value),
                Values::All(values) => values.iter_mut().for_each(fill),
            }
        }
        for leaf in &mut self.leaf {
            let written = leaf.octets.as_ref().or(leaf.file.as_ref().map(|name| &files[name]));
            leaf.content = written.map(|octets| variant.fill(octets));
            for text in [&mut leaf.text, &mut leaf.name] {
                text.iter_mut().for_each(fill);
            }
        }
        self
    }
}

impl List {
    pub(crate) fn pairs(&self) -> Vec<[String; 2]> {
        match self {
            List::Named(pairs) => pairs.clone(),
            List::Bare(text) => text
                .split_ascii_whitespace()
                .map(|address| [String::new(), address.to_owned()])
                .collect(),
        }
    }
}

impl Values {
    pub(crate) fn all(&self) -> &[String] {
        match self {
            Values::One(value) => std::slice::from_ref(value),
            Values::All(values) => values,
        }
    }
}
