//! What to try where LMTP is spoken, or should be, as far as it differs from
//! what helps with SMTP.

use super::{LATER, could_start_tls};
use crate::account::Scheme;
use crate::cli::failure::quoted;
use crate::delivery::Attempt;
use crate::net::{self, Address, Endpoint, Place};
use crate::session::{Error, Kind};
use crate::smtp::{Keyword, Phase, Protocol};
use std::io::ErrorKind;

/// What to try about what broke a session; `None` where the protocol makes no
/// difference.
pub(super) fn of_error(error: &Error, attempt: &Attempt) -> Option<Vec<String>> {
    let server = &attempt.server;
    if is_foreign(error) {
        return Some(vec![the_other(server)]);
    }
    if server.protocol == Protocol::Smtp {
        return None;
    }
    let hint = match &error.kind {
        Kind::Net(error_of_net) => of_net(error_of_net, error.phase)?,
        Kind::Lacks(Keyword::StartTls) => format!(
            "to send in clear, where everybody on the way can read it: \
             --server lmtp+notls://{server}"
        ),
        Kind::Lacks(Keyword::Auth) => under_tls(server)
            .filter(|_| could_start_tls(attempt))
            .unwrap_or_else(|| "the server takes no sign-in: leave out --user".to_owned()),
        Kind::NoMechanism { exposing, .. } if !exposing.is_empty() && attempt.tls.is_none() => {
            let exposed = "to give the password to whoever listens: --allow-cleartext-auth";
            return Some(under_tls(server).into_iter().chain([exposed.to_owned()]).collect());
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

fn the_other(server: &Endpoint) -> String {
    let (name, protocol) = match server.protocol {
        Protocol::Smtp => ("LMTP", Protocol::Lmtp),
        Protocol::Lmtp => ("SMTP", Protocol::Smtp),
    };
    match Scheme::of(&Endpoint { protocol, ..server.clone() }) {
        Some(scheme) => {
            format!("the server may speak {name}: --server {}://{server}", scheme.name)
        }
        None => format!("the server may speak {name}"),
    }
}

/// What is in clear on this machine cannot be protected further.
fn under_tls(server: &Endpoint) -> Option<String> {
    match server.place {
        Place::Tcp { .. } => Some(format!("to sign in under TLS: --server lmtp://{server}")),
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
