//! Where recipients of this machine get their mail.

use super::machine::Login;
use super::server::{Origin, Server, ServerUrl};
use crate::smtp::Protocol;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// Where recipients of this machine get their mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LocalDelivery {
    /// A Maildir for each. `{user}` and `{home}` in it stand for whose it is.
    Maildir(String),
    /// A server of LMTP that knows them all.
    Lmtp(Box<Server>),
}

impl LocalDelivery {
    /// The Maildir of a user.
    pub fn maildir(pattern: &str, login: &Login) -> PathBuf {
        pattern.replace("{user}", &login.name).replace("{home}", &login.home).into()
    }
}

impl FromStr for LocalDelivery {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(pattern) = text.strip_prefix("maildir:") {
            check_pattern(pattern)?;
            return Ok(LocalDelivery::Maildir(pattern.to_owned()));
        }
        match ServerUrl::parse(text, Origin::File) {
            Ok(ServerUrl::Server(server))
                if server.endpoint.protocol == Protocol::Lmtp && server.password.is_none() =>
            {
                Ok(LocalDelivery::Lmtp(Box::new(server)))
            }
            _ => Err("it is maildir:PATH, or the URL of a server of LMTP".to_owned()),
        }
    }
}

/// A misspelt word in braces would be the same Maildir for all.
fn check_pattern(pattern: &str) -> Result<(), String> {
    let is_absolute = pattern.starts_with('/') || pattern.starts_with("{home}");
    if !is_absolute || pattern.contains(char::is_control) {
        return Err("the path of a Maildir begins with / or {home}".to_owned());
    }
    if pattern.replace("{user}", "").replace("{home}", "").contains(['{', '}']) {
        return Err("in braces stands {user} or {home}, and nothing else".to_owned());
    }
    Ok(())
}

impl fmt::Display for LocalDelivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LocalDelivery::Maildir(pattern) => write!(f, "maildir:{pattern}"),
            LocalDelivery::Lmtp(server) => ServerUrl::Server((**server).clone()).fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_maildir_or_a_server_of_lmtp_and_nothing_else() {
        for text in ["maildir:/var/mail/{user}", "maildir:{home}/Maildir", "lmtp+unix:/run/lmtp"] {
            assert_eq!(text.parse::<LocalDelivery>().unwrap().to_string(), text);
        }
        for text in [
            "maildir:",
            "maildir:Mail",
            "maildir:/var/mail/{uesr}",
            "maildir:/var/mail/{user",
            "/var/mail",
            "smtps://a.b",
            "sink:",
            "|procmail",
        ] {
            assert!(text.parse::<LocalDelivery>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_maildir_is_that_of_its_user() {
        let login = Login {
            name: "alice".to_owned(),
            home: "/home/alice".to_owned(),
            numbers: (1000, 1000),
        };
        let path = |pattern| LocalDelivery::maildir(pattern, &login);
        assert_eq!(path("{home}/Maildir"), PathBuf::from("/home/alice/Maildir"));
        assert_eq!(path("/var/mail/{user}"), PathBuf::from("/var/mail/alice"));
    }
}
