//! TOML values as the types that keys want, each refusal with its place.

use super::duration::duration;
use super::error::{Error, Location};
use super::size::octets;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The file that is being read.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    /// Its path, for locations, and for paths in it that are relative.
    pub(super) file: &'a Path,
    /// Its text.
    pub(super) text: &'a str,
    /// What `~/` stands for.
    pub(super) home: Option<&'a Path>,
}

/// The value of one key.
#[derive(Clone, Copy)]
pub(super) struct Value<'a> {
    /// Where it stands.
    pub(super) source: Source<'a>,
    /// The key.
    pub(super) key: &'a str,
    /// The value.
    pub(super) content: &'a Spanned<DeValue<'a>>,
}

impl Source<'_> {
    /// Line and column of where a span begins.
    pub(super) fn location(&self, span: &Range<usize>) -> Location {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Location {
            file: self.file.to_owned(),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }
}

impl<'a> Value<'a> {
    /// Where the value begins.
    pub(super) fn location(&self) -> Location {
        self.source.location(&self.content.span())
    }

    /// The error for a value that does not fit its key. The reason is a clause
    /// about the value, and must not repeat it where it can be a secret.
    pub(super) fn wrong(&self, reason: String) -> Error {
        Error::Value { at: self.location(), key: self.key.to_owned(), reason }
    }

    pub(super) fn table(&self) -> Result<&'a DeTable<'a>, Error> {
        match self.content.get_ref() {
            DeValue::Table(table) => Ok(table),
            _ => Err(self.wrong("it is a table: key = value pairs in { }".to_owned())),
        }
    }

    pub(super) fn text(&self) -> Result<&'a str, Error> {
        match self.content.get_ref() {
            DeValue::String(text) => Ok(text),
            _ => Err(self.wrong("it is a text in quotation marks".to_owned())),
        }
    }

    /// A text that says something and has no line ends.
    pub(super) fn line(&self) -> Result<String, Error> {
        let text = self.text()?;
        if text.trim().is_empty() {
            return Err(self.wrong("it is empty".to_owned()));
        }
        if text.contains(char::is_control) {
            return Err(self.wrong("it contains a control character".to_owned()));
        }
        Ok(text.to_owned())
    }

    /// A list of texts; a text alone is a list of one.
    pub(super) fn texts(&self) -> Result<Vec<String>, Error> {
        let wrong = || self.wrong("it is a text in quotation marks, or a list of them".to_owned());
        match self.content.get_ref() {
            DeValue::String(text) => Ok(vec![text.to_string()]),
            DeValue::Array(values) => {
                let text =
                    |value: &Spanned<DeValue<'_>>| value.get_ref().as_str().map(str::to_owned);
                values.iter().map(|value| text(value).ok_or_else(wrong)).collect()
            }
            _ => Err(wrong()),
        }
    }

    /// The values of a list; any other value is a list of one.
    pub(super) fn items(&self) -> Vec<Value<'a>> {
        match self.content.get_ref() {
            DeValue::Array(values) => {
                values.iter().map(|content| Value { content, ..*self }).collect()
            }
            _ => vec![*self],
        }
    }

    /// A text that a type takes.
    pub(super) fn parsed<T>(&self) -> Result<T, Error>
    where
        T: std::str::FromStr<Err: std::fmt::Display>,
    {
        self.text()?.parse().map_err(|error: T::Err| self.wrong(error.to_string()))
    }

    pub(super) fn flag(&self) -> Result<bool, Error> {
        self.content.get_ref().as_bool().ok_or_else(|| self.wrong("it is true or false".to_owned()))
    }

    /// True, for a key that says everything by being there.
    pub(super) fn yes(&self) -> Result<(), Error> {
        match self.content.get_ref().as_bool() {
            Some(true) => Ok(()),
            _ => Err(self.wrong("it is true, or the key is left out".to_owned())),
        }
    }

    /// True for a text in quotation marks.
    pub(super) fn is_text(&self) -> bool {
        self.content.get_ref().is_str()
    }

    /// `true`, `false`, `"yes"` or `"no"`.
    pub(super) fn yes_or_no(&self) -> Result<bool, Error> {
        match self.content.get_ref() {
            DeValue::Boolean(yes) => Ok(*yes),
            DeValue::String(text) if text == "yes" => Ok(true),
            DeValue::String(text) if text == "no" => Ok(false),
            _ => Err(self.wrong("it is \"yes\" or \"no\"".to_owned())),
        }
    }

    /// One of these words.
    pub(super) fn one_of<T: Copy>(&self, words: &[(&str, T)]) -> Result<T, Error> {
        let text = self.text()?;
        let known = words.iter().find(|(word, _)| *word == text).map(|(_, meaning)| *meaning);
        known.ok_or_else(|| {
            let quoted: Vec<_> = words.iter().map(|(word, _)| format!("\"{word}\"")).collect();
            let (last, others) = quoted.split_last().expect("a key has some words");
            self.wrong(format!("it is {} or {last}", others.join(", ")))
        })
    }

    /// A number, 0 or more.
    pub(super) fn number<N: std::str::FromStr>(&self) -> Result<N, Error> {
        let integer = self.content.get_ref().as_integer().filter(|number| number.radix() == 10);
        let number = integer.and_then(|number| number.as_str().parse().ok());
        number.ok_or_else(|| self.wrong("it is a number, 0 or more".to_owned()))
    }

    /// A number of seconds, or a text such as `"5m"`.
    pub(super) fn duration(&self) -> Result<Duration, Error> {
        let text = match self.content.get_ref() {
            DeValue::String(text) => text.as_ref(),
            DeValue::Integer(seconds) if seconds.radix() == 10 => seconds.as_str(),
            _ => return Err(self.wrong("it is seconds, or a text such as \"5m\"".to_owned())),
        };
        duration(text).map_err(|error| self.wrong(format!("‘{text}’ is not a duration: {error}")))
    }

    /// A number of octets, or a text such as `"25MB"`.
    pub(super) fn octets(&self) -> Result<u64, Error> {
        match self.content.get_ref() {
            DeValue::String(text) => {
                octets(text).map_err(|error| self.wrong(format!("‘{text}’ is not a size: {error}")))
            }
            _ => self.number(),
        }
    }

    /// A part of a whole, such as `"5%"`.
    pub(super) fn hundredths(&self) -> Result<u8, Error> {
        let number = self.text()?.strip_suffix('%').and_then(|number| number.trim().parse().ok());
        let wrong = || self.wrong("it is a text from \"0%\" to \"100%\"".to_owned());
        number.filter(|number| *number <= 100).ok_or_else(wrong)
    }

    /// A path: `~/` is the home directory; a relative one begins where the
    /// file is, so that it means the same from every working directory.
    pub(super) fn path(&self) -> Result<PathBuf, Error> {
        self.placed(&self.line()?)
    }

    /// A path, or a list of paths.
    pub(super) fn paths(&self) -> Result<Vec<PathBuf>, Error> {
        self.texts()?.iter().map(|text| self.placed(text)).collect()
    }

    fn placed(&self, text: &str) -> Result<PathBuf, Error> {
        let Some(below_home) = text.strip_prefix("~/") else {
            let directory = self.source.file.parent().unwrap_or(Path::new(""));
            return Ok(directory.join(text));
        };
        let home = self.source.home;
        let home =
            home.ok_or_else(|| self.wrong("HOME is not set, so ~/ is nowhere".to_owned()))?;
        Ok(home.join(below_home))
    }
}
