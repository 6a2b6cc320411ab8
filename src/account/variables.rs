//! What the variables say about accounts: a choice, an author, and an account of
//! their own or what is lent to others.

use super::environment::Environment;
use super::error::Error;
use super::proxy::{EnvironmentProxy, ProxyChoice};
use super::secret::SecretSource;
use super::server::{Origin, ServerUrl};
use super::settings::Settings;
use std::path::PathBuf;
use zeroize::Zeroizing;

/// What the environment says.
#[derive(Debug, Default)]
pub(super) struct Said {
    pub(super) account: Option<String>,
    pub(super) from: Option<String>,
    pub(super) server: Option<ServerUrl>,
    pub(super) user: Option<String>,
    pub(super) password: Option<SecretSource>,
    pub(super) tls_ca: Option<PathBuf>,
    pub(super) proxy: Option<EnvironmentProxy>,
}

impl Said {
    /// Reads it.
    pub(super) fn by(environment: &Environment) -> Result<Self, Error> {
        let server = match environment.text("ENVOI_SERVER")? {
            None => None,
            Some(text) => {
                Some(ServerUrl::parse(&Zeroizing::new(text), Origin::Environment).map_err(
                    |error| Error::Variable { variable: "ENVOI_SERVER", reason: error.to_string() },
                )?)
            }
        };
        let in_variable = environment.has("ENVOI_PASSWORD");
        let in_file = environment.get("ENVOI_PASSWORD_FILE").map(PathBuf::from);
        if in_variable && in_file.is_some() {
            return Err(Error::Variable {
                variable: "ENVOI_PASSWORD_FILE",
                reason: "ENVOI_PASSWORD is set too, and only one of them can be right".to_owned(),
            });
        }
        let variable = in_variable.then(|| SecretSource::Env("ENVOI_PASSWORD".to_owned()));
        Ok(Said {
            account: environment.text("ENVOI_ACCOUNT")?,
            from: environment.text("ENVOI_FROM")?,
            server,
            user: environment.text("ENVOI_USER")?,
            password: variable.or(in_file.map(SecretSource::File)),
            tls_ca: environment.get("ENVOI_TLS_CA").map(PathBuf::from),
            proxy: EnvironmentProxy::by(environment)?,
        })
    }

    /// The account that the environment is on its own.
    pub(super) fn settings(&self) -> Settings {
        Settings {
            servers: self.server.clone().map(|url| vec![url]),
            user: self.user.clone(),
            password: self.password.clone(),
            tls_ca: self.tls_ca.clone().map(|file| vec![file]),
            ..Settings::default()
        }
    }

    /// What is said for every account that says nothing of it.
    pub(super) fn common(&self) -> Settings {
        let proxy = self.proxy.clone().map(ProxyChoice::Environment);
        Settings { proxy, ..Settings::default() }
    }

    /// The user and the password that are lent to an account that lacks them.
    /// With `ENVOI_SERVER` they are for that server and no other; a password is
    /// never lent to another user than the one it came with.
    pub(super) fn lent(&self, said: &Settings) -> Settings {
        let users: Vec<_> = said.servers.iter().flatten().map(ServerUrl::user).collect();
        let foreign = |user: &str| self.user.as_deref().is_some_and(|ours| ours != user);
        let kept_back = self.server.is_some()
            || said.password.is_some()
            || said.user.as_deref().is_some_and(foreign)
            || users.iter().flatten().any(|user| foreign(user));
        if kept_back {
            return Settings::default();
        }
        let user = if said.user.is_none() { self.user.clone() } else { None };
        let has_user = user.is_some() || said.names_a_user();
        let password = self.password.clone().filter(|_| has_user);
        Settings { user, password, ..Settings::default() }
    }
}
