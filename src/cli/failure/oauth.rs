//! What an error about access tokens means, and what to try.

use super::{Exit, Failure, of_secret};
use crate::account::oauth::OAuthError;
use crate::cli::hint::Hint;
use crate::delivery::Absence;
use crate::net::{self, HttpError};

/// What it means for a message that waits for the token.
pub(in crate::cli) fn absence(error: &OAuthError) -> Absence {
    match error {
        _ if error.is_temporary() => Absence::Passing,
        OAuthError::Over { .. }
        | OAuthError::NotRenewable { .. }
        | OAuthError::Refused { .. }
        | OAuthError::Denied { .. } => Absence::Refused,
        OAuthError::Unreached { source, .. } => match **source {
            HttpError::NoWay(_) => Absence::NoLogin,
            HttpError::Unreached(net::Error::NoSuchHost { .. }) => Absence::NoHost,
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
        | OAuthError::OtherUser { .. }
        | OAuthError::File { .. }
        | OAuthError::NoState
        | OAuthError::Listen(_)
        | OAuthError::NoRandomness
        | OAuthError::Locked { .. }
        | OAuthError::Expired
        | OAuthError::Interrupted => Absence::NoLogin,
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
        (OAuthError::File { .. } | OAuthError::Store { doing: "kept", .. }, Absence::NoLogin) => {
            Exit::CantCreat
        }
        (_, Absence::Passing) => Exit::TempFail,
        (_, Absence::Refused) => Exit::NoPerm,
        (_, Absence::Garbled) => Exit::Protocol,
        (_, Absence::NoHost) => Exit::NoHost,
        (_, Absence::Missing | Absence::NoLogin) => Exit::Config,
    };
    let later = error.is_temporary().then(|| "try again later".to_owned());
    let hint = hint(&error, account).or(later);
    Failure { hints: hint.map(Hint::from).into_iter().collect(), ..Failure::new(exit, error) }
}

/// What to try.
pub(in crate::cli) fn hint(error: &OAuthError, account: Option<&str>) -> Option<String> {
    let login = || Some(to_login(account));
    let elsewhere = || {
        let login = command("login", account);
        Some(format!("keep tokens elsewhere: {login} --store file:PATH"))
    };
    match error {
        OAuthError::NoClient { .. } => Some(format!(
            "register a program for the desktop at the issuer, which gives it an ID: \
             {} --client-id ID",
            command("login", account)
        )),
        OAuthError::Denied { .. } | OAuthError::Expired | OAuthError::Forged { .. } => login(),
        _ if error.wants_login() => login(),
        OAuthError::ClientSecret(source) => of_secret(source).or_else(|| {
            let source = "--client-secret-from env:NAME, file:PATH or command:WORDS";
            Some(format!("name another source: {} {source}", command("login", account)))
        }),
        OAuthError::Store { source, .. } => of_secret(source).or_else(elsewhere),
        _ if error.is_temporary() => None,
        OAuthError::Refused { answer, .. } => match &*answer.code {
            "invalid_client" | "unauthorized_client" => {
                let login = command("login", account);
                Some(format!(
                    "check client-id and client-secret, and whether the issuer lets this client \
                     log in this way: {login} --device, or {login} --browser"
                ))
            }
            "invalid_scope" => Some(format!(
                "name what the issuer knows: {} --scope SCOPE",
                command("login", account)
            )),
            _ => login(),
        },
        OAuthError::NoWay { way: "with a code", .. } => {
            Some(format!("{} --browser", command("login", account)))
        }
        OAuthError::NoWay { .. } => Some(format!("{} --device", command("login", account))),
        OAuthError::OtherIssuer { said, .. } => {
            let login = command("login", account);
            let said = shell_words::quote(said);
            Some(format!("if that is the one that is meant: {login} --issuer {said}"))
        }
        OAuthError::Unreached { source, .. } if is_no_host(source) => {
            let login = command("login", account);
            Some(format!("check the spelling of the issuer's name: {login} --issuer URL"))
        }
        OAuthError::Unreached { source, .. } if matches!(**source, HttpError::Tls(_)) => {
            let login = command("login", account);
            Some(format!("name a file of authorities to trust: {login} --tls-ca FILE"))
        }
        OAuthError::Nonsense { .. } | OAuthError::Status { .. } | OAuthError::Unreached { .. } => {
            let show = command("show", account);
            Some(format!("check whether it is the issuer that is meant: {show}"))
        }
        // A login puts another in its place.
        OAuthError::Damaged { .. } => login(),
        OAuthError::OtherUser { .. } => elsewhere(),
        _ => None,
    }
}

/// Whether nobody knows the name of the issuer.
fn is_no_host(error: &HttpError) -> bool {
    matches!(error, HttpError::Unreached(net::Error::NoSuchHost { .. }))
}

/// How to log in.
pub(in crate::cli) fn to_login(account: Option<&str>) -> String {
    format!("log in: {}", command("login", account))
}

fn command(what: &str, account: Option<&str>) -> String {
    let account = account.map(|name| format!(" {}", shell_words::quote(name)));
    format!("envoi account {what}{}", account.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::SecretError;

    #[test]
    fn an_issuer_with_a_name_that_nobody_knows_is_told_from_one_that_talks_nonsense() {
        let unreached = |source| OAuthError::Unreached {
            url: "https://id.example.org".into(),
            source: Box::new(source),
        };
        let no_host =
            net::Error::NoSuchHost { host: "id.example.org".into(), reason: "unknown".into() };
        let failure = of_oauth(unreached(HttpError::Unreached(no_host)), Some("work"), None);
        assert_eq!(failure.exit, Exit::NoHost);
        let hint = "check the spelling of the issuer's name: envoi account login work --issuer URL";
        assert_eq!(failure.hints, [Hint::from(hint)]);
        let failure = of_oauth(unreached(HttpError::HeaderTooLarge), Some("work"), None);
        assert_eq!(failure.exit, Exit::Protocol);
    }

    #[test]
    fn only_where_tokens_are_kept_can_be_another_place() {
        let source = || SecretError::NotSet("X".into());
        let of_client = hint(&OAuthError::ClientSecret(source()), Some("work")).unwrap();
        assert!(!of_client.contains("--store"), "{of_client}");
        let of_store = hint(&OAuthError::Store { doing: "read", source: source() }, Some("work"));
        assert_eq!(
            of_store.unwrap(),
            "keep tokens elsewhere: envoi account login work --store file:PATH"
        );
    }
}
