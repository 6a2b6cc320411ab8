//! The rule about the addresses of a host beside the one that was looked at first.

use super::finding::Finding;
use super::server::Seen;
use crate::cli::certificate;
use crate::cli::words::error_words;
use crate::delivery::Attempt;
use crate::net::{self, Address, TlsFacts};
use crate::session::{Error, Kind};
use crate::smtp::Phase;
use rustix::io::Errno;
use std::io::ErrorKind;

/// Whether they are as good as that one.
pub(super) fn others(seen: &Seen) -> Vec<Finding> {
    let hop = &seen.hop;
    // The addresses of a proxy are not the server's, and the two of this machine are no
    // choice of a name server's.
    if !seen.is_own || hop.proxy.is_some() || hop.endpoint.place.host().is_loopback() {
        return Vec::new();
    }
    let looked_at = seen.silent.iter().chain(&seen.others).map(|other| judged(other, seen));
    let untried = seen.untried.iter().map(|address| Finding::note(format!("{address}: not tried")));
    looked_at.chain(untried).collect()
}

fn judged(other: &Attempt, seen: &Seen) -> Finding {
    const WHY: &str = "who comes to this address waits, or fails; which one comes first is chance";
    let address = other.address.as_ref().map(ToString::to_string).unwrap_or_default();
    let words = |error: &Error| {
        let words = error_words(error);
        words.strip_prefix(&format!("{address} ")).map(str::to_owned).unwrap_or(words)
    };
    let fault = |attempt: &Attempt| attempt.tls.as_ref().and_then(|facts| facts.fault.clone());
    let bad = |what: String| {
        Finding::warning(format!("{address}: {what}"), WHY)
            .hint("make it as good as the others, or take it out of DNS")
    };
    match (&other.error, fault(other)) {
        (Some(error), _) if has_no_way(error) => {
            Finding::note(format!("{address}: could not be told: there is no way to it from here"))
        }
        (Some(error), _) if is_silence(error) && !is_family_known(other, seen) => {
            Finding::unknown(format!("{address}: could not be told from here: {}", words(error)))
        }
        (Some(error), _) => bad(words(error)),
        (None, Some(fault)) if seen.attempt.tls.as_ref().is_some_and(TlsFacts::is_verified) => {
            bad(certificate::words(&fault))
        }
        (None, _) if other.tls.is_none() && seen.attempt.tls.is_some() => {
            bad("no TLS is spoken".to_owned())
        }
        (None, _) => Finding::ok(format!("{address} answers, too")),
    }
}

/// This machine, or its network, does not know the family of the address.
fn has_no_way(error: &Error) -> bool {
    match &error.kind {
        Kind::Net(net::Error::Connect { cause, .. }) => {
            matches!(cause.kind(), ErrorKind::NetworkUnreachable | ErrorKind::AddrNotAvailable)
                || cause.raw_os_error() == Some(Errno::AFNOSUPPORT.raw_os_error())
        }
        _ => false,
    }
}

/// Nothing came back, which the way there may be at fault for.
fn is_silence(error: &Error) -> bool {
    match &error.kind {
        Kind::Net(net::Error::Connect { cause, .. }) => {
            cause.kind() != ErrorKind::ConnectionRefused
        }
        Kind::Net(net::Error::TimedOut { .. }) => error.phase == Phase::Connect,
        _ => false,
    }
}

/// Whether another address of the same family answered, so that there is a way to those.
fn is_family_known(other: &Attempt, seen: &Seen) -> bool {
    let family = |attempt: &Attempt| match attempt.address {
        Some(Address::Tcp(address)) => Some(address.is_ipv4()),
        Some(Address::Unix(_)) | None => None,
    };
    let answers = |attempt: &&Attempt| {
        attempt.error.as_ref().is_none_or(|error| error.phase != Phase::Connect)
    };
    let mut answered = std::iter::once(&seen.attempt).chain(&seen.others).filter(answers);
    answered.any(|attempt| family(attempt) == family(other))
}

#[cfg(test)]
mod tests;
