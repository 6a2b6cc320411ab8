//! Line by line: where each directive goes, and what becomes of it.

use super::super::text::{CONTROL, MASK, NOT_UTF8, Text, is_strange};
use super::super::{Context, Format, Import, Imported, Line, Meaning};
use super::directives::{DIRECTIVES, Directive};
use super::line::{LONGEST_LINE, statement, unquoted};
use super::rules::Rules;
use super::{DEFAULT, Said, Section, Word, eval, settings};
use crate::account::error::Error;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use zeroize::Zeroizing;

/// Where directives go.
#[derive(Clone, Copy)]
enum At {
    Nowhere,
    Defaults,
    Section(usize),
}

/// What was read so far.
pub(super) struct Reader<'r> {
    text: &'r Text,
    context: Context<'r>,
    defaults: Said,
    sections: Vec<Section>,
    at: At,
    lines: Vec<Line>,
}

impl<'r> Reader<'r> {
    pub(super) fn of(text: &'r Text, context: Context<'r>) -> Self {
        let defaults = Said::default();
        Reader { text, context, defaults, sections: Vec::new(), at: At::Nowhere, lines: Vec::new() }
    }

    /// Takes the next line.
    pub(super) fn line(&mut self, number: usize, line: &[u8]) -> Result<(), Error> {
        if line.len() > LONGEST_LINE {
            let reason = format!("the line is longer than {LONGEST_LINE} octets");
            return Err(self.text.wrong(number, reason));
        }
        let Some((command, argument)) = statement(line) else { return Ok(()) };
        if command == b"eval" {
            let run = self.readable(number, argument)?;
            let computed = eval::line(&self.text.file, number, run, self.context)?;
            let Some((command, argument)) = statement(&computed) else {
                self.tell(number, format!("eval {MASK}"), Meaning::already("it says nothing"));
                return Ok(());
            };
            let command = self.readable(number, command)?;
            return self.command(number, command, argument, Some(run));
        }
        let command = self.readable(number, command)?;
        self.command(number, command, argument, None)
    }

    fn command(
        &mut self,
        number: usize,
        command: &str,
        argument: &[u8],
        run: Option<&str>,
    ) -> Result<(), Error> {
        match command {
            "defaults" if argument.is_empty() => {
                self.at = At::Defaults;
                self.tell(number, command, Meaning::Structure);
                Ok(())
            }
            "defaults" => Err(self.text.wrong(number, "defaults: it takes no value")),
            "account" => {
                let argument = self.readable(number, argument)?;
                self.account(number, argument)
            }
            _ => self.directive(number, command, argument, run),
        }
    }

    /// Begins an account: a copy of the defaults, then of what was set in
    /// others.
    fn account(&mut self, number: usize, argument: &str) -> Result<(), Error> {
        let (name, models) = match argument.split_once(':') {
            Some((name, models)) => (unquoted(name), Some(models)),
            None => (argument, None),
        };
        let wrong = |reason: &str| Err(self.text.wrong(number, reason));
        if name.is_empty() {
            return wrong("account: no name stands there");
        }
        if name.contains([':', ',']) {
            return wrong("account: a name has no comma and no colon");
        }
        if self.sections.iter().any(|section| section.name == name) {
            return wrong(&format!("account: there is an account ‘{name}’ already"));
        }
        let mut said = Said { every: self.defaults.every.clone(), own: BTreeSet::new() };
        for model in models.into_iter().flat_map(|models| models.split(',')).map(unquoted) {
            let Some(model) = self.sections.iter().find(|section| section.name == model) else {
                return wrong(&format!("account: there is no account ‘{model}’ before this line"));
            };
            for name in &model.said.own {
                said.every.insert(name, model.said.every[name].clone());
                said.own.insert(name);
            }
        }
        self.begin(name, number, said);
        self.tell(number, format!("account {argument}"), Meaning::Structure);
        Ok(())
    }

    fn begin(&mut self, name: &str, line: usize, said: Said) {
        self.at = At::Section(self.sections.len());
        self.sections.push(Section { name: name.to_owned(), line, said });
    }

    fn directive(
        &mut self,
        number: usize,
        name: &str,
        argument: &[u8],
        run: Option<&str>,
    ) -> Result<(), Error> {
        if matches!(self.at, At::Nowhere) {
            self.begin(DEFAULT, number, Said::default());
        }
        let Some(directive) = Directive::named(name) else {
            let meaning = Meaning::Unknown { nearest: Directive::like(name) };
            // What stands behind it may be a password all the same.
            self.tell(number, format!("{name} {MASK}"), meaning);
            return Ok(());
        };
        let is_secret = name == "password";
        let text = if is_secret { "" } else { self.readable(number, argument)? };
        let wrong = |why| self.text.wrong(number, format!("{name}: {why}"));
        let value = directive.takes.read(text).map_err(wrong)?;
        let meaning = (directive.becomes)(value);
        let (today, value) = directive.today(value);
        let octets = if is_secret { argument } else { value.as_bytes() };
        if octets.iter().any(|octet| b"\0\r".contains(octet)) {
            return Err(self.text.wrong(number, CONTROL));
        }
        let octets = Zeroizing::new(octets.to_vec());
        self.put(today, Word { octets, line: number, computed: run.map(Rc::from) });
        let shown = match (run, name) {
            (Some(_), _) => format!("eval {MASK}"),
            (None, "password" | "passwordeval") => format!("{name} {MASK}"),
            (None, _) => format!("{name} {text}").trim_end().to_owned(),
        };
        self.tell(number, shown, meaning);
        if let Some(told) = self.lines.last_mut().filter(|_| run.is_some() && !is_secret) {
            told.warning = Some(COMPUTED.to_owned());
        }
        Ok(())
    }

    /// Sets a directive where the file is now. What was set there before is
    /// told to be of no effect.
    fn put(&mut self, name: &'static str, word: Word) {
        let line = word.line;
        let At::Section(at) = self.at else {
            self.defaults.every.insert(name, word);
            return;
        };
        let Section { said, line: begins, .. } = &mut self.sections[at];
        said.own.insert(name);
        let before = said.every.insert(name, word);
        let replaced = before.filter(|before| before.line >= *begins);
        if let Some(replaced) = replaced
            && let Some(told) = self.lines.iter_mut().find(|told| told.line == replaced.line)
        {
            told.meaning = Meaning::Already(format!("line {line} says it again"));
        }
    }

    fn tell(&mut self, line: usize, text: impl Into<String>, meaning: Meaning) {
        let account = match self.at {
            At::Section(at) => Some(self.sections[at].name.clone()),
            At::Nowhere | At::Defaults => None,
        };
        let file = self.text.file.clone();
        self.lines.push(Line { file, line, text: text.into(), account, meaning, warning: None });
    }

    fn readable<'t>(&self, number: usize, octets: &'t [u8]) -> Result<&'t str, Error> {
        let text = std::str::from_utf8(octets).map_err(|_| self.text.wrong(number, NOT_UTF8))?;
        if text.contains(is_strange) {
            return Err(self.text.wrong(number, CONTROL));
        }
        Ok(text)
    }

    /// Makes envoi's accounts of what was said; and what each wants done with
    /// addresses.
    pub(super) fn finish(self) -> Result<(Import, Vec<(String, Rules)>), Error> {
        let file = &self.text.file;
        let mut import = Import::of(Format::Msmtp);
        import.files.push(file.clone());
        import.lines = self.lines;
        let mut rules = Vec::new();
        for Section { name, line, said } in &self.sections {
            let account = settings::of(said, file, self.context)?;
            for note in account.notes {
                note.apply(*line, &mut import.lines);
            }
            let remarks = account.remarks.iter();
            import.remarks.extend(remarks.map(|remark| format!("the account ‘{name}’: {remark}")));
            import.accounts.push(Imported {
                name: name.clone(),
                settings: account.settings,
                file: file.clone(),
                line: *line,
                lines: key_lines(said, &import.lines),
            });
            rules.push((name.clone(), account.rules));
        }
        let has_default = import.account(DEFAULT).is_some();
        import.default = has_default.then(|| DEFAULT.to_owned());
        Ok((import, rules))
    }
}

/// What to know about a line that a shell has computed.
pub(super) const COMPUTED: &str = "its value was computed just now, and is written down as it is";

/// The line that says most about each key.
fn key_lines(said: &Said, lines: &[Line]) -> BTreeMap<&'static str, usize> {
    let mut found = BTreeMap::new();
    let order = DIRECTIVES.iter().filter_map(|directive| said.line(directive.name));
    for at in said.line("host").into_iter().chain(order) {
        let Some(line) = lines.iter().find(|line| line.line == at) else { continue };
        let Meaning::Keys(keys) = line.meaning else { continue };
        for key in keys {
            found.entry(*key).or_insert(at);
        }
    }
    found
}
