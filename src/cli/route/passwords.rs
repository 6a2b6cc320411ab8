//! The passwords and tokens of an account, each fetched when it is needed.

use crate::account::oauth::{Access, Web};
use crate::account::{self, Environment, OAuth2, SecretSource};
use crate::cli::escape::Escaped;
use crate::cli::failure::{absence, oauth_hint, of_secret, to_login};
use crate::cli::terminal::ask;
use crate::delivery::{Absence, Secrets, Unavailable};
use crate::net::Endpoint;
use crate::sasl::{Proof, Secret};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Fetches passwords and tokens when a server is about to be given one. Each is
/// fetched once: a pipe gives it only once, and who has typed it in would not
/// know why to do it again for another mechanism or address. Where several
/// threads need one, the others wait for the first to fetch it.
pub(in crate::cli) struct Passwords<'e> {
    environment: &'e Environment,
    /// The account's name, for hints.
    account: Option<String>,
    /// How whoever issues tokens is reached, and how long anything may take.
    web: Web,
    known: Vec<(Endpoint, account::SignIn)>,
    fetched: Mutex<Vec<Fetched>>,
    /// The tokens of logins, each with its user.
    tokens: Mutex<Vec<(String, Secret)>>,
    /// What went wrong beside that, in sentences.
    troubles: Mutex<Vec<String>>,
}

/// A secret that was had.
struct Fetched {
    source: SecretSource,
    /// The user and the host, where the source has more than one secret.
    whose: Option<(String, String)>,
    secret: Secret,
}

impl Secrets for Passwords<'_> {
    fn secret(
        &self,
        server: &Endpoint,
        user: Option<&str>,
        proof: Proof,
    ) -> Result<Secret, Unavailable> {
        let Some(sign_in) = self.sign_in(server, user) else {
            let reason = format!("nothing is known of who signs in at {server}");
            return Err(Unavailable { reason, way_out: None, absence: Absence::Missing });
        };
        // Whoever names a mechanism for tokens means what is configured, be it
        // called a password.
        match (proof, &sign_in.token, &sign_in.oauth2) {
            (Proof::Token, _, Some(oauth2)) => self.issued(oauth2, user.unwrap_or_default(), None),
            (Proof::Token, Some(token), None) => self.read("token", token, server, user),
            _ => self.read("password", &sign_in.password, server, user),
        }
    }

    fn renewed(
        &self,
        server: &Endpoint,
        user: Option<&str>,
        refused: &Secret,
    ) -> Option<Result<Secret, Unavailable>> {
        let sign_in = self.sign_in(server, user)?;
        if let Some(oauth2) = &sign_in.oauth2 {
            return Some(self.reissued(oauth2, user, refused));
        }
        let source = sign_in.token.as_ref().unwrap_or(&sign_in.password);
        let may_differ = matches!(source, SecretSource::Command(_));
        may_differ.then(|| {
            let is_refused = |it: &Fetched| it.source == *source && it.secret == *refused;
            lock(&self.fetched).retain(|fetched| !is_refused(fetched));
            self.read("token", source, server, user)
        })
    }

    fn way_out(&self, server: &Endpoint, user: Option<&str>) -> Option<String> {
        self.sign_in(server, user)?.oauth2.as_ref()?;
        Some(match self.account.as_deref() {
            Some(name) => to_login(Some(name)),
            None => "check issuer, user and scope: the token is a new one".to_owned(),
        })
    }
}

impl<'e> Passwords<'e> {
    /// Those of nobody yet.
    pub(super) fn of(account: Option<String>, web: Web, environment: &'e Environment) -> Self {
        Passwords {
            environment,
            account,
            web,
            known: Vec::new(),
            fetched: Mutex::default(),
            tokens: Mutex::default(),
            troubles: Mutex::default(),
        }
    }

    /// From now on it is known who signs in at this server.
    pub(super) fn know(&mut self, server: Endpoint, sign_in: account::SignIn) {
        self.known.push((server, sign_in));
    }

    /// What went wrong while secrets were fetched, and stopped nobody: a
    /// sentence for each. They are told once.
    pub(in crate::cli) fn troubles(&self) -> Vec<String> {
        std::mem::take(&mut *lock(&self.troubles))
    }

    pub(super) fn environment(&self) -> &'e Environment {
        self.environment
    }

    fn sign_in(&self, server: &Endpoint, user: Option<&str>) -> Option<&account::SignIn> {
        let mut known = self.known.iter();
        let known =
            known.find(|(known, sign_in)| known == server && sign_in.user.as_deref() == user);
        known.map(|(_, sign_in)| sign_in)
    }

    fn read(
        &self,
        what: &str,
        source: &SecretSource,
        server: &Endpoint,
        user: Option<&str>,
    ) -> Result<Secret, Unavailable> {
        let host = server.place.name();
        let whose = account::Whose { user: user.unwrap_or_default(), host: &host };
        let key = source.depends_on_whose().then(|| (whose.user.to_owned(), host.clone()));
        let is_it = |it: &&Fetched| it.source == *source && it.whose == key;
        let mut known = lock(&self.fetched);
        if let Some(fetched) = known.iter().find(is_it) {
            return Ok(fetched.secret.clone());
        }
        let read = in_world(&self.web, self.environment, |world| source.read(whose, world));
        let secret = read.map_err(|error| {
            let absence = if error.is_temporary() { Absence::Passing } else { Absence::Missing };
            let way_out = of_secret(&error);
            let error = anyhow::Error::new(error).context(format!("the {what} cannot be had"));
            Unavailable { reason: format!("{error:#}"), way_out, absence }
        })?;
        known.push(Fetched { source: source.clone(), whose: key, secret: secret.clone() });
        Ok(secret)
    }

    /// The token of a login, looked up or renewed once; another one than that
    /// which was refused.
    fn issued(
        &self,
        oauth2: &OAuth2,
        user: &str,
        refused: Option<&Secret>,
    ) -> Result<Secret, Unavailable> {
        let mut tokens = lock(&self.tokens);
        if let Some((_, token)) = tokens.iter().find(|(known, _)| known == user) {
            return Ok(token.clone());
        }
        let had = in_world(&self.web, self.environment, |world| {
            let access = Access { oauth2, user, web: &self.web, world };
            refused.map_or_else(|| access.token(), |refused| access.renewed(refused))
        });
        let token = had.map_err(|error| {
            let (absence, way_out) = (absence(&error), oauth_hint(&error, self.account.as_deref()));
            let error = anyhow::Error::new(error).context("the token cannot be had");
            Unavailable { reason: format!("{error:#}"), way_out, absence }
        })?;
        if let Some(error) = token.unkept {
            let way_out = to_login(self.account.as_deref());
            let error = anyhow::Error::new(error);
            lock(&self.troubles).push(format!(
                "the login was renewed and could not be kept: {error:#}; if the next run is \
                 refused, {way_out}"
            ));
        }
        tokens.push((user.to_owned(), token.secret.clone()));
        Ok(token.secret)
    }

    /// Another token of a login, in place of the one that a server refused.
    fn reissued(
        &self,
        oauth2: &OAuth2,
        user: Option<&str>,
        refused: &Secret,
    ) -> Result<Secret, Unavailable> {
        let user = user.unwrap_or_default();
        lock(&self.tokens).retain(|(known, token)| known != user || token != refused);
        self.issued(oauth2, user, Some(refused))
    }
}

/// What a thread that failed has left is whole: each change is made at once.
fn lock<T>(of_all: &Mutex<T>) -> MutexGuard<'_, T> {
    of_all.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Does something with all that fetching a secret may make use of.
pub(in crate::cli) fn in_world<T>(
    web: &Web,
    environment: &Environment,
    what: impl FnOnce(account::World<'_>) -> T,
) -> T {
    let (deadline, interrupt) = (web.deadline, &web.interrupt);
    what(account::World {
        environment,
        ask: &|question| ask(&Escaped(question).to_string(), deadline, interrupt),
        interrupt,
        timeout: web.timeout,
        deadline,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::ProxyChoice;
    use crate::net::{Family, Host, Interrupt, Place, Roots, Security, TlsVersion};
    use crate::smtp::Protocol;
    use std::fs;

    fn web() -> Web {
        Web {
            roots: Roots::default(),
            least: TlsVersion::default(),
            proxy: ProxyChoice::Direct,
            source: None,
            family: Family::Any,
            timeout: None,
            deadline: None,
            interrupt: Interrupt::default(),
        }
    }

    fn server() -> Endpoint {
        let place = Place::Tcp { host: Host::Name("mail.example".to_owned()), port: 465 };
        Endpoint { place, protocol: Protocol::Smtp, security: Security::Implicit }
    }

    #[test]
    fn threads_that_need_the_same_secret_fetch_it_once() {
        let folder = tempfile::tempdir().unwrap();
        let calls = folder.path().join("calls");
        let script = format!("echo called >> '{}'; wc -l < '{0}'", calls.display());
        let source = SecretSource::Command(vec!["sh".to_owned(), "-c".to_owned(), script]);
        let sign_in = account::SignIn {
            user: Some("alice".to_owned()),
            password: source.clone(),
            token: Some(source),
            oauth2: None,
        };
        let environment = Environment::of_process();
        let mut passwords = Passwords::of(None, web(), &environment);
        passwords.know(server(), sign_in);
        let passwords = &passwords;
        let of_each = |fetch: &(dyn Fn() -> Secret + Sync)| -> Vec<Secret> {
            std::thread::scope(|scope| {
                let threads = [(); 4].map(|()| scope.spawn(fetch));
                threads.map(|thread| thread.join().unwrap()).into()
            })
        };
        let first = of_each(&|| passwords.secret(&server(), Some("alice"), Proof::Token).unwrap());
        assert_eq!(first, vec![Secret::new("1"); 4]);
        // All are refused: the first asks again, the others get what it got.
        let refused = Secret::new("1");
        let renewed =
            of_each(&|| passwords.renewed(&server(), Some("alice"), &refused).unwrap().unwrap());
        assert_eq!(renewed, vec![Secret::new("2"); 4]);
        assert_eq!(fs::read_to_string(calls).unwrap().lines().count(), 2);
    }
}
