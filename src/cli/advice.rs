//! What to try about a recipient that was not accepted: hints that work when
//! pasted.

mod lmtp;
mod proxy;

use super::certificate;
use crate::delivery::{Attempt, Cause, NotKept, Outcome, Report};
use crate::net::{self, Endpoint, Security, TlsVersion};
use crate::sasl::{Entry, MechanismError, ScramFault, TokenFault};
use crate::session::{Absence, Error, Kind, Shortfall};
use crate::smtp::{Keyword, Phase, Reply, Severity};

/// What to try about this outcome of `whom`, one line each.
pub(super) fn hints(
    outcome: &Outcome,
    attempt: Option<&Attempt>,
    whom: &str,
    report: &Report,
) -> Vec<String> {
    let some_accepted =
        report.recipients.iter().any(|(_, outcome)| matches!(outcome, Outcome::Accepted(_)));
    match outcome {
        Outcome::Accepted(_) => Vec::new(),
        Outcome::Uncertain(_) => {
            vec![format!("ask {whom} whether the message came before sending it again")]
        }
        Outcome::Deferred(Cause::Replied(..)) if some_accepted => {
            vec![format!("this may pass: send it again later, to {whom} only")]
        }
        Outcome::Deferred(cause) | Outcome::Rejected(cause) => match cause {
            Cause::Replied(_, reply) if reply.code.value() == 530 => of_stranger(attempt),
            Cause::Replied(phase, reply) => of_reply(*phase, reply),
            Cause::Broke(error) => of_error(error, attempt),
            Cause::Unmet(shortfall) => of_shortfall(shortfall),
            Cause::Withheld => Vec::new(),
            Cause::NotKept(why) => of_home(why),
        },
    }
}

/// What to try where a server lacks what the message needs.
pub(super) fn of_shortfall(shortfall: &Shortfall) -> Vec<String> {
    let hint = match shortfall {
        Shortfall::TooLarge { .. } => "make the message smaller",
        Shortfall::EightBit(_) | Shortfall::Utf8Header(_) => {
            "attached as octets it passes as it is: \
             envoi send --attach 'FILE;type=application/octet-stream' bob@example.org"
        }
        Shortfall::Utf8Address(_) => {
            "ask for another address, or send through a server that offers SMTPUTF8"
        }
        Shortfall::NotHeld(_) => "send it when it is due, or through a server that holds messages",
        Shortfall::HeldTooLong { .. } => "have it held for less, or send it when it is due",
    };
    vec![hint.to_owned()]
}

/// What to try where a message was not kept on this machine.
fn of_home(why: &NotKept) -> Vec<String> {
    let hint = match why {
        NotKept::NoSuchUser(name) => {
            format!("make it an alias for somebody: {name}: root in /etc/aliases")
        }
        NotKept::NotWritten { place, .. } => {
            format!("check who may write there: ls -ld {}", shell_words::quote(place))
        }
    };
    vec![hint]
}

const WITHOUT_BINDING: &str = "without binding, over TLS: --auth scram-sha-256 or --auth plain";
const ANOTHER_MECHANISM: &str =
    "the server does not keep to the mechanism: name another that it offers, such as --auth plain";
const OTHER_SOURCE: &str =
    "name another source: --password-from env:NAME, file:PATH, command:WORDS or prompt";

const LATER: &str = "this may pass: run the same command again later";

/// The server wants TLS (RFC 3207 §4) or a sign-in (RFC 4954 §6) before mail.
fn of_stranger(attempt: Option<&Attempt>) -> Vec<String> {
    let auth = Keyword::Auth.as_str();
    let takes_sign_in =
        |attempt: &&Attempt| attempt.extensions.iter().any(|it| it.split(' ').next() == Some(auth));
    let clear = attempt.filter(|attempt| could_start_tls(attempt) && !takes_sign_in(attempt));
    vec![clear.map_or_else(
        || "the server wants a sign-in: add --user NAME".to_owned(),
        |attempt| {
            let server = &attempt.server;
            format!("the server wants TLS, or a sign-in under TLS: --server smtp://{server}")
        },
    )]
}

fn of_reply(phase: Phase, reply: &Reply) -> Vec<String> {
    let hint = match (phase, reply.code.value()) {
        (Phase::Rcpt, 550 | 551 | 553) if reply.enhanced.is_some_and(|e| e.subject == 7) => {
            "the server does not relay for this sender: sign in with --user NAME, \
             or send through your own provider's server"
        }
        (Phase::Rcpt, 550 | 551 | 553) => "check the spelling of the address",
        (Phase::Mail, 550..=554) => {
            "the server does not accept this sender: try the account's own address \
             with --envelope-from"
        }
        // RFC 3463 §3.3: X.2.2.
        (Phase::EndOfData, 552)
            if reply.enhanced.is_some_and(|e| (e.subject, e.detail) == (2, 2)) =>
        {
            "the mailbox is full: its owner has to make room"
        }
        (Phase::EndOfData, 552) => "make the message smaller",
        (_, 400..=499) => LATER,
        _ => return Vec::new(),
    };
    vec![hint.to_owned()]
}

/// What to try about what broke a session, one line each.
pub(super) fn of_error(error: &Error, attempt: Option<&Attempt>) -> Vec<String> {
    if let Some(hints) = attempt.and_then(|attempt| lmtp::of_error(error, attempt)) {
        return hints;
    }
    let server = attempt.map(|attempt| &attempt.server);
    let host = server.map_or_else(|| "HOST".to_owned(), |s| s.place.host().to_string());
    let hint = match &error.kind {
        Kind::Net(net) => return of_net(net, error.phase, server, &host),
        Kind::Lacks(Keyword::Auth) if attempt.is_some_and(could_start_tls) => {
            let place = server.map_or_else(|| host.clone(), ToString::to_string);
            return vec![format!(
                "the server may take a sign-in under TLS: --server smtp://{place}"
            )];
        }
        Kind::Lacks(keyword) => return of_lack(*keyword, server, &host),
        Kind::NoMechanism { offered, named, exposing } => {
            return of_mechanisms(offered, named, exposing, attempt, &host);
        }
        Kind::Refused(reply) if reply.severity() == Severity::Transient => LATER,
        Kind::Refused(reply) if error.phase == Phase::Auth => {
            return of_sign_in(reply, attempt, &host);
        }
        Kind::Mechanism(error) => return of_mechanism(*error),
        Kind::PlaintextAfterStartTls => {
            "somebody between here and the server may be tampering: try from another network"
        }
        Kind::Source(_) => "run the same command again",
        Kind::Secret { way_out, absence, .. } => {
            let otherwise = match absence {
                Absence::Passing => Some(LATER),
                Absence::Missing => Some(OTHER_SOURCE),
                Absence::Refused | Absence::NoLogin | Absence::NoHost | Absence::Garbled => None,
            };
            let otherwise = otherwise.map(str::to_owned);
            return way_out.clone().into_iter().chain(otherwise).collect();
        }
        Kind::BadChallenge => ANOTHER_MECHANISM,
        Kind::Refused(_) | Kind::Malformed(_) | Kind::OutOfTurn(_) => return Vec::new(),
    };
    vec![hint.to_owned()]
}

/// A sign-in was refused for good (RFC 4954 §6, RFC 5248 §2.4).
fn of_sign_in(reply: &Reply, attempt: Option<&Attempt>, host: &str) -> Vec<String> {
    if let Some(fault) = attempt.and_then(|attempt| attempt.token_fault.as_ref()) {
        return vec![of_token(fault, attempt.and_then(|attempt| attempt.way_out.as_deref()))];
    }
    if let (535, Some(way_out)) =
        (reply.code.value(), attempt.and_then(|attempt| attempt.way_out.as_ref()))
    {
        return vec![way_out.clone()];
    }
    let is_by_certificate = attempt.is_some_and(|attempt| attempt.mechanism == Some("EXTERNAL"));
    let hint = match reply.code.value() {
        535 if is_by_certificate => {
            "ask whoever runs the server to let this certificate sign in; to see whose it is: \
             openssl x509 -noout -subject -in FILE"
        }
        535 => return of_wrong_password(attempt),
        504 | 534 if was_bound(attempt) => WITHOUT_BINDING,
        523 | 524 | 538 => {
            return vec![format!(
                "the server wants TLS before a sign-in: --server smtp://{host} or smtps://{host}"
            )];
        }
        525 => "the account is disabled: ask whoever runs the server",
        422 | 432 => {
            "the server has to take the password over once in another form: --auth plain, under \
             TLS with a verified certificate"
        }
        _ => return Vec::new(),
    };
    vec![hint.to_owned()]
}

/// Also what a relay in between comes to, where the sign-in was bound to the
/// channel (RFC 5802 §6).
fn of_wrong_password(attempt: Option<&Attempt>) -> Vec<String> {
    let checked = "check the user name and the password; many providers want an app password here";
    let in_between = was_bound(attempt).then_some(
        "if they are right, somebody between here and the server may be tampering: the sign-in \
         was bound to this TLS connection",
    );
    [Some(checked), in_between].into_iter().flatten().map(str::to_owned).collect()
}

fn was_bound(attempt: Option<&Attempt>) -> bool {
    let mechanism = attempt.and_then(|attempt| attempt.mechanism).and_then(Entry::named);
    mechanism.is_some_and(|entry| entry.binds_channel)
}

/// What the server says against a token (RFC 7628 §3.2.2).
fn of_token(fault: &TokenFault, way_out: Option<&str>) -> String {
    let status = match fault.status.as_str() {
        "" => "the server does not take the token".to_owned(),
        status => format!("the server says of the token: {status}"),
    };
    let scope = fault.scope.as_ref().map(|scope| format!("; it wants the scope {scope}"));
    let way_out =
        way_out.map_or_else(|| ": fetch a new token".to_owned(), |way| format!("; {way}"));
    format!("{status}{}{way_out}", scope.unwrap_or_default())
}

/// Our side stopped the sign-in.
fn of_mechanism(error: MechanismError) -> Vec<String> {
    let hint = match error {
        MechanismError::Unprepared(_) => "LOGIN carries it as it is: --auth login",
        MechanismError::NoCertificate => {
            "name the certificate and its key: --tls-cert FILE --tls-key FILE"
        }
        MechanismError::NoChannelBinding(_) => WITHOUT_BINDING,
        MechanismError::Scram { fault, .. } => return of_scram(fault),
        MechanismError::Unfit(_) | MechanismError::NoToken(_) | MechanismError::NoTrace => {
            return Vec::new();
        }
        MechanismError::OneChallengeTooMany(_) | MechanismError::TooShort(_) => ANOTHER_MECHANISM,
    };
    vec![hint.to_owned()]
}

fn of_scram(fault: ScramFault) -> Vec<String> {
    let hint = match fault {
        ScramFault::Refused("invalid-proof" | "unknown-user") => {
            "check the user name and the password"
        }
        ScramFault::Refused(
            "channel-bindings-dont-match" | "server-does-support-channel-binding",
        )
        | ScramFault::Signature
        | ScramFault::Nonce => {
            "somebody between here and the server may be tampering: try from another network"
        }
        ScramFault::Refused("no-resources") => LATER,
        ScramFault::TooFewIterations(_) => {
            "ask whoever runs the server for more rounds; until then, over TLS: --auth plain"
        }
        ScramFault::Malformed
        | ScramFault::MandatoryExtension
        | ScramFault::Salt
        | ScramFault::TooManyIterations(_)
        | ScramFault::Refused(_) => "over TLS with a verified certificate: --auth plain",
    };
    vec![hint.to_owned()]
}

/// Whether the server offers TLS, and was spoken to in clear.
fn could_start_tls(attempt: &Attempt) -> bool {
    let starttls = Keyword::StartTls.as_str();
    attempt.tls.is_none() && attempt.extensions.iter().any(|offered| offered == starttls)
}

fn of_lack(keyword: Keyword, server: Option<&Endpoint>, host: &str) -> Vec<String> {
    match keyword {
        Keyword::StartTls => vec![
            format!(
                "if the server speaks TLS from the start, as most do on port 465: \
                 --server smtps://{host}"
            ),
            format!(
                "to send in clear, where everybody on the way can read it: \
                 --server smtp+notls://{}",
                server.map_or_else(|| host.to_owned(), ToString::to_string)
            ),
        ],
        Keyword::Auth => vec![
            "the server takes no sign-in here: leave out --user, or try its submission port, \
             587 or 465"
                .to_owned(),
        ],
        Keyword::Dsn
        | Keyword::EightBitMime
        | Keyword::EnhancedStatusCodes
        | Keyword::FutureRelease
        | Keyword::Pipelining
        | Keyword::Size
        | Keyword::SmtpUtf8 => Vec::new(),
    }
}

/// None of the mechanisms could be used.
fn of_mechanisms(
    offered: &[String],
    named: &[String],
    exposing: &[String],
    attempt: Option<&Attempt>,
    host: &str,
) -> Vec<String> {
    let offered = format!("the server offers {}", offered.join(", "));
    if exposing.is_empty() && named.is_empty() {
        return vec![offered];
    }
    if exposing.is_empty() {
        return vec![format!("{offered}: leave out --auth, or name one of these")];
    }
    let is_secured = attempt.is_some_and(|attempt| attempt.tls.is_some());
    let is_opportunistic =
        attempt.is_some_and(|attempt| attempt.server.security == Security::Opportunistic);
    let verified = if is_secured && !is_opportunistic {
        "to have the certificate checked, leave out --tls-verify no".to_owned()
    } else {
        format!("to sign in under TLS: --server smtps://{host} or --server smtp://{host}")
    };
    let exposed = "to give the password to whoever listens: --allow-cleartext-auth";
    // Opportunistic TLS never signs in unverified.
    let exposed = (!is_opportunistic).then(|| exposed.to_owned());
    std::iter::once(verified).chain(exposed).collect()
}

const NAME_SERVER: &str = "check the network and the name server in /etc/resolv.conf";

fn of_net(error: &net::Error, phase: Phase, server: Option<&Endpoint>, host: &str) -> Vec<String> {
    let hint = match error {
        net::Error::NoSuchHost { .. } => "check the spelling of the server's name".to_owned(),
        net::Error::Lookup { .. } => NAME_SERVER.to_owned(),
        net::Error::TimedOut { .. } if phase == Phase::Lookup => NAME_SERVER.to_owned(),
        net::Error::NoAddressFrom { .. } => {
            "leave out --source, or give an address of the other family".to_owned()
        }
        net::Error::Source { .. } => {
            "see which addresses this machine has: ip -brief address".to_owned()
        }
        net::Error::Proxy { proxy, fault } => return vec![proxy::hint(proxy, fault, phase)],
        net::Error::Connect { .. } => {
            "check that the server runs and that the port is right: smtps:// means 465, smtp:// means 587"
                .to_owned()
        }
        // Something else than SMTP in clear, such as a web server.
        net::Error::NotTls { octets } if !octets.starts_with(b"220") => {
            "check the port: smtps:// means 465, smtp:// means 587".to_owned()
        }
        net::Error::NotTls { .. } => {
            let place = server.map_or_else(|| host.to_owned(), ToString::to_string);
            format!("the port speaks STARTTLS, not TLS from the start: --server smtp://{place}")
        }
        net::Error::TimedOut { .. } | net::Error::Closed { .. } if phase == Phase::Greeting => {
            let place = server.map_or_else(|| host.to_owned(), ToString::to_string);
            match server.map(|s| s.security) {
                Some(Security::Implicit) | None => LATER.to_owned(),
                Some(_) => format!(
                    "the port may speak TLS from the start: --server smtps://{place}"
                ),
            }
        }
        net::Error::TimedOut { .. } if phase == Phase::Connect => {
            "a firewall may drop the connection; many networks close port 25, so try 587 or 465".to_owned()
        }
        net::Error::NoAddressOfFamily { family, .. } if family.starts_with("IP") => {
            format!("leave out --{}", family.to_lowercase())
        }
        net::Error::TimedOut { .. } | net::Error::Closed { .. } | net::Error::Io(_) => {
            LATER.to_owned()
        }
        net::Error::Certificate { fault, chain } => return certificate::hints(fault, chain),
        net::Error::ClientCertificate(fault) => return certificate::of_client(*fault),
        net::Error::NoCommonVersion { least: TlsVersion::V1_3 } => {
            "if TLS 1.2 is good enough: --tls-min 1.2".to_owned()
        }
        net::Error::NoCommonVersion { .. } | net::Error::NoCommonSuite => {
            "what it speaks is not safe any more: its operator has to bring it up to date".to_owned()
        }
        net::Error::NoAddressOfFamily { .. }
        | net::Error::NotASocket(_)
        | net::Error::Forbidden(_)
        | net::Error::Interrupted
        | net::Error::Tls(_)
        | net::Error::TlsName(_)
        | net::Error::Roots { .. }
        | net::Error::SystemRoots(_) => return Vec::new(),
    };
    vec![hint]
}
