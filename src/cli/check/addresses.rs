//! The rule about the addresses of a host beside the one that was looked at first.

use super::finding::Finding;
use super::server::Seen;
use crate::cli::certificate;
use crate::cli::words::error_words;
use crate::delivery::Attempt;
use crate::net::{self, TlsFacts};
use crate::session::{Error, Kind};
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
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests;
