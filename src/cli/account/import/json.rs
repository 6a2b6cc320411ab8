//! What is imported, for programs.

use super::told::values;
use crate::account::import::{Import, Line, Meaning};
use crate::cli::exit::Exit;
use serde::Serialize;
use std::path::Path;

#[derive(Serialize)]
pub(super) struct ImportJson<'a> {
    version: u8,
    format: &'static str,
    files: Vec<String>,
    accounts: Vec<AccountJson<'a>>,
    default: Option<&'a str>,
    lines: Vec<LineJson<'a>>,
    remarks: &'a [String],
    configuration: &'a str,
    written: Option<String>,
    exit: u8,
}

#[derive(Serialize)]
struct AccountJson<'a> {
    name: &'a str,
    file: String,
    line: usize,
}

#[derive(Serialize)]
struct LineJson<'a> {
    file: String,
    line: usize,
    text: &'a str,
    account: Option<&'a str>,
    meaning: &'static str,
    becomes: Vec<String>,
    reason: Option<&'a str>,
    instead: Option<&'a str>,
    warning: Option<&'a str>,
}

impl<'a> ImportJson<'a> {
    pub(super) fn of(import: &'a Import, preview: &'a str, written: Option<&Path>) -> Self {
        let account = |account: &'a crate::account::import::Imported| AccountJson {
            name: &account.name,
            file: account.file.display().to_string(),
            line: account.line,
        };
        ImportJson {
            version: 1,
            format: import.format.name(),
            files: import.files.iter().map(|file| file.display().to_string()).collect(),
            accounts: import.accounts.iter().map(account).collect(),
            default: import.default.as_deref(),
            lines: import.lines.iter().map(|line| LineJson::of(line, import)).collect(),
            remarks: &import.remarks,
            configuration: preview,
            written: written.map(|file| file.display().to_string()),
            exit: Exit::Ok.status(),
        }
    }
}

impl<'a> LineJson<'a> {
    fn of(line: &'a Line, import: &Import) -> Self {
        let (meaning, becomes, reason, instead) = match &line.meaning {
            Meaning::Structure => ("structure", Vec::new(), None, None),
            Meaning::Keys(keys) => {
                let values = values(line, import, keys).into_iter();
                let values = values.map(|(key, value)| format!("{key} = {value}"));
                ("carried", values.collect(), None, None)
            }
            Meaning::Rewrite(key) => {
                let value = import.rewrite_value(key).unwrap_or_default();
                ("carried", vec![format!("rewrite.{key} = {value}")], None, None)
            }
            Meaning::Already(why) => ("already", Vec::new(), Some(why.as_str()), None),
            Meaning::Lost { reason, instead, .. } => {
                ("lost", Vec::new(), Some(reason.as_str()), instead.as_deref())
            }
            Meaning::Unknown { nearest } => ("unknown", Vec::new(), None, *nearest),
        };
        LineJson {
            file: line.file.display().to_string(),
            line: line.line,
            text: &line.text,
            account: line.account.as_deref(),
            meaning,
            becomes,
            reason,
            instead,
            warning: line.warning.as_deref(),
        }
    }
}
