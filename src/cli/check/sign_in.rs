//! Signing in, once, and what is made of it.

use super::finding::{Finding, Verdict};
use super::server::Seen;
use crate::cli::advice::of_error;
use crate::cli::exit::Exit;
use crate::cli::words::error_words;
use crate::delivery::{Attempt, Hop, SignIn, World, probe};
use crate::sasl::MECHANISMS;
use crate::session::{Error, Kind, Observer};
use crate::smtp::Phase;

/// Who signed in at a port.
pub(super) enum SignedIn {
    /// Nobody is to.
    Nobody,
    /// Nobody was tried, for this reason.
    Withheld(&'static str),
    /// The best mechanism was tried, and perhaps others behind it.
    Tried(Box<Tried>),
}

/// What came of it.
pub(super) struct Tried {
    /// As a message would be sent.
    pub(super) best: Attempt,
    /// Other mechanisms, each on a connection of its own.
    pub(super) others: Vec<(&'static str, Attempt)>,
    /// The user's wish to stop.
    pub(super) signal: Option<usize>,
}

impl SignedIn {
    /// The attempt that a message would have made.
    pub(super) fn worked(&self) -> Option<&Attempt> {
        let SignedIn::Tried(tried) = self else { return None };
        Some(&tried.best)
    }

    /// The secret was given away for nothing: nobody should get it again.
    pub(super) fn has_failed(&self) -> bool {
        let SignedIn::Tried(tried) = self else { return false };
        let others = tried.others.iter().map(|(_, attempt)| attempt);
        let mut errors =
            std::iter::once(&tried.best).chain(others).filter_map(|it| it.error.as_ref());
        errors.any(|error| error.phase == Phase::Auth && gave_secret(error))
    }
}

/// Whether a sign-in that failed came so far that the server has the secret, or
/// what follows from it.
fn gave_secret(error: &Error) -> bool {
    !is_about_mechanism(error) && !matches!(error.kind, Kind::Lacks(_) | Kind::Secret { .. })
}

/// Signs in as for a message, and if that works and `all` says so, by every
/// other mechanism that is offered, until one is refused.
pub(super) fn tried(
    hop: &Hop,
    sign_in: &SignIn,
    all: bool,
    world: &World<'_>,
    observer: &mut dyn Observer,
) -> SignedIn {
    let best = probe(hop, world, observer).attempt;
    let mut others = Vec::new();
    let used = best.signed_in.as_ref().map(|signed_in| signed_in.mechanism);
    if let Some(used) = used.filter(|_| all && best.error.is_none()) {
        for name in other_mechanisms(sign_in, &best, used) {
            let mut hop = hop.clone();
            if let Some(sign_in) = &mut hop.sign_in {
                sign_in.mechanisms = vec![name.to_owned()];
            }
            let attempt = probe(&hop, world, observer).attempt;
            let goes_on = attempt.error.as_ref().is_none_or(|error| is_about_mechanism(error));
            others.push((name, attempt));
            if !goes_on {
                break;
            }
        }
    }
    SignedIn::Tried(Box::new(Tried { best, others, signal: world.interrupt.signal() }))
}

/// Those that are offered and prove the user by the same.
fn other_mechanisms(sign_in: &SignIn, best: &Attempt, used: &str) -> Vec<&'static str> {
    let offered = |name: &str| {
        let mut lines = best.extensions.iter().filter(|line| line.starts_with("AUTH "));
        lines.any(|line| line.split(' ').skip(1).any(|it| it.eq_ignore_ascii_case(name)))
    };
    let entries = MECHANISMS.iter().filter(|entry| entry.proof == sign_in.proof);
    entries.map(|entry| entry.name).filter(|name| *name != used && offered(name)).collect()
}

/// The mechanism is at fault, not the secret (RFC 4954 §6).
fn is_about_mechanism(error: &Error) -> bool {
    match &error.kind {
        Kind::NoMechanism { .. } => true,
        Kind::Refused(reply) => matches!(reply.code.value(), 504 | 534 | 538),
        _ => false,
    }
}

/// Whether the account can sign in.
pub(super) fn works(seen: &Seen) -> Option<Finding> {
    let tried = match &seen.sign_in {
        SignedIn::Nobody if seen.is_own => {
            return Some(Finding::note("nobody is named who would sign in"));
        }
        SignedIn::Nobody => return None,
        SignedIn::Withheld(reason) => {
            return Some(Finding::unknown(format!("not tried: {reason}")));
        }
        SignedIn::Tried(tried) => tried,
    };
    if let Some(error) = &tried.best.error {
        let exit = Exit::of_attempt(error, tried.signal);
        let found = error_words(error);
        let why = "the server takes mail from those only who have signed in";
        let hints = of_error(error, Some(&tried.best));
        return Some(Finding::fault(found, why, exit).hints(hints));
    }
    let signed_in = tried.best.signed_in.as_ref()?;
    let by = signed_in.mechanism;
    Some(Finding::ok(match &signed_in.user {
        Some(user) => format!("as {user}, by {by}"),
        None => format!("by {by}"),
    }))
}

/// Whether that is the mechanism's fault: not so where it is we who will not use it here,
/// nor where the session did not come to it, as where many at a time are too many.
fn verdict(error: &Error) -> Verdict {
    match &error.kind {
        Kind::NoMechanism { .. } => Verdict::Note,
        Kind::Net(_) => Verdict::Unknown,
        Kind::Refused(reply) if reply.code.value() < 500 => Verdict::Unknown,
        _ if error.phase == Phase::Auth => Verdict::Warning,
        _ => Verdict::Unknown,
    }
}

/// What came of the other mechanisms.
pub(super) fn others(seen: &Seen) -> Option<Finding> {
    let SignedIn::Tried(tried) = &seen.sign_in else { return None };
    if tried.others.is_empty() {
        return None;
    }
    let told = |(name, attempt): &(&str, Attempt)| match &attempt.error {
        None => format!("{name} works"),
        Some(error) => {
            let how = match verdict(error) {
                Verdict::Warning => "does not",
                Verdict::Unknown => "cannot be told",
                _ => "is not tried",
            };
            format!("{name} {how}: {}", error_words(error))
        }
    };
    let all: Vec<String> = tried.others.iter().map(told).collect();
    let found = all.join("; ");
    let verdicts = tried.others.iter().filter_map(|(_, attempt)| attempt.error.as_ref());
    let worst = verdicts.map(|error| verdict(error)).max().unwrap_or(Verdict::Ok);
    if worst < Verdict::Warning {
        return Some(Finding::new(worst, found));
    }
    let why = "clients that choose one of these cannot sign in, though the server offers it";
    Some(Finding::warning(found, why).hint(
        "the server's operator has to make it work, or to offer it no longer; with Dovecot: \
         auth_mechanisms",
    ))
}
