//! Scenarios, several a file under `tests/program/`: what is typed, and what
//! comes of it.

use crate::running::{Place, Run, quoted};
use crate::server::{Arrived, Description, Server};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// One file. What is said at its top holds for each of its runs, and each run
/// has a directory and servers of its own.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Scenario {
    /// What the runs have in common, in a sentence.
    #[expect(dead_code, reason = "for who reads the file")]
    about: String,
    #[serde(default)]
    environment: BTreeMap<String, String>,
    #[serde(default)]
    file: Vec<File>,
    /// The first is at port {port}, the second at {port2}.
    #[serde(default)]
    server: Vec<Description>,
    run: Vec<Expectation>,
}

/// A file that is there before the program runs; a directory, where the path
/// ends with `/`; a symbolic link, where it leads somewhere.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    path: String,
    #[serde(default)]
    text: String,
    link: Option<String>,
    mode: Option<u32>,
}

/// A file after the program has run; `*` for its name is the only one there.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Left {
    path: String,
    text: Option<String>,
    mode: Option<u32>,
}

/// One run. In every text, {dir} is the directory that the program runs in, and
/// {id} the message in the queue, once there was just one; in an expected text,
/// {*} is anything within a line and {…} anything at all.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Expectation {
    /// What it shows, where the words typed do not.
    #[serde(default)]
    shows: String,
    /// What is typed after `envoi`, as to a shell.
    typed: String,
    /// Text on standard input; without it, standard input is at its end.
    stdin: Option<String>,
    #[serde(default)]
    environment: BTreeMap<String, String>,
    #[serde(default)]
    file: Vec<File>,
    /// Further servers, for this run only.
    #[serde(default)]
    server: Vec<Description>,
    status: i32,
    #[serde(default)]
    stdout: String,
    /// The lines on standard output end in CRLF.
    #[serde(default)]
    crlf: bool,
    /// Instead of `stdout`: what the JSON object must hold. It may hold more.
    json: Option<toml::Table>,
    /// Instead of `stdout`: the same for each line, of commands whose objects
    /// do not know the status.
    json_lines: Option<Vec<toml::Table>>,
    #[serde(default)]
    stderr: String,
    /// The messages that the receivers took. There are no others.
    #[serde(default)]
    arrived: Vec<Arrived>,
    /// What these files hold afterwards; without text they are not there.
    #[serde(default)]
    leaves: Vec<Left>,
    /// A status that blames this side means that no server was asked (EX-3),
    /// unless this says otherwise.
    #[serde(default)]
    asked: bool,
    /// Must not occur in what the program prints.
    #[serde(default)]
    never_prints: Vec<String>,
    /// What is typed next in the same place. What arrived is told of all
    /// together.
    #[serde(default)]
    then: Vec<Expectation>,
}

impl Scenario {
    pub(crate) fn read(path: &Path) -> Self {
        let text = fs::read_to_string(path).expect("reading a scenario");
        toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// Plays every run. Returns what was wrong.
    pub(crate) fn play(&self) -> Vec<String> {
        self.run.iter().filter_map(|expected| self.play_one(expected).err()).collect()
    }

    fn play_one(&self, first: &Expectation) -> Result<(), String> {
        let mut place = Place::new();
        let mut servers = Vec::new();
        start(&self.server, &mut servers, &mut place);
        start(&first.server, &mut servers, &mut place);
        furnish(&self.file, &self.environment, &mut place);
        furnish(&first.file, &first.environment, &mut place);
        for (at, expected) in std::iter::once(first).chain(&first.then).enumerate() {
            if at > 0 {
                start(&expected.server, &mut servers, &mut place);
                furnish(&expected.file, &expected.environment, &mut place);
            }
            let typed = shell_words::split(&place.filled(&expected.typed)).expect("what is typed");
            let run = place.run(typed, expected.stdin.as_deref());
            place.meet_message();
            expected.check(&place, &run).map_err(|what| expected.blame(&what, &run))?;
        }
        let (mut arrived, mut connections) = (Vec::new(), 0);
        for server in servers {
            let taken = server.finish();
            connections += taken.connections;
            arrived.extend(taken.messages);
        }
        let wrong =
            |what: String| Err(format!("{what}\n({})\n$ envoi {}", first.shows, first.typed));
        let is_ours = matches!(first.status, 64..=66 | 73 | 78) && first.then.is_empty();
        if is_ours && !first.asked && connections > 0 {
            return wrong("a server was asked".to_owned());
        }
        if arrived.len() != first.arrived.len() {
            return wrong(format!("not what arrived: {arrived:#?}"));
        }
        for (message, expected) in arrived.iter().zip(&first.arrived) {
            expected.check(message, &place).or_else(wrong)?;
        }
        Ok(())
    }
}

/// Starts servers, and calls their ports as they are counted.
fn start(described: &[Description], servers: &mut Vec<Server>, place: &mut Place) {
    for description in described {
        let server = description.start(place);
        let number = match servers.len() {
            0 => String::new(),
            others => (others + 1).to_string(),
        };
        place.call(&format!("{{port{number}}}"), server.port().to_string());
        servers.push(server);
    }
}

fn furnish(files: &[File], environment: &BTreeMap<String, String>, place: &mut Place) {
    for file in files {
        file.make(place);
    }
    for (name, value) in environment {
        let value = place.filled(value);
        place.set(name, value);
    }
}

impl File {
    fn make(&self, place: &Place) {
        let path = place.filled(&self.path);
        match &self.link {
            Some(target) => place.link(&path, &place.filled(target)),
            None if path.ends_with('/') => place.make_directory(&path, self.mode),
            None => place.write(&path, &place.filled(&self.text), self.mode),
        }
    }
}

impl Expectation {
    fn check(&self, place: &Place, run: &Run) -> Result<(), String> {
        if run.status != self.status {
            return Err(format!("the status is not {}", self.status));
        }
        if let Some(json) = &self.json {
            check_json(place, json, run)?;
        } else if let Some(lines) = &self.json_lines {
            check_json_lines(place, lines, run)?;
        } else {
            let ends = if self.crlf { "\r\n" } else { "\n" };
            let text = place.filled(&self.stdout).replace('\n', ends);
            agree("stdout", &text, &run.stdout)?;
        }
        agree("stderr", &place.filled(&self.stderr), &run.stderr)?;
        for text in &self.never_prints {
            if run.stdout.contains(text) || run.stderr.contains(text) {
                return Err(format!("it prints {text:?}"));
            }
        }
        self.leaves.iter().try_for_each(|left| left.check(place))
    }

    fn blame(&self, what: &str, run: &Run) -> String {
        format!("{what}\n$ envoi {}\n({})\n{run}", quoted(&self.typed), self.shows)
    }
}

/// Both texts whole, so that the right one can be taken from the failure.
pub(crate) fn agree(what: &str, expected: &str, got: &str) -> Result<(), String> {
    if fits(expected, got) {
        return Ok(());
    }
    Err(format!("{what} is not\n{expected}--- but\n{got}---"))
}

/// Whether the text is this one, given its placeholders.
fn fits(expected: &str, got: &str) -> bool {
    let (at, mark) = match (expected.find("{*}"), expected.find("{…}")) {
        (None, None) => return expected == got,
        (Some(star), dots) if dots.is_none_or(|dots| star < dots) => (star, "{*}"),
        (_, Some(dots)) => (dots, "{…}"),
        (Some(star), None) => (star, "{*}"),
    };
    let (before, after) = (&expected[..at], &expected[at + mark.len()..]);
    let Some(rest) = got.strip_prefix(before) else { return false };
    let reach = if mark == "{*}" { rest.find('\n').unwrap_or(rest.len()) } else { rest.len() };
    let mut ends = rest.char_indices().map(|(at, _)| at).chain([rest.len()]);
    ends.any(|end| end <= reach && fits(after, &rest[end..]))
}

impl Left {
    fn check(&self, place: &Place) -> Result<(), String> {
        let mut path = place.directory().join(place.filled(&self.path));
        if path.ends_with("*") {
            let mut files = fs::read_dir(path.with_file_name("")).into_iter().flatten();
            let only = files.next().zip(files.next().is_none().then_some(()));
            let (file, ()) = only.ok_or_else(|| format!("{} is not one file", self.path))?;
            path = file.expect("an entry").path();
        }
        let Some(text) = &self.text else {
            return if path.exists() { Err(format!("{} is there", self.path)) } else { Ok(()) };
        };
        let found = fs::read_to_string(&path)
            .map_err(|error| format!("{} is not as it should be: {error}", self.path))?;
        agree(&self.path, &place.filled(text), &found)?;
        let mode = fs::metadata(&path).expect("it was read").permissions().mode() & 0o777;
        match self.mode {
            Some(expected) if expected != mode => {
                Err(format!("{} has the mode {mode:o}", self.path))
            }
            _ => Ok(()),
        }
    }
}

/// EX-5: the object knows the status.
fn check_json(place: &Place, expected: &toml::Table, run: &Run) -> Result<(), String> {
    let object: Value =
        serde_json::from_str(&run.stdout).map_err(|error| format!("not JSON: {error}"))?;
    if object["exit"] != run.status || object["version"] != 1 {
        return Err("the object does not know its version and the status".to_owned());
    }
    holds("", &toml::Value::Table(expected.clone()), &object, place)
}

fn check_json_lines(place: &Place, expected: &[toml::Table], run: &Run) -> Result<(), String> {
    let objects: Result<Vec<Value>, _> = run.stdout.lines().map(serde_json::from_str).collect();
    let objects = objects.map_err(|error| format!("not JSON: {error}"))?;
    let expected = expected.iter().map(|table| toml::Value::Table(table.clone())).collect();
    holds("", &toml::Value::Array(expected), &Value::Array(objects), place)
}

/// Whether a JSON value has everything that was expected. `null` is written
/// as the text "null".
fn holds(at: &str, expected: &toml::Value, got: &Value, place: &Place) -> Result<(), String> {
    match (expected, got) {
        (toml::Value::Table(table), Value::Object(_)) => table
            .iter()
            .try_for_each(|(key, value)| holds(&format!("{at}.{key}"), value, &got[key], place)),
        (toml::Value::Array(items), Value::Array(values)) if items.len() == values.len() => {
            items.iter().zip(values).try_for_each(|(item, value)| holds(at, item, value, place))
        }
        (toml::Value::String(text), Value::String(value)) if fits(&place.filled(text), value) => {
            Ok(())
        }
        (toml::Value::String(text), Value::Null) if text == "null" => Ok(()),
        (toml::Value::Integer(number), value) if *value == *number => Ok(()),
        (toml::Value::Boolean(truth), value) if *value == *truth => Ok(()),
        _ => Err(format!("{at} is not {expected:?}, but {got}")),
    }
}
