//! What is said of logins: where to go, and who may send now.

use crate::account::oauth::{Granted, Show, browse};
use crate::account::{Account, Environment, OAuth2};
use crate::cli::account::unwritten;
use crate::cli::escape::Escaped;
use crate::cli::failure::Failure;
use crate::cli::{Surroundings, clock, render};
use serde::Serialize;
use std::fmt::Write as _;
use std::io::Write;
use std::path::Path;

/// Where the user has to go. Whoever has no terminal finds it on standard error,
/// too.
pub(super) fn show(
    what: Show<'_>,
    environment: &Environment,
    has_browser: bool,
    err: &mut dyn Write,
) {
    // Whether anybody reads it shows when somebody logs in.
    let _ = match what {
        Show::Browser(url) => {
            let opened = has_browser && browse(url, environment).is_ok();
            let what = if opened { "a browser was opened; if not, go to" } else { "go to" };
            writeln!(err, "to log in, with a browser of this machine {what}:\n  {}", Escaped(url))
        }
        Show::Device(prompt) => writeln!(
            err,
            "to log in, go to {}\nand type the code {}{}",
            Escaped(&prompt.uri),
            Escaped(&prompt.code),
            match &prompt.uri_complete {
                Some(uri) => format!("\nor go straight to {}", Escaped(uri)),
                None => String::new(),
            }
        ),
    };
    let _ = err.flush();
}

/// Who may send now, and until when.
pub(super) fn tell(
    account: &Account,
    (oauth2, user): (&OAuth2, &str),
    granted: &Granted,
    file: Option<&Path>,
    surroundings: &mut Surroundings<'_>,
) -> Result<(), Failure> {
    let until = granted.until.and_then(|until| clock::at(until, surroundings.environment));
    let until = until.map(|until| until.strftime("%Y-%m-%d %H:%M").to_string());
    let holds = match (&until, granted.is_renewable) {
        (_, true) => "until the login is revoked or the issuer ends it".to_owned(),
        (Some(until), false) => format!("until {until}; then log in again"),
        (None, false) => "until the issuer ends the login".to_owned(),
    };
    let name = account.name.as_deref().unwrap_or_default();
    let mut sentence =
        format!("{user} is logged in at {}, and ‘{name}’ can send {holds}", oauth2.issuer);
    if let Some(file) = file {
        // Writing into a String cannot fail.
        let _ = write!(sentence, "\nwrote oauth2 of ‘{name}’ to {}", file.display());
    }
    let json = LoginJson {
        version: 1,
        account: account.name.as_deref(),
        user,
        issuer: oauth2.issuer.to_string(),
        store: oauth2.store.to_string(),
        token_expires: granted.until,
        renewable: granted.is_renewable,
        written: file.map(|file| file.display().to_string()),
        exit: 0,
    };
    say(&sentence, &json, surroundings)
}

/// For people, or for programs.
pub(super) fn say(
    sentence: &str,
    json: &impl Serialize,
    surroundings: &mut Surroundings<'_>,
) -> Result<(), Failure> {
    let out = &mut *surroundings.out;
    let said = if surroundings.globals.json {
        render::line(json, out)
    } else if surroundings.globals.quiet {
        Ok(())
    } else {
        sentence.lines().try_for_each(|line| writeln!(out, "{}", Escaped(line)))
    };
    said.and_then(|()| surroundings.out.flush()).map_err(unwritten)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LoginJson<'a> {
    version: u8,
    account: Option<&'a str>,
    user: &'a str,
    issuer: String,
    store: String,
    /// Seconds of Unix time.
    token_expires: Option<i64>,
    renewable: bool,
    /// The file that the account was changed in.
    written: Option<String>,
    exit: u8,
}

/// What became of a login, for programs.
#[derive(Serialize)]
pub(super) struct LogoutJson<'a> {
    pub(super) version: u8,
    pub(super) account: Option<&'a str>,
    pub(super) user: &'a str,
    pub(super) issuer: &'a str,
    pub(super) revoked: bool,
    pub(super) exit: u8,
}
