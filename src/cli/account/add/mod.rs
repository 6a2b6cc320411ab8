//! `envoi account add`: from an address to an account that works. Nothing is
//! written before somebody has signed in.

mod author;
mod password;
mod search;
mod servers;
mod tell;
mod tokens;

use super::{installed, load, login, unwritten};
use crate::account::oauth::Granted;
use crate::account::{Account, Accounts, Edit, Files, ProxyChoice, Settings, Whose, table};
use crate::cli::Surroundings;
use crate::cli::args::AddArgs;
use crate::cli::escape::Escaped;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::questions::Questions;
use crate::cli::trial;
use crate::delivery::Attempt;
use crate::net::{Deadline, Interrupt};
use author::Author;
use password::{Password, Written};
use servers::Way;
use std::path::{Path, PathBuf};

pub(super) fn run(args: &AddArgs, surroundings: &mut Surroundings<'_>) -> Result<Exit, Failure> {
    let accounts = &known(surroundings)?;
    let typed = placed(args.connection.settings()?)?;
    if typed.tls_verify == Some(false) {
        surroundings.warn("the server's certificate is not checked: tls-verify is no");
    }
    let interrupt = installed()?;
    let deadline = typed.deadline.map(Deadline::after);
    let questions = Questions::new(&interrupt, deadline);
    let author = Author::of(args, &questions)?;
    let interrupt = &interrupt;
    let adding = Adding { args, accounts, typed, interrupt, deadline, questions, author };
    let file = adding.file()?;
    let named = args.name.as_deref().or(surroundings.globals.account.as_deref());
    if let Some(name) = named {
        check_name(name)?;
        adding.refuse_twice(name, &file, surroundings)?;
    }
    if !args.dry_run {
        // That it can be written shows before anybody is asked.
        Edit::open(&file, surroundings.environment.home(), adding.interrupt)?;
    }
    adding.tell_of_others(surroundings);
    let way = servers::find(&adding, surroundings)?;
    let name = named.map_or_else(|| adding.usual_name(&way), str::to_owned);
    adding.refuse_twice(&name, &file, surroundings)?;
    let target = Target { name, file };
    let worked = match tokens::wanted(&adding, &way)? {
        Some(oauth2) => tokens::try_out(&adding, &way, oauth2, surroundings)?,
        None => adding.try_out(&way, surroundings)?,
    };
    adding.write(&target, &way, worked, surroundings)
}

/// What is configured already. A file that is named need not be there: it is
/// the one that will be written.
fn known(surroundings: &mut Surroundings<'_>) -> Result<Accounts, Failure> {
    let config = surroundings.globals.config.as_deref();
    let files = Files::of(config, surroundings.environment);
    match files.only.as_deref().filter(|file| !file.exists()) {
        None => load(surroundings),
        Some(_) => Ok(Accounts::none(files, surroundings.environment)?),
    }
}

/// An account while it is being added.
struct Adding<'a> {
    args: &'a AddArgs,
    accounts: &'a Accounts,
    /// The options about the connection.
    typed: Settings,
    interrupt: &'a Interrupt,
    /// When everything must be over.
    deadline: Option<Deadline>,
    questions: Questions<'a>,
    author: Author,
}

/// Where it will be written.
struct Target {
    name: String,
    file: PathBuf,
}

/// What went well.
struct Worked {
    user: Option<String>,
    password: Password,
    /// What was seen; `None` where it was not tried.
    seen: Option<Attempt>,
    /// The login that its tokens are of, if there was one.
    granted: Option<Granted>,
}

impl Adding<'_> {
    /// The file that accounts are written to.
    fn file(&self) -> Result<PathBuf, Failure> {
        let files = self.accounts.files();
        files.only.clone().or_else(|| files.user.clone()).ok_or_else(|| {
            Failure::say(Exit::Config, "nothing says where the configuration is: HOME is not set")
                .hint("name the file: --config FILE")
        })
    }

    /// An account is never replaced unasked; that is found out before anybody
    /// is asked anything.
    fn refuse_twice(
        &self,
        name: &str,
        file: &Path,
        surroundings: &Surroundings<'_>,
    ) -> Result<(), Failure> {
        if self.args.replace || !file.exists() {
            return Ok(());
        }
        let edit = Edit::open(file, surroundings.environment.home(), self.interrupt)?;
        Ok(edit.refuse_twice(name)?)
    }

    /// What an account is called that nobody named: as its provider, as the
    /// domain, or as the address, the first that no account has.
    fn usual_name(&self, way: &Way) -> String {
        let address = self.author.mailbox.to_string();
        let domain = self.author.mailbox.domain().to_string();
        let provider = way.provider.as_deref().map(str::to_lowercase);
        let is_free = |name: &String| self.accounts.names().all(|known| known != name);
        provider.into_iter().chain([domain]).find(is_free).unwrap_or(address)
    }

    /// Signs in with what is known, and asks for the password again where the
    /// server does not take it.
    fn try_out(&self, way: &Way, surroundings: &mut Surroundings<'_>) -> Result<Worked, Failure> {
        let mut users = self.users(way);
        let mut password = Password::of(self, way, users.first(), surroundings)?;
        for tries_left in (0..MOST_TRIES).rev() {
            let mut refusal = None;
            for user in &users {
                if self.args.no_test {
                    return Ok(Worked { user: user.clone(), password, seen: None, granted: None });
                }
                let account = self.account(way, user.as_deref(), &password)?;
                say(surroundings, &tell::trying(way, user.as_deref()))?;
                match trial::run(&account, self.interrupt, surroundings) {
                    Ok(attempt) => {
                        let seen = Some(attempt);
                        return Ok(Worked { user: user.clone(), password, seen, granted: None });
                    }
                    // Of several users that were tried, the first is the likelier one.
                    Err(refused) if refused.is_about_secret => {
                        refusal.get_or_insert(refused.failure);
                    }
                    Err(refused) => return Err(refusal.unwrap_or(refused.failure)),
                }
            }
            let Some(refusal) = refusal else { break };
            if tries_left == 0 || !password.was_typed() {
                return Err(way.with_remark(refusal));
            }
            surroundings.warn(&format!("{:#}", refusal.error));
            if users.len() > 1 {
                // Each of several users would cost a try of those that a server
                // grants before it locks somebody out.
                users = vec![Some(self.asked_user()?)];
            }
            password = Password::asked(self, way, users.first())?;
        }
        Err(Failure::say(Exit::Config, "there is nobody to sign in as"))
    }

    /// Who may be the one that signs in: whoever was named; else the address,
    /// and then what stands before its @ (RFC 6186 §4).
    fn users(&self, way: &Way) -> Vec<Option<String>> {
        if !way.wants_sign_in {
            return vec![None];
        }
        let told = self.typed.user.clone().or_else(|| way.user.clone());
        let mailbox = &self.author.mailbox;
        told.map_or_else(
            || vec![Some(mailbox.to_string()), Some(mailbox.local_part().to_owned())],
            |told| vec![Some(told)],
        )
    }

    /// Who signs in, as the user says; the address where he says nothing.
    fn asked_user(&self) -> Result<String, Failure> {
        let address = self.author.mailbox.to_string();
        let answer = self.questions.text(&format!("User name [{address}]:"), "--user NAME")?;
        Ok(if answer.is_empty() { address } else { answer })
    }

    /// What the account says, the password where it is for now.
    fn settings(&self, way: &Way, user: Option<&str>) -> Settings {
        Settings {
            from: Some(self.author.text()),
            servers: Some(way.servers.clone()),
            user: user.map(str::to_owned),
            tls_name: self.typed.tls_name.clone().or_else(|| way.tls_name.clone()),
            password: None,
            ..self.typed.clone()
        }
    }

    /// The account as it is tried, with what the environment says.
    fn account(
        &self,
        way: &Way,
        user: Option<&str>,
        password: &Password,
    ) -> Result<Account, Failure> {
        let typed = Settings {
            password: password.for_now(),
            oauth2: password.oauth2(),
            ..self.settings(way, user)
        };
        Ok(self.accounts.unwritten(typed)?)
    }

    /// Puts the password away and writes the account.
    fn write(
        &self,
        target: &Target,
        way: &Way,
        worked: Worked,
        surroundings: &mut Surroundings<'_>,
    ) -> Result<Exit, Failure> {
        let Worked { user, password, seen, granted } = worked;
        let user = user.as_deref();
        let mut settings = self.settings(way, user);
        let whose: Vec<Whose<'_>> =
            way.hosts.iter().map(|host| Whose { user: user.unwrap_or_default(), host }).collect();
        settings.oauth2 = password.oauth2();
        let Written { source, kept } = password.put_away(self, &whose, surroundings)?;
        settings.password = source;
        let was_there = self.accounts.place(&target.name).is_some_and(|(at, _)| at == target.file);
        let written = if self.args.dry_run {
            table(&settings).map(|_| ()).map_err(Failure::from)
        } else {
            self.save(target, &settings, surroundings)
        };
        if let Err(failure) = written {
            kept.undo(&whose, self, surroundings);
            if let (Some(oauth2), Some(granted)) = (settings.oauth2, granted) {
                let password = Password::Tokens(Box::new(oauth2));
                let account = self.account(way, user, &password)?;
                login::take_back(&account, granted, self.interrupt, surroundings);
            }
            return Err(failure);
        }
        let told = tell::Told {
            target,
            settings: &settings,
            seen: seen.as_ref(),
            adding: self,
            was_there,
        };
        told.tell(surroundings).map_err(unwritten)?;
        if let Some(file) = self.hides(target) {
            let name = &target.name;
            surroundings.warn(&format!("‘{name}’ of {} is hidden by it", file.display()));
        }
        if let Some(file) = self.accounts.foreign().filter(|_| !self.args.dry_run) {
            let file = file.display();
            surroundings.warn(&format!(
                "{file} is not read any more, now that there is {}",
                target.file.display()
            ));
            let hint = "to take its accounts over: envoi account import --write";
            let _ = writeln!(surroundings.err, "hint: {hint}");
        }
        Ok(Exit::Ok)
    }

    fn save(
        &self,
        target: &Target,
        settings: &Settings,
        surroundings: &Surroundings<'_>,
    ) -> Result<(), Failure> {
        let mut edit = Edit::open(&target.file, surroundings.environment.home(), self.interrupt)?;
        if self.args.replace {
            edit.replace(&target.name, settings)?;
        } else {
            edit.add(&target.name, settings)?;
        }
        if self.becomes_default(&target.name) {
            edit.set_default(&target.name);
        }
        Ok(edit.save()?)
    }

    /// Says which accounts have the address already.
    fn tell_of_others(&self, surroundings: &mut Surroundings<'_>) {
        let address = self.author.mailbox.to_string();
        let is_for = |name: &&str| {
            let said = self.accounts.configured(name).map(|account| account.said());
            let from = said.ok().and_then(|said| said.from).unwrap_or_default();
            from == address || from.ends_with(&format!("<{address}>"))
        };
        let others: Vec<&str> = self.accounts.names().filter(is_for).collect();
        if let (false, Some(first)) = (self.args.replace, others.first()) {
            surroundings.warn(&format!("there is an account for {address} already: ‘{first}’"));
        }
    }

    /// The file of an account of the same name that counts no more.
    fn hides(&self, target: &Target) -> Option<&Path> {
        let (file, _) = self.accounts.place(&target.name)?;
        let is_other = self.accounts.foreign().is_none() && file != target.file;
        is_other.then_some(file)
    }

    fn becomes_default(&self, name: &str) -> bool {
        // What stood in for a configuration does so no more.
        let is_first = self.accounts.foreign().is_some() || self.accounts.names().next().is_none();
        let is_already = self.accounts.default_name() == Some(name);
        self.args.default || is_first || is_already
    }

    /// Whether the user knows this server.
    fn is_accepted(&self, host: &str) -> bool {
        self.args.accept.iter().any(|accepted| accepted.eq_ignore_ascii_case(host))
    }

    /// Whether the host is in the domain of the address: nobody else has a
    /// certificate for it, whoever named it.
    fn is_own(&self, host: &str) -> bool {
        let domain = self.author.mailbox.domain().to_string().to_ascii_lowercase();
        let above = host.to_ascii_lowercase();
        above.strip_suffix(&domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    }

    /// The proxy that leads to others than the account's servers, too.
    fn proxy(&self) -> ProxyChoice {
        self.typed.proxy.clone().or_else(|| self.accounts.proxy()).unwrap_or_default()
    }
}

/// Says one step of the search.
fn step(surroundings: &mut Surroundings<'_>, kind: &str, what: &str) -> Result<(), Failure> {
    say(surroundings, &format!("  {kind:<9} {what}"))
}

/// A name has to stand in a command.
fn check_name(name: &str) -> Result<(), Failure> {
    if name.trim().is_empty() || name.starts_with('-') || name.contains(char::is_control) {
        let sentence = "the name of an account is not empty, has no control character, \
                        and does not begin with -";
        return Err(Failure::say(Exit::Usage, sentence).hint("--name work"));
    }
    Ok(())
}

/// Says how far it has come, to people.
fn say(surroundings: &mut Surroundings<'_>, text: &str) -> Result<(), Failure> {
    if surroundings.globals.json || surroundings.globals.quiet {
        return Ok(());
    }
    writeln!(surroundings.out, "{}", Escaped(text))
        .and_then(|()| surroundings.out.flush())
        .map_err(unwritten)
}

/// The settings with paths that mean the same from everywhere: in a
/// configuration a relative one begins elsewhere.
fn placed(typed: Settings) -> Result<Settings, Failure> {
    let paths = |paths: Vec<PathBuf>| paths.iter().map(|path| absolute(path)).collect();
    Ok(Settings {
        password: typed.password.map(password::placed).transpose()?,
        tls_ca: typed.tls_ca.map(paths).transpose()?,
        tls_cert: typed.tls_cert.as_deref().map(absolute).transpose()?,
        tls_key: typed.tls_key.as_deref().map(absolute).transpose()?,
        ..typed
    })
}

fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    std::path::absolute(path).map_err(|error| {
        let sentence = format!("{} is nowhere", path.display());
        Failure::caused(Exit::Usage, sentence, error)
    })
}

/// How often a password is asked for. Servers lock users out after a few.
const MOST_TRIES: usize = 3;
