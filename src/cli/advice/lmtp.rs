//! What to try where LMTP is spoken, or should be, as far as it differs from
//! what helps with SMTP.

use super::{LATER, could_start_tls, exposed};
use crate::account::Scheme;
use crate::cli::failure::quoted;
use crate::cli::hint::Hint;
use crate::delivery::Attempt;
use crate::net::{self, Address, Endpoint, Place};
use crate::session::{Error, Kind};
use crate::smtp::{Keyword, Phase, Protocol};
use std::io::ErrorKind;

/// What to try about what broke a session; `None` where the protocol makes no
/// difference.
pub(super) fn of_error(error: &Error, attempt: &Attempt) -> Option<Vec<Hint>> {
    let server = &attempt.server;
    if is_foreign(error) {
        return Some(vec![the_other(server)]);
    }
    if server.protocol == Protocol::Smtp {
        return None;
    }
    let hint = match &error.kind {
        Kind::Net(error_of_net) => of_net(error_of_net, error.phase)?.into(),
        Kind::Lacks(Keyword::StartTls) => by(
            "to send in clear, where everybody on the way can read it: ",
            format!("lmtp+notls://{server}"),
        ),
        Kind::Lacks(Keyword::Auth) => under_tls(server)
            .filter(|_| could_start_tls(attempt))
            .unwrap_or_else(|| Hint::from("the server takes no sign-in: leave out ").name("user")),
        Kind::NoMechanism { exposing, .. } if !exposing.is_empty() && attempt.tls.is_none() => {
            return Some(under_tls(server).into_iter().chain([exposed()]).collect());
        }
        _ => return None,
    };
    Some(vec![hint])
}

/// A server that knows the other greeting only: it says 500 (RFC 2033 §4.1).
fn is_foreign(error: &Error) -> bool {
    error.phase == Phase::Hello
        && matches!(&error.kind, Kind::Refused(reply) if reply.code.value() == 500)
}

/// Another URL for the server, which `server` of the account has, or `local`.
fn by(why: &str, url: String) -> Hint {
    Hint::from(why).setting(format!("--server {url}"), url)
}

fn the_other(server: &Endpoint) -> Hint {
    let (name, protocol) = match server.protocol {
        Protocol::Smtp => ("LMTP", Protocol::Lmtp),
        Protocol::Lmtp => ("SMTP", Protocol::Smtp),
    };
    match Scheme::of(&Endpoint { protocol, ..server.clone() }) {
        Some(scheme) => {
            by(&format!("the server may speak {name}: "), format!("{}://{server}", scheme.name))
        }
        None => format!("the server may speak {name}").into(),
    }
}

/// What is in clear on this machine cannot be protected further.
fn under_tls(server: &Endpoint) -> Option<Hint> {
    match server.place {
        Place::Tcp { .. } => Some(by("to sign in under TLS: ", format!("lmtp://{server}"))),
        Place::Unix(_) => None,
    }
}

fn of_net(error: &net::Error, phase: Phase) -> Option<String> {
    Some(match error {
        net::Error::Connect { address: Address::Unix(path), cause }
            if cause.kind() == ErrorKind::ConnectionRefused =>
        {
            format!("no server listens on the socket: start it, or remove {path} if it is gone")
        }
        net::Error::Connect { address: Address::Unix(path), .. } | net::Error::NotASocket(path) => {
            let path = quoted(path.as_path());
            format!("check that the server runs and that the path is right: ls -l {path}")
        }
        net::Error::Connect { address: Address::Tcp(_), .. } => {
            "check that the server runs and that the port is right".to_owned()
        }
        net::Error::Forbidden(path) => {
            let folder = path.as_path().parent().unwrap_or(path.as_path());
            format!(
                "see who may use it, its folder included: ls -ld {} {}",
                quoted(folder),
                quoted(path.as_path())
            )
        }
        net::Error::TimedOut { .. } | net::Error::Closed { .. }
            if matches!(phase, Phase::Connect | Phase::Greeting) =>
        {
            LATER.to_owned()
        }
        _ => return None,
    })
}
