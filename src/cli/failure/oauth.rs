//! What an error about access tokens means, and what to try.

use super::{Exit, Failure, of_secret};
use crate::account::oauth::OAuthError;
use crate::delivery::Absence;
use crate::net::HttpError;

/// What it means for a message that waits for the token.
pub(in crate::cli) fn absence(error: &OAuthError) -> Absence {
    match error {
        _ if error.is_temporary() => Absence::Passing,
        OAuthError::Over { .. }
        | OAuthError::NotRenewable { .. }
        | OAuthError::Refused { .. }
        | OAuthError::Denied { .. } => Absence::Refused,
        OAuthError::Unreached { source, .. } => match **source {
            HttpError::NoWay(_) | HttpError::UnfitSecret => Absence::Missing,
            _ => Absence::Garbled,
        },
        OAuthError::Status { .. }
        | OAuthError::Nonsense { .. }
        | OAuthError::OtherIssuer { .. }
        | OAuthError::Forged { .. } => Absence::Garbled,
        OAuthError::NoClient { .. }
        | OAuthError::NotLoggedIn { .. }
        | OAuthError::OtherClient { .. }
        | OAuthError::NoWay { .. }
        | OAuthError::ClientSecret(_)
        | OAuthError::Store { .. }
        | OAuthError::Damaged { .. }
        | OAuthError::File { .. }
        | OAuthError::NoState
        | OAuthError::Listen(_)
        | OAuthError::NoRandomness
        | OAuthError::Locked { .. }
        | OAuthError::Expired
        | OAuthError::Interrupted => Absence::Missing,
    }
}

/// A login that came to nothing. `signal` is the user's wish to stop.
pub(in crate::cli) fn of_oauth(
    error: OAuthError,
    account: Option<&str>,
    signal: Option<usize>,
) -> Failure {
    let signal = signal.and_then(|number| u8::try_from(number).ok());
    let exit = match (&error, absence(&error)) {
        (OAuthError::Interrupted, _) if signal.is_some() => {
            signal.map_or(Exit::TempFail, Exit::Signal)
        }
        (OAuthError::Listen(_) | OAuthError::NoRandomness, _) => Exit::OsErr,
        (OAuthError::File { .. } | OAuthError::Store { doing: "kept", .. }, Absence::Missing) => {
            Exit::CantCreat
        }
        (_, Absence::Passing) => Exit::TempFail,
        (_, Absence::Refused) => Exit::NoPerm,
        (_, Absence::Garbled) => Exit::Protocol,
        (_, Absence::Missing) => Exit::Config,
    };
    let later = error.is_temporary().then(|| "try again later".to_owned());
    let hint = hint(&error, account).or(later);
    Failure { hints: hint.into_iter().collect(), ..Failure::new(exit, error) }
}

/// What to try.
pub(in crate::cli) fn hint(error: &OAuthError, account: Option<&str>) -> Option<String> {
    let login = || Some(to_login(account));
    match error {
        OAuthError::NoClient { .. } => Some(format!(
            "register a program for the desktop at the issuer, which gives it an ID: \
             {} --client-id ID",
            command("login", account)
        )),
        OAuthError::Denied { .. } | OAuthError::Expired | OAuthError::Forged { .. } => login(),
        _ if error.wants_login() => login(),
        OAuthError::ClientSecret(source) | OAuthError::Store { source, .. } => of_secret(source)
            .or_else(|| Some("keep tokens elsewhere: --store file:PATH".to_owned())),
        _ if error.is_temporary() => None,
        OAuthError::Refused { answer, .. } => match &*answer.code {
            "invalid_client" | "unauthorized_client" => Some(
                "check client-id and client-secret, and whether the issuer lets this client log \
                 in this way: --device or --browser"
                    .to_owned(),
            ),
            "invalid_scope" => Some("name what the issuer knows: --scope SCOPE".to_owned()),
            _ => login(),
        },
        OAuthError::NoWay { way: "with a code", .. } => {
            Some(format!("{} --browser", command("login", account)))
        }
        OAuthError::NoWay { .. } => Some(format!("{} --device", command("login", account))),
        OAuthError::OtherIssuer { said, .. } => {
            Some(format!("if that is the one that is meant: --issuer {}", shell_words::quote(said)))
        }
        OAuthError::Unreached { source, .. } if matches!(**source, HttpError::Tls(_)) => {
            Some("--tls-ca takes a file of authorities to trust, in place of the usual".to_owned())
        }
        OAuthError::Nonsense { .. } | OAuthError::Status { .. } | OAuthError::Unreached { .. } => {
            let show = command("show", account);
            Some(format!("check whether it is the issuer that is meant: {show}"))
        }
        OAuthError::Damaged { .. } => {
            Some(format!("take another place: {} --store file:PATH", command("login", account)))
        }
        _ => None,
    }
}

/// How to log in.
pub(in crate::cli) fn to_login(account: Option<&str>) -> String {
    format!("log in: {}", command("login", account))
}

fn command(what: &str, account: Option<&str>) -> String {
    let account = account.map(|name| format!(" {}", shell_words::quote(name)));
    format!("envoi account {what}{}", account.unwrap_or_default())
}
