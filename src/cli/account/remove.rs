//! `envoi account remove`: an account out of the configuration.

use super::{installed, login, named_by_word, refuse_foreign, unwritten};
use crate::account::{Account, Accounts, Edit, SecretSource, ServerUrl, Whose, World};
use crate::cli::args::RemoveArgs;
use crate::cli::escape::Escaped;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::{Surroundings, render};
use crate::net::Interrupt;
use serde::Serialize;
use std::io;
use std::path::Path;

pub(super) fn run(
    args: &RemoveArgs,
    accounts: &Accounts,
    surroundings: &mut Surroundings<'_>,
) -> Result<Exit, Failure> {
    let named = args.name.as_deref().or(surroundings.globals.account.as_deref());
    let name = named.ok_or_else(|| {
        Failure::say(Exit::Usage, "no account is named").hint("see what there is: envoi account")
    })?;
    let account = accounts.configured(name).map_err(named_by_word)?.account();
    refuse_foreign(accounts)?;
    let (file, _) = accounts.place(name).unwrap_or((Path::new(""), 0));
    let interrupt = installed()?;
    let mut edit = Edit::open(file, surroundings.environment.home(), &interrupt)?;
    let was_default = edit.remove(name)?.was_default;
    edit.save()?;
    // One that is no good can be removed all the same.
    let account = account.ok();
    let secrets = account.as_ref().map(kept).unwrap_or_default();
    let others = accounts.names().filter(|other| *other != name);
    let others: Vec<Account> =
        others.filter_map(|other| accounts.configured(other).ok()?.account().ok()).collect();
    let shared = |secret: &Kept| others.iter().any(|other| kept(other).contains(secret));
    let mut removed = Removed {
        version: 1,
        account: name,
        file: file.display().to_string(),
        was_default,
        forgotten: Vec::new(),
        kept: Vec::new(),
        exit: Exit::Ok.status(),
    };
    for secret in secrets {
        if args.forget && !shared(&secret) && forget(&secret, &interrupt, surroundings) {
            removed.forgotten.push(format!("the password in {}", secret.source));
        } else {
            removed.kept.push(format!("the password in {}", secret.source));
        }
    }
    if let Some((account, oauth2)) = account.as_ref().and_then(|it| Some((it, it.oauth2.as_ref()?)))
    {
        let place = format!("tokens in {}", oauth2.store);
        let is_shared = others.iter().any(|other| login::shares(account, other));
        let is_gone = args.forget && !is_shared && login::forget(account, &interrupt, surroundings);
        if is_gone { &mut removed.forgotten } else { &mut removed.kept }.push(place);
    }
    let told = if surroundings.globals.json {
        render::line(&removed, surroundings.out)
    } else if surroundings.globals.quiet {
        Ok(())
    } else {
        removed.tell(surroundings.out)
    };
    told.and_then(|()| surroundings.out.flush()).map_err(unwritten)?;
    Ok(Exit::Ok)
}

/// What came of it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Removed<'a> {
    version: u8,
    account: &'a str,
    file: String,
    was_default: bool,
    /// Where secrets were removed.
    forgotten: Vec<String>,
    /// Where they still are.
    kept: Vec<String>,
    exit: u8,
}

impl Removed<'_> {
    fn tell(&self, out: &mut dyn io::Write) -> io::Result<()> {
        let was = if self.was_default { "; it was the default, and now there is none" } else { "" };
        writeln!(out, "removed {} from {}{was}", Escaped(self.account), Escaped(&self.file))?;
        for place in &self.forgotten {
            writeln!(out, "removed, too: {}", Escaped(place))?;
        }
        for place in &self.kept {
            writeln!(out, "still there: {}", Escaped(place))?;
        }
        Ok(())
    }
}

/// A secret that envoi can remove.
#[derive(Debug, PartialEq, Eq)]
struct Kept {
    source: SecretSource,
    user: String,
    host: String,
}

/// The secrets of an account, each once.
fn kept(account: &Account) -> Vec<Kept> {
    let mut all: Vec<Kept> = Vec::new();
    for url in &account.servers {
        let ServerUrl::Server(server) = url else { continue };
        let Some(sign_in) = account.sign_in(server) else { continue };
        let user = sign_in.user.unwrap_or_default();
        let host = server.endpoint.place.name();
        for source in sign_in.token.into_iter().chain([sign_in.password]) {
            let kept = match source {
                SecretSource::Keyring => Kept { source, user: user.clone(), host: host.clone() },
                // A file is the same for everybody.
                SecretSource::File(_) => Kept { source, user: String::new(), host: String::new() },
                SecretSource::Value(_)
                | SecretSource::Env(_)
                | SecretSource::Command(_)
                | SecretSource::Fd(_)
                | SecretSource::Credential(_)
                | SecretSource::Netrc(_)
                | SecretSource::Prompt => continue,
            };
            if !all.contains(&kept) {
                all.push(kept);
            }
        }
    }
    all
}

/// Removes a secret. The account is gone already: that it failed is a warning.
fn forget(secret: &Kept, interrupt: &Interrupt, surroundings: &mut Surroundings<'_>) -> bool {
    let world = World {
        environment: surroundings.environment,
        ask: &|_| Err(io::Error::other("there is nothing to ask")),
        interrupt,
        timeout: None,
        deadline: None,
    };
    let whose = Whose { user: &secret.user, host: &secret.host };
    match secret.source.forget(whose, world) {
        Ok(()) => true,
        Err(error) => {
            let error = anyhow::Error::new(error);
            surroundings.warn(&format!("its password is not removed: {error:#}"));
            false
        }
    }
}
