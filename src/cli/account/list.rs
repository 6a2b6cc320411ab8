//! `envoi account list`: the accounts, and which one is used.

use super::reason::{ChosenJson, without_sender};
use super::unwritten;
use super::values::{ROWS, Row};
use crate::account::{Accounts, Choice, Chosen, Error, Place, ServerUrl, Settings};
use crate::cli::escape::Escaped;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::words::plain;
use crate::cli::{Surroundings, next, render};
use serde::Serialize;
use std::io::{self, Write};
use std::path::Path;

pub(super) fn run(
    accounts: &Accounts,
    surroundings: &mut Surroundings<'_>,
) -> Result<Exit, Failure> {
    let named = surroundings.globals.account.as_deref();
    let chosen = match accounts.decide(Choice { named, ..Choice::default() }) {
        Ok(chosen) => Some(chosen),
        Err(Error::NoAccounts | Error::NoChoice { .. } | Error::Ambiguous { .. }) => None,
        Err(error) => return Err(error.into()),
    };
    let chosen = chosen.as_ref();
    let out = &mut *surroundings.out;
    let told = if surroundings.globals.json {
        render::line(&ListJson::of(accounts, chosen), out)
    } else if surroundings.globals.quiet {
        Ok(())
    } else if accounts.names().next().is_none() && chosen.is_none() {
        out.write_all(next::next(accounts).as_bytes())
    } else {
        people(accounts, chosen, out)
    };
    told.and_then(|()| surroundings.out.flush()).map_err(unwritten)?;
    Ok(Exit::Ok)
}

/// A paragraph for each account, and a sentence.
fn people(accounts: &Accounts, chosen: Option<&Chosen<'_>>, out: &mut dyn Write) -> io::Result<()> {
    for name in accounts.names() {
        let default = if accounts.default_name() == Some(name) { " (default)" } else { "" };
        writeln!(out, "{}{default}", Escaped(name))?;
        match accounts.configured(name) {
            Ok(account) => account_lines(name, &account, out)?,
            Err(error) => writeln!(out, "  {:<9} {}", "problem", Escaped(problem(error)))?,
        }
        if let Some((file, line)) = accounts.place(name) {
            writeln!(out, "  {:<9} {}", "file", Escaped(at(file, line)))?;
        }
        writeln!(out)?;
    }
    match chosen {
        Some(chosen) => writeln!(out, "{}", Escaped(without_sender(chosen))),
        None => writeln!(out, "Only the sender decides which is used: there is no default."),
    }
}

fn account_lines(name: &str, account: &Chosen<'_>, out: &mut dyn Write) -> io::Result<()> {
    let said = account.said();
    for row in ROWS.iter().filter(|row| LISTED.contains(&row.key)) {
        let Some(value) = row.said(&said) else { continue };
        let by = match place(account, row) {
            Place::File { account: by, .. } if by != name => format!("  (extends {by})"),
            _ => String::new(),
        };
        let mut label = row.key;
        for line in value.lines() {
            writeln!(out, "  {label:<9} {}{}", Escaped(line), Escaped(&by))?;
            label = "";
        }
    }
    Ok(())
}

/// What of an account is listed.
const LISTED: &[&str] =
    &["from", "match", "server", "local", "user", "password", "token", "oauth2", "auth"];

/// Who says the value of a row.
pub(super) fn place<'a>(chosen: &Chosen<'a>, row: &Row) -> Place<'a> {
    chosen.place(row.key, |settings| row.said(settings).is_some())
}

/// A line of a file, to be pasted into an editor's command.
pub(super) fn at(file: &Path, line: usize) -> String {
    format!("{}:{line}", file.display())
}

fn problem(error: Error) -> String {
    plain(&format!("{:#}", anyhow::Error::new(error)))
}

#[derive(Serialize)]
struct ListJson<'a> {
    version: u8,
    accounts: Vec<AccountJson<'a>>,
    chosen: Option<ChosenJson<'a>>,
    exit: u8,
}

#[derive(Serialize)]
struct AccountJson<'a> {
    name: &'a str,
    default: bool,
    from: Option<String>,
    #[serde(rename = "match")]
    matches: Vec<String>,
    servers: Vec<ServerJson>,
    local: Option<String>,
    user: Option<String>,
    password: Option<String>,
    token: Option<String>,
    oauth2: Option<String>,
    auth: Vec<&'static str>,
    extends: Vec<&'a str>,
    file: Option<String>,
    line: Option<usize>,
    problem: Option<String>,
}

#[derive(Serialize)]
struct ServerJson {
    url: String,
    user: Option<String>,
}

impl ServerJson {
    fn of(url: &ServerUrl) -> Self {
        ServerJson { url: url.to_string(), user: url.user().map(str::to_owned) }
    }
}

impl<'a> ListJson<'a> {
    fn of(accounts: &'a Accounts, chosen: Option<&Chosen<'a>>) -> Self {
        ListJson {
            version: 1,
            accounts: accounts.names().map(|name| AccountJson::of(name, accounts)).collect(),
            chosen: chosen.map(ChosenJson::of),
            exit: Exit::Ok.status(),
        }
    }
}

impl<'a> AccountJson<'a> {
    fn of(name: &'a str, accounts: &'a Accounts) -> Self {
        let configured = accounts.configured(name);
        let said = configured.as_ref().map_or_else(|_| Settings::default(), Chosen::said);
        let extends = configured.as_ref().ok().and_then(Chosen::extends);
        let place = accounts.place(name);
        AccountJson {
            name,
            default: accounts.default_name() == Some(name),
            from: said.from,
            matches: said.matches.iter().flatten().map(ToString::to_string).collect(),
            servers: said.servers.iter().flatten().map(ServerJson::of).collect(),
            local: said.local.map(|local| local.to_string()),
            user: said.user,
            password: said.password.map(|source| source.to_string()),
            token: said.token.map(|source| source.to_string()),
            oauth2: said.oauth2.map(|oauth2| oauth2.to_string()),
            auth: said.auth.unwrap_or_default(),
            extends: extends.map(|(names, _)| names).unwrap_or_default(),
            file: place.map(|(file, _)| file.display().to_string()),
            line: place.map(|(_, line)| line),
            problem: configured.err().map(problem),
        }
    }
}
