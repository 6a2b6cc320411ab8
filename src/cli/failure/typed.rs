//! What is wrong with an option of a connection that was typed: who reads it
//! types options.

use super::{Exit, Failure};
use crate::account::{ProxyError, ServerError};

/// A server URL on the command line that is no good.
pub(in crate::cli) fn of_server(option: &str, error: &ServerError) -> Failure {
    let failure = Failure::say(Exit::Usage, format!("{option}: {error}"));
    match error {
        ServerError::NoScheme { host: Some(host) } => failure
            .hint(format!("{option} smtps://{host} (TLS from the start)"))
            .hint(format!("{option} smtp://{host} (STARTTLS)")),
        ServerError::NoScheme { host: None } | ServerError::UnknownScheme { .. } => failure.hint(
            "schemes are smtps:// (TLS from the start), smtp:// (STARTTLS), \
             smtp+opportunistic://, smtp+notls:// (no protection), lmtp://, lmtp+notls://, \
             lmtp+unix: and sink:",
        ),
        ServerError::Password => failure.hint(
            "leave it out and be asked for it, or take it from elsewhere: \
             --password-from env:NAME, file:PATH or command:WORDS",
        ),
        ServerError::NotSpoken(_) => {
            failure.hint(format!("name a server that takes submissions: {option} smtps://HOST"))
        }
        ServerError::NoHost | ServerError::Host | ServerError::Port | ServerError::Trailing => {
            failure.hint(format!("write it as in {option} smtps://mail.example.org:465"))
        }
        ServerError::NoPort | ServerError::SmtpPort => failure.hint(format!(
            "ask which port the server has for LMTP, often 24: {option} lmtp://HOST:24"
        )),
        ServerError::SocketPath => {
            failure.hint(format!("write it as in {option} lmtp+unix:/run/dovecot/lmtp"))
        }
        ServerError::User => failure.hint("write the name apart: --user NAME"),
    }
}

/// The URL of a proxy on the command line that is no good.
pub(in crate::cli) fn of_proxy(option: &str, error: &ProxyError) -> Failure {
    let failure = Failure::say(Exit::Usage, format!("{option}: {error}"));
    match error {
        ProxyError::NoScheme { host: Some(host) } => {
            failure.hint(format!("{option} socks5://{host} or {option} http://{host}"))
        }
        ProxyError::Place(ServerError::Password) => failure.hint(
            "write it into the proxy of an account, in a file of mode 0600, or into ALL_PROXY",
        ),
        ProxyError::NoScheme { host: None }
        | ProxyError::UnknownScheme { .. }
        | ProxyError::NotSpoken(_)
        | ProxyError::Place(_)
        | ProxyError::SignIn(_) => failure.hint(format!(
            "write it as in {option} socks5://127.0.0.1:1080; for no proxy: {option} none"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::{Origin, ServerUrl};

    #[test]
    fn a_bare_host_is_told_how_to_be_a_url() {
        let error = ServerUrl::parse("mail.example.org", Origin::CommandLine).unwrap_err();
        let failure = of_server("--server", &error);
        assert_eq!(failure.exit, Exit::Usage);
        let hint = "--server smtps://mail.example.org (TLS from the start)";
        assert_eq!(failure.hints[0].to_string(), hint);
    }
}
