//! `envoi account show`: every value of an account, and where it comes from.

mod json;

use super::list::{at, place};
use super::reason::sentence;
use super::values::{ROWS, Row, Value};
use super::{named_by_word, unwritten};
use crate::account::{
    Account, Accounts, Choice, Chosen, Environment, Place, SecretSource, ServerUrl, SignIn,
};
use crate::cli::Surroundings;
use crate::cli::args::ShowArgs;
use crate::cli::escape::Escaped;
use crate::cli::exit::Exit;
use crate::cli::failure::{Failure, to_login};
use crate::cli::message::{authors_by, list as addresses};
use crate::cli::render;
use crate::cli::route;
use crate::cli::words::plain;
use json::ShowJson;
use std::io::{self, Write};

pub(super) fn run(
    args: &ShowArgs,
    accounts: &Accounts,
    surroundings: &mut Surroundings<'_>,
) -> Result<Exit, Failure> {
    let chosen = choose(args, accounts, surroundings.globals.account.as_deref())?;
    let account = chosen.account();
    let values = values(&chosen, surroundings.environment);
    let problems = match &account {
        Ok(account) => problems(account, surroundings.environment),
        Err(_) => Vec::new(),
    };
    let servers = account.as_ref().map(json::servers).unwrap_or_default();
    let problems: Vec<Failure> =
        account.err().map(Failure::from).into_iter().chain(problems).collect();
    let exit = if problems.is_empty() { Exit::Ok } else { Exit::Config };
    let out = &mut *surroundings.out;
    let told = if surroundings.globals.json {
        render::line(&ShowJson::of(&chosen, &values, servers, &problems, exit), out)
    } else if surroundings.globals.quiet {
        Ok(())
    } else {
        people(&chosen, &values, out)
    };
    told.and_then(|()| surroundings.out.flush()).map_err(unwritten)?;
    for problem in &problems {
        surroundings.warn(&text(problem));
        for hint in &problem.hints {
            let _ = writeln!(surroundings.err, "hint: {}", Escaped(hint));
        }
    }
    Ok(exit)
}

/// The account that a message would go through.
fn choose<'a>(
    args: &ShowArgs,
    accounts: &'a Accounts,
    option: Option<&str>,
) -> Result<Chosen<'a>, Failure> {
    let named = match (args.name.as_deref(), option) {
        (Some(name), Some(option)) if name != option => {
            let sentence = format!("two accounts are named, ‘{name}’ and ‘{option}’");
            return Err(Failure::say(Exit::Usage, sentence).hint("leave out --account"));
        }
        (name, option) => name.or(option),
    };
    if let Some(sender) = &args.sender
        && addresses("--for", [sender])?.is_empty()
    {
        return Err(Failure::say(Exit::Usage, "--for names no address"));
    }
    let typed = args.connection.settings()?;
    let chosen = accounts.decide(Choice { named, sender: args.sender.as_deref(), typed });
    Ok(chosen.map_err(|error| if option.is_none() { named_by_word(error) } else { error })?)
}

/// A value, and who says it.
struct Shown<'a> {
    row: &'static Row,
    value: Value,
    place: Place<'a>,
    /// Of a secret: whether its source looks as if it had one.
    usable: Option<bool>,
}

fn values<'a>(chosen: &Chosen<'a>, environment: &Environment) -> Vec<Shown<'a>> {
    let said = chosen.said();
    let shown = |row: &'static Row| {
        let (value, place) = match row.said(&said) {
            Some(value) => (value, place(chosen, row)),
            None => (row.default(), Place::Default),
        };
        let usable = match &value {
            Value::Secret(source) => Some(source.look(environment).is_ok()),
            _ => None,
        };
        Shown { row, value, place, usable }
    };
    ROWS.iter().map(shown).collect()
}

impl Shown<'_> {
    /// The value over as many lines as it has parts.
    fn lines(&self) -> Vec<String> {
        let mut lines = self.value.lines();
        if let (Some(usable), Some(line)) = (self.usable, lines.first_mut()) {
            line.push_str(if usable { " (looks usable)" } else { " (not usable)" });
        }
        lines
    }
}

/// What would stop a message, as far as that shows without asking anybody.
fn problems(account: &Account, environment: &Environment) -> Vec<Failure> {
    let secrets = secrets(account).into_iter();
    let unusable =
        secrets.filter_map(|(what, source)| Some((what, source.look(environment).err()?)));
    let mut problems: Vec<Failure> = unusable
        .map(|(what, error)| Failure::from(error).at(format!("the {what} cannot be had")))
        .collect();
    let mut logins = sign_ins(account).into_iter().flatten();
    if let Some(oauth2) = logins.find_map(|sign_in| sign_in.oauth2) {
        let unusable = oauth2.look(environment).err().map(Failure::from);
        problems.extend(unusable.map(|problem| problem.hint(to_login(account.name.as_deref()))));
    }
    problems.extend(authors_by(account).err());
    let proxies = account.servers.iter().filter_map(|url| match url {
        ServerUrl::Server(server) => account.proxy.to(&server.endpoint).err(),
        ServerUrl::Sink(_) => None,
    });
    problems.extend(proxies.take(1).map(Failure::from));
    problems.extend(route::tls(account, environment).err());
    let keys = account.dkim.iter().filter_map(|dkim| dkim.signer().err());
    problems.extend(keys.map(Failure::from));
    problems
}

/// Where the passwords and tokens are, each place once.
fn secrets(account: &Account) -> Vec<(&'static str, SecretSource)> {
    let mut secrets = Vec::new();
    for SignIn { password, token, oauth2, .. } in sign_ins(account).into_iter().flatten() {
        let token = token.map(|source| ("token", source));
        let client = oauth2.and_then(|oauth2| oauth2.client_secret);
        let client = client.map(|source| ("secret of the client", source));
        for secret in [Some(("password", password)), token, client].into_iter().flatten() {
            if !secrets.contains(&secret) {
                secrets.push(secret);
            }
        }
    }
    secrets
}

/// Who signs in at each server.
fn sign_ins(account: &Account) -> Vec<Option<SignIn>> {
    let of = |url: &ServerUrl| match url {
        ServerUrl::Server(server) => account.sign_in(server),
        ServerUrl::Sink(_) => None,
    };
    account.servers.iter().map(of).collect()
}

fn text(problem: &Failure) -> String {
    plain(&format!("{:#}", problem.error))
}

/// A line on the choice, and a line for each part of a value.
fn people(chosen: &Chosen<'_>, values: &[Shown<'_>], out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}", Escaped(sentence(chosen)))?;
    let lines = values.iter().flat_map(Shown::lines);
    let width = lines.map(|line| Escaped(line).to_string().chars().count()).max();
    let width = width.unwrap_or(0).min(WIDEST_VALUE);
    if let Some((names, place)) = chosen.extends() {
        let place = place_words(chosen, EXTENDS, place);
        tell(EXTENDS, &[names.join(", ")], &place, width, out)?;
    }
    for shown in values {
        let key = shown.row.key;
        tell(key, &shown.lines(), &place_words(chosen, key, shown.place), width, out)?;
    }
    Ok(())
}

fn tell(
    key: &str,
    lines: &[String],
    place: &str,
    width: usize,
    out: &mut dyn Write,
) -> io::Result<()> {
    for (at, line) in lines.iter().enumerate() {
        let (key, place) = if at == 0 { (key, place) } else { ("", "") };
        let line =
            format!("  {key:<20}  {:<width$}  {}", Escaped(line).to_string(), Escaped(place));
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

const WIDEST_VALUE: usize = 40;

/// The one key that says where other values come from.
const EXTENDS: &str = "extends";

fn place_words(chosen: &Chosen<'_>, key: &str, place: Place<'_>) -> String {
    match place {
        Place::CommandLine => option(key),
        Place::Variable(name) => name.to_owned(),
        Place::File { account, file, line } if chosen.name() == Some(account) => at(file, line),
        Place::File { account, file, line } => format!("extends {account}, {}", at(file, line)),
        Place::Default => "default".to_owned(),
    }
}

/// Every connection option has a key of the same name, but for one.
fn option(key: &str) -> String {
    if key == "password" { "--password-from".to_owned() } else { format!("--{key}") }
}
