//! Secrets of an account that are there, and not for this user: those of a whole
//! system, which only root reads.

use super::oauth::TokenStore;
use super::{Account, Environment, SecretSource, ServerUrl};
use rustix::fs::{Access, access};
use rustix::io::Errno;
use std::path::Path;

impl Account {
    /// Whether a secret that it signs in with is closed to this user. Nothing
    /// is read: to try it would only fail, and be logged as a failure.
    pub fn is_out_of_reach(&self, environment: &Environment) -> bool {
        let sign_ins = self.servers.iter().filter_map(|url| match url {
            ServerUrl::Server(server) => self.sign_in(server),
            ServerUrl::Sink(_) => None,
        });
        let key = self.client_certificate.as_ref();
        let key = key.map(|files| files.key.as_ref().unwrap_or(&files.certificate));
        key.is_some_and(|key| is_closed(key))
            || sign_ins.into_iter().any(|sign_in| match (&sign_in.oauth2, &sign_in.token) {
                (Some(oauth2), _) => match &oauth2.store {
                    TokenStore::File(file) => is_closed(file),
                    TokenStore::Keyring => false,
                },
                (None, token) => {
                    is_source_closed(token.as_ref().unwrap_or(&sign_in.password), environment)
                }
            })
    }
}

fn is_source_closed(source: &SecretSource, environment: &Environment) -> bool {
    match source {
        SecretSource::File(file) | SecretSource::Netrc(Some(file)) => is_closed(file),
        // A service of the system is given it.
        SecretSource::Credential(_) => environment.get("CREDENTIALS_DIRECTORY").is_none(),
        SecretSource::Netrc(None)
        | SecretSource::Value(_)
        | SecretSource::Env(_)
        | SecretSource::Command(_)
        | SecretSource::Fd(_)
        | SecretSource::Keyring
        | SecretSource::Prompt => false,
    }
}

fn is_closed(file: &Path) -> bool {
    access(file, Access::READ_OK) == Err(Errno::ACCESS)
}
