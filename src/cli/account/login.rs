//! `envoi account login` and `envoi account logout`: the tokens of an account.

mod wanted;
mod words;

pub(super) use wanted::{wanted, way};

use super::{installed, named_by_word, refuse_foreign};
use crate::account::oauth::{Ended, Granted, Login, OAuthError, TokenStore, Way, has_browser};
use crate::account::{
    Account, Accounts, Choice, Chosen, Edit, Environment, OAuth2, ServerUrl, Settings,
};
use crate::cli::args::{LoginArgs, LogoutArgs};
use crate::cli::exit::Exit;
use crate::cli::failure::{Failure, of_oauth};
use crate::cli::{Surroundings, route};
use crate::net::{Interrupt, Roots};
use std::path::{Path, PathBuf};
use wanted::token_store;
use words::{LogoutJson, say, show, tell};

/// Logs in, keeps the tokens, and writes down what the account did not say.
pub(super) fn run(
    args: &LoginArgs,
    accounts: &Accounts,
    surroundings: &mut Surroundings<'_>,
) -> Result<Exit, Failure> {
    let typed = args.connection.settings()?;
    let name = name(args.name.as_deref(), surroundings)?;
    let before = choose(accounts, name.as_deref(), typed.clone())?;
    // What does not go together is wrong, whatever the options lay over it.
    before.account()?;
    let said = before.said().oauth2;
    let store = args.store.as_deref().map(token_store).transpose()?;
    let oauth2 = wanted(&args.issuer, store, said.clone(), before.name())?;
    let typed = Settings { oauth2: Some(oauth2.clone()), ..typed };
    let chosen = choose(accounts, name.as_deref(), typed)?;
    let account = chosen.account()?;
    let is_new = said.as_ref() != Some(&oauth2);
    let written = if is_new { Some(file_of(&chosen, accounts)?) } else { None };
    let interrupt = installed()?;
    if let Some((name, file)) = written {
        // That it can be written shows before anybody logs in.
        edited(name, file, &oauth2, surroundings.environment, &interrupt)?;
    }
    let granted = run_for(&account, way(&args.issuer), &interrupt, surroundings)?;
    if let Some((name, file)) = written {
        edited(name, file, &oauth2, surroundings.environment, &interrupt)?.save()?;
    }
    tell(&account, login(&account)?, &granted, written.map(|(_, file)| file), surroundings)?;
    Ok(Exit::Ok)
}

/// Logs in for an account, which need not be written yet, and keeps the tokens.
/// The user sees on standard error where to go.
pub(super) fn run_for(
    account: &Account,
    way: Option<Way>,
    interrupt: &Interrupt,
    surroundings: &mut Surroundings<'_>,
) -> Result<Granted, Failure> {
    let environment = surroundings.environment;
    let name = account.name.as_deref();
    let (oauth2, user) = login(account)?;
    let web = route::web(account, roots(account, environment)?, interrupt);
    let has_browser = has_browser(environment);
    let granted = route::in_world(&web, environment, |world| {
        let login = Login { oauth2, user, way, has_browser, web: &web, world };
        login.run(&mut |what| show(what, environment, has_browser, surroundings.err))
    });
    let granted = granted.map_err(|error| of_oauth(error, name, interrupt.signal()))?;
    if let Some(damage) = &granted.replaced {
        surroundings.warn(&format!("{damage}; the new ones have taken its place"));
    }
    Ok(granted)
}

/// Removes the tokens of an account that is not written after all; those of a
/// login that was there before are there again.
pub(super) fn take_back(
    account: &Account,
    granted: Granted,
    interrupt: &Interrupt,
    surroundings: &mut Surroundings<'_>,
) {
    let undone = logged(account, interrupt, surroundings.environment, |login| login.undo(granted));
    if let Err(failure) = undone {
        surroundings.warn(&format!("the tokens are not removed: {:#}", failure.error));
    }
}

/// Whether both accounts have the tokens of one login: in one file, or of one
/// user of one issuer.
pub(super) fn shares(one: &Account, other: &Account) -> bool {
    let (Ok((ours, user)), Ok((theirs, other_user))) = (login(one), login(other)) else {
        return false;
    };
    let is_file = matches!(ours.store, TokenStore::File(_));
    ours.store == theirs.store
        && (is_file || (ours.issuer.place(), user) == (theirs.issuer.place(), other_user))
}

/// Removes the tokens of an account that is not there any more: that it failed
/// is a warning.
pub(super) fn forget(
    account: &Account,
    interrupt: &Interrupt,
    surroundings: &mut Surroundings<'_>,
) -> bool {
    match ended(account, interrupt, surroundings.environment) {
        Ok(ended) => ended.is_some(),
        Err(failure) => {
            surroundings.warn(&format!("the tokens are not removed: {:#}", failure.error));
            false
        }
    }
}

/// Removes the tokens; `None` if there were none.
fn ended(
    account: &Account,
    interrupt: &Interrupt,
    environment: &Environment,
) -> Result<Option<Ended>, Failure> {
    #[expect(
        clippy::redundant_closure_for_method_calls,
        reason = "the method is for one lifetime only"
    )]
    logged(account, interrupt, environment, |login| login.end())
}

/// Does something with a login that was made.
fn logged<T>(
    account: &Account,
    interrupt: &Interrupt,
    environment: &Environment,
    what: impl FnOnce(&Login<'_>) -> Result<T, OAuthError>,
) -> Result<T, Failure> {
    let (oauth2, user) = login(account)?;
    let web = route::web(account, roots(account, environment)?, interrupt);
    let done = route::in_world(&web, environment, |world| {
        what(&Login { oauth2, user, way: None, has_browser: false, web: &web, world })
    });
    done.map_err(|error| of_oauth(error, account.name.as_deref(), interrupt.signal()))
}

/// Removes the tokens, and gives them back where that is possible.
pub(super) fn end(
    args: &LogoutArgs,
    accounts: &Accounts,
    surroundings: &mut Surroundings<'_>,
) -> Result<Exit, Failure> {
    let name = name(args.name.as_deref(), surroundings)?;
    let account = choose(accounts, name.as_deref(), args.connection.settings()?)?.account()?;
    let interrupt = installed()?;
    let (oauth2, user) = login(&account)?;
    let name = account.name.as_deref();
    let ended = ended(&account, &interrupt, surroundings.environment)?;
    let issuer = oauth2.issuer.to_string();
    let (sentence, revoked) = match ended.map(|ended| ended.revoked) {
        None => (format!("{user} was not logged in at {issuer}"), false),
        Some(Ok(true)) => (format!("{user} is logged out at {issuer}"), true),
        Some(Ok(false)) => (
            format!("the tokens of {user} are removed; {issuer} takes none back, they just expire"),
            false,
        ),
        Some(Err(error)) => {
            let error = anyhow::Error::new(error);
            surroundings.warn(&format!("the tokens are removed, but not given back: {error:#}"));
            (format!("the tokens of {user} are removed"), false)
        }
    };
    let json = LogoutJson { version: 1, account: name, user, issuer: &issuer, revoked, exit: 0 };
    say(&sentence, &json, surroundings)?;
    Ok(Exit::Ok)
}

fn roots(account: &Account, environment: &Environment) -> Result<Roots, Failure> {
    route::roots(&account.tls.ca, account.tls.system_roots, environment)
}

/// The account that a word or an option names.
fn name(word: Option<&str>, surroundings: &Surroundings<'_>) -> Result<Option<String>, Failure> {
    match (word, surroundings.globals.account.as_deref()) {
        (Some(name), Some(option)) if name != option => {
            let sentence = format!("two accounts are named, ‘{name}’ and ‘{option}’");
            Err(Failure::say(Exit::Usage, sentence).hint("leave out --account"))
        }
        (name, option) => Ok(name.or(option).map(str::to_owned)),
    }
}

fn choose<'a>(
    accounts: &'a Accounts,
    named: Option<&str>,
    typed: Settings,
) -> Result<Chosen<'a>, Failure> {
    Ok(accounts.decide(Choice { named, sender: None, typed }).map_err(named_by_word)?)
}

/// Who issues the tokens of an account, and who logs in there.
fn login(account: &Account) -> Result<(&OAuth2, &str), Failure> {
    let none = |what: &str| Failure::say(Exit::Config, format!("the account has no {what}"));
    let oauth2 = account.oauth2.as_ref().ok_or_else(|| {
        let hint = "say who issues its tokens: envoi account login --issuer ISSUER";
        none("oauth2, so nobody logs in").hint(hint)
    })?;
    let by_url = account.servers.iter().find_map(ServerUrl::user);
    let user = by_url.or(account.user.as_deref());
    let user = user.ok_or_else(|| none("user").hint("name the user: --user NAME"))?;
    Ok((oauth2, user))
}

/// The account's own table, and the file that it stands in.
fn file_of<'a>(
    chosen: &Chosen<'a>,
    accounts: &'a Accounts,
) -> Result<(&'a str, &'a Path), Failure> {
    let name = chosen.name().ok_or_else(|| {
        Failure::say(Exit::Usage, "a login is for an account, and none is named")
            .hint("name the account: envoi account login NAME")
    })?;
    refuse_foreign(accounts)?;
    let place = accounts.place(name);
    Ok((name, place.map_or(Path::new(""), |(file, _)| file)))
}

fn edited(
    name: &str,
    file: &Path,
    oauth2: &OAuth2,
    environment: &Environment,
    interrupt: &Interrupt,
) -> Result<Edit, Failure> {
    let home: Option<PathBuf> = environment.home();
    let mut edit = Edit::open(file, home, interrupt)?;
    edit.set_oauth2(name, oauth2)?;
    Ok(edit)
}
