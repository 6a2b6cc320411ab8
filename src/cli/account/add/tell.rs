//! What came of it, in words and in JSON.

use super::servers::Way;
use super::{Adding, Target};
use crate::account::{SecretSource, Settings, table};
use crate::cli::Surroundings;
use crate::cli::escape::Escaped;
use crate::cli::exit::Exit;
use crate::cli::render;
use crate::delivery::Attempt;
use crate::sasl::Secret;
use serde::Serialize;
use std::io;

/// What is known at the end.
pub(super) struct Told<'t> {
    pub(super) target: &'t Target,
    pub(super) settings: &'t Settings,
    pub(super) seen: Option<&'t Attempt>,
    pub(super) adding: &'t Adding<'t>,
    /// It took the place of another.
    pub(super) was_there: bool,
}

/// What is tried now.
pub(super) fn trying(way: &Way, user: Option<&str>) -> String {
    let servers: Vec<_> = way.servers.iter().map(ToString::to_string).collect();
    match user {
        Some(user) => format!("Signing in as {user} at {}", servers.join(", ")),
        None => format!("Connecting to {}", servers.join(", ")),
    }
}

impl Told<'_> {
    pub(super) fn tell(&self, surroundings: &mut Surroundings<'_>) -> io::Result<()> {
        let out = &mut *surroundings.out;
        if surroundings.globals.json {
            render::line(&AddedJson::of(self), out)?;
        } else if self.adding.args.dry_run {
            for line in self.toml().lines() {
                writeln!(out, "{}", Escaped(line))?;
            }
        } else if !surroundings.globals.quiet {
            self.people(out)?;
        }
        out.flush()
    }

    fn is_default(&self) -> bool {
        self.adding.becomes_default(&self.target.name)
    }

    fn people(&self, out: &mut dyn io::Write) -> io::Result<()> {
        if let Some(seen) = self.seen {
            writeln!(out, "  it works: {}, {}", Escaped(&seen.server), Escaped(channel(seen)))?;
        }
        let name = &self.target.name;
        let default = if self.is_default() { ", the default" } else { "" };
        let file = self.target.file.display();
        let done = if self.was_there { "replaced" } else { "added" };
        writeln!(out, "{done} the account {}{default}, in {}", Escaped(name), Escaped(file))?;
        match &self.settings.password {
            Some(SecretSource::Prompt) => writeln!(out, "its password is asked for each time")?,
            Some(source) => writeln!(out, "its password is in {}", Escaped(source))?,
            None => {}
        }
        if let Some(oauth2) = &self.settings.oauth2 {
            writeln!(out, "its tokens are from {}", Escaped(oauth2))?;
        }
        if self.settings.oauth2.is_some() && self.seen.is_none() {
            let name = shell_words::quote(name);
            return writeln!(out, "log in first: envoi account login {}", Escaped(name));
        }
        let option = if self.is_default() {
            String::new()
        } else {
            format!(" -A {}", shell_words::quote(name))
        };
        let only = self.adding.accounts.files().only.as_ref();
        let config = only.map_or_else(String::new, |file| {
            format!(" -C {}", shell_words::quote(&file.display().to_string()))
        });
        let option = Escaped(format!("{config}{option}"));
        writeln!(out, "to send: echo 'It works.' | envoi send{option} -s Test RECIPIENT")
    }

    /// What would be written, the password hidden.
    fn toml(&self) -> String {
        let mut settings = self.settings.clone();
        if matches!(settings.password, Some(SecretSource::Value(_))) {
            settings.password = Some(SecretSource::Value(Secret::new("***")));
        }
        let mut document = toml_edit::DocumentMut::new();
        let mut accounts = toml_edit::Table::new();
        accounts.set_implicit(true);
        // It was written once already.
        let table = table(&settings).unwrap_or_default();
        accounts.insert(&self.target.name, toml_edit::Item::Table(table));
        if self.is_default() {
            document.insert("default", toml_edit::value(self.target.name.as_str()));
        }
        document.insert("accounts", toml_edit::Item::Table(accounts));
        document.to_string()
    }
}

/// How the server was reached.
fn channel(seen: &Attempt) -> String {
    let tls = seen.tls.as_ref().map_or("in clear", |tls| tls.version.as_str());
    match &seen.signed_in {
        Some(signed_in) => format!("{tls}, {}", signed_in.mechanism),
        None => tls.to_owned(),
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AddedJson<'a> {
    version: u8,
    account: &'a str,
    file: String,
    is_default: bool,
    written: bool,
    tested: bool,
    servers: Vec<String>,
    user: Option<&'a str>,
    password: Option<String>,
    issuer: Option<String>,
    mechanism: Option<&'static str>,
    exit: u8,
}

impl<'a> AddedJson<'a> {
    fn of(told: &'a Told<'_>) -> Self {
        let signed_in = told.seen.and_then(|seen| seen.signed_in.as_ref());
        AddedJson {
            version: 1,
            account: &told.target.name,
            file: told.target.file.display().to_string(),
            is_default: told.is_default(),
            written: !told.adding.args.dry_run,
            tested: told.seen.is_some(),
            servers: told.settings.servers.iter().flatten().map(ToString::to_string).collect(),
            user: told.settings.user.as_deref(),
            password: told.settings.password.as_ref().map(ToString::to_string),
            issuer: told.settings.oauth2.as_ref().map(|oauth2| oauth2.issuer.to_string()),
            mechanism: signed_in.map(|signed_in| signed_in.mechanism),
            exit: Exit::Ok.status(),
        }
    }
}
