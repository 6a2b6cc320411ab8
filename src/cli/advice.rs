//! What to try about a recipient that was not accepted: hints that work when
//! pasted.

mod lmtp;
mod proxy;

use super::certificate;
use super::hint::Hint;
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
) -> Vec<Hint> {
    let some_accepted =
        report.recipients.iter().any(|(_, outcome)| matches!(outcome, Outcome::Accepted(_)));
    match outcome {
        Outcome::Accepted(_) => Vec::new(),
        Outcome::Uncertain(_) => {
            vec![format!("ask {whom} whether the message came before sending it again").into()]
        }
        Outcome::Deferred(Cause::Replied(..)) if some_accepted => {
            vec![format!("this may pass: send it again later, to {whom} only").into()]
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
pub(super) fn of_shortfall(shortfall: &Shortfall) -> Vec<Hint> {
    let hint = match shortfall {
        Shortfall::TooLarge { .. } => "make the message smaller",
        Shortfall::EightBit(_) | Shortfall::Utf8Header(_) => {
            "attached as octets it passes as it is: \
             envoi send --attach 'FILE;type=application/octet-stream' bob@example.org"
        }
        Shortfall::Binary(_) => "send it through a server that offers it, or without --as-is",
        Shortfall::Utf8Address(_) => {
            "ask for another address, or send through a server that offers SMTPUTF8"
        }
        Shortfall::NotHeld(_) => "send it when it is due, or through a server that holds messages",
        Shortfall::Unprotected => {
            return vec![
                Hint::from("send it to a server with TLS and a certificate that can be checked: ")
                    .option("server", "smtps://HOST")
                    .text(", or pin the one that it has: ")
                    .option("tls-pin", "sha256:DIGEST"),
            ];
        }
        Shortfall::NotPromised => "send it through a server that offers REQUIRETLS",
        Shortfall::HeldTooLong { .. } => "have it held for less, or send it when it is due",
    };
    vec![hint.into()]
}

/// What to try where a message was not kept on this machine.
fn of_home(why: &NotKept) -> Vec<Hint> {
    vec![match why {
        NotKept::NoSuchUser(name) => {
            Hint::from(format!("make it an alias for somebody: {name}: root in ")).aliases()
        }
        NotKept::NotWritten { place, .. } => {
            format!("check who may write there: ls -ld {}", shell_words::quote(place)).into()
        }
    }]
}

fn without_binding() -> Hint {
    let hint = Hint::from("without binding, over TLS: ").option("auth", "scram-sha-256");
    hint.text(" or ").option("auth", PLAIN)
}

fn another_mechanism() -> Hint {
    Hint::from("the server does not keep to the mechanism: name another that it offers, such as ")
        .option("auth", PLAIN)
}

/// What is not asked at a terminal, which programs that call sendmail lack.
fn other_source() -> Hint {
    Hint::from("name another source: ").setting(
        "--password-from env:NAME, file:PATH, command:WORDS or prompt",
        "password = { file = \"PATH\" } or { command = [\"PROGRAM\", \"WORD\"] }",
    )
}

/// The mechanism that every server has.
const PLAIN: &str = "plain";

const LATER: &str = "this may pass: run the same command again later";

/// The server wants TLS (RFC 3207 §4) or a sign-in (RFC 4954 §6) before mail.
fn of_stranger(attempt: Option<&Attempt>) -> Vec<Hint> {
    let auth = Keyword::Auth.as_str();
    let takes_sign_in =
        |attempt: &&Attempt| attempt.extensions.iter().any(|it| it.split(' ').next() == Some(auth));
    let clear = attempt.filter(|attempt| could_start_tls(attempt) && !takes_sign_in(attempt));
    vec![clear.map_or_else(
        || Hint::from("the server wants a sign-in: add ").option("user", "NAME"),
        |attempt| {
            Hint::from("the server wants TLS, or a sign-in under TLS: ")
                .option("server", format!("smtp://{}", attempt.server))
        },
    )]
}

fn of_reply(phase: Phase, reply: &Reply) -> Vec<Hint> {
    vec![match (phase, reply.code.value()) {
        (Phase::Rcpt, 550 | 551 | 553) if reply.enhanced.is_some_and(|e| e.subject == 7) => {
            Hint::from("the server does not relay for this sender: sign in with ")
                .option("user", "NAME")
                .text(", or send through your own provider's server")
        }
        (Phase::Rcpt, 550 | 551 | 553) => "check the spelling of the address".into(),
        (Phase::Mail, 550..=554) => Hint::from(
            "the server does not accept this sender: try the account's own address with ",
        )
        .either("--envelope-from", "-f"),
        // RFC 3463 §3.3: X.2.2.
        (Phase::EndOfData, 552)
            if reply.enhanced.is_some_and(|e| (e.subject, e.detail) == (2, 2)) =>
        {
            "the mailbox is full: its owner has to make room".into()
        }
        (Phase::EndOfData, 552) => "make the message smaller".into(),
        (_, 400..=499) => LATER.into(),
        _ => return Vec::new(),
    }]
}

/// What to try about what broke a session, one line each.
pub(super) fn of_error(error: &Error, attempt: Option<&Attempt>) -> Vec<Hint> {
    if let Some(hints) = attempt.and_then(|attempt| lmtp::of_error(error, attempt)) {
        return hints;
    }
    let server = attempt.map(|attempt| &attempt.server);
    let host = server.map_or_else(|| "HOST".to_owned(), |s| s.place.host().to_string());
    let hint: Hint = match &error.kind {
        Kind::Net(net) => return of_net(net, error.phase, server, &host),
        Kind::Lacks(Keyword::Auth) if attempt.is_some_and(could_start_tls) => {
            Hint::from("the server may take a sign-in under TLS: ")
                .option("server", format!("smtp://{}", place(server, &host)))
        }
        Kind::Lacks(keyword) => return of_lack(*keyword, server, &host),
        Kind::NoMechanism { offered, named, exposing } => {
            return of_mechanisms(offered, named, exposing, attempt, &host);
        }
        Kind::Refused(reply) if reply.severity() == Severity::Transient => LATER.into(),
        Kind::Refused(reply) if error.phase == Phase::Auth => {
            return of_sign_in(reply, attempt, &host);
        }
        Kind::Mechanism(error) => return of_mechanism(*error),
        Kind::PlaintextAfterStartTls => {
            "somebody between here and the server may be tampering: try from another network".into()
        }
        Kind::Source(_) => "run the same command again".into(),
        Kind::Secret { way_out, absence, .. } => {
            let otherwise = match absence {
                Absence::Passing => Some(LATER.into()),
                Absence::Missing => Some(other_source()),
                Absence::Refused | Absence::NoLogin | Absence::NoHost | Absence::Garbled => None,
            };
            return way_out.clone().map(Hint::from).into_iter().chain(otherwise).collect();
        }
        Kind::BadChallenge => another_mechanism(),
        Kind::NoXclient(_) => "the server lets only those do so whom it knows: with Postfix, \
                               smtpd_authorized_xclient_hosts names them"
            .into(),
        Kind::Refused(_)
        | Kind::Malformed(_)
        | Kind::OutOfTurn(_)
        | Kind::Stopped(_)
        | Kind::Unexpected => return Vec::new(),
    };
    vec![hint]
}

/// A sign-in was refused for good (RFC 4954 §6, RFC 5248 §2.4).
fn of_sign_in(reply: &Reply, attempt: Option<&Attempt>, host: &str) -> Vec<Hint> {
    if let Some(fault) = attempt.and_then(|attempt| attempt.token_fault.as_ref()) {
        return vec![
            of_token(fault, attempt.and_then(|attempt| attempt.way_out.as_deref())).into(),
        ];
    }
    if let (535, Some(way_out)) =
        (reply.code.value(), attempt.and_then(|attempt| attempt.way_out.as_ref()))
    {
        return vec![way_out.clone().into()];
    }
    let is_by_certificate = attempt.is_some_and(|attempt| attempt.mechanism == Some("EXTERNAL"));
    vec![match reply.code.value() {
        535 if is_by_certificate => {
            "ask whoever runs the server to let this certificate sign in; to see whose it is: \
             openssl x509 -noout -subject -in FILE"
                .into()
        }
        535 => return of_wrong_password(attempt),
        504 | 534 if was_bound(attempt) => without_binding(),
        523 | 524 | 538 => Hint::from("the server wants TLS before a sign-in: ")
            .option("server", format!("smtp://{host}"))
            .text(format!(" or smtps://{host}")),
        525 => "the account is disabled: ask whoever runs the server".into(),
        422 | 432 => Hint::from("the server has to take the password over once in another form: ")
            .option("auth", PLAIN)
            .text(", under TLS with a verified certificate"),
        _ => return Vec::new(),
    }]
}

/// Also what a relay in between comes to, where the sign-in was bound to the
/// channel (RFC 5802 §6).
fn of_wrong_password(attempt: Option<&Attempt>) -> Vec<Hint> {
    let checked = "check the user name and the password; many providers want an app password here";
    let in_between = was_bound(attempt).then_some(
        "if they are right, somebody between here and the server may be tampering: the sign-in \
         was bound to this TLS connection",
    );
    [Some(checked), in_between].into_iter().flatten().map(Hint::from).collect()
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
fn of_mechanism(error: MechanismError) -> Vec<Hint> {
    vec![match error {
        MechanismError::Unprepared(_) => {
            Hint::from("LOGIN carries it as it is: ").option("auth", "login")
        }
        MechanismError::NoCertificate => {
            certificate::own(Hint::from("name the certificate and its key: "))
        }
        MechanismError::NoChannelBinding(_) => without_binding(),
        MechanismError::Scram { fault, .. } => return of_scram(fault),
        MechanismError::Unfit(_) | MechanismError::NoToken(_) | MechanismError::NoTrace => {
            return Vec::new();
        }
        MechanismError::OneChallengeTooMany(_) | MechanismError::TooShort(_) => another_mechanism(),
    }]
}

fn of_scram(fault: ScramFault) -> Vec<Hint> {
    vec![match fault {
        ScramFault::Refused("invalid-proof" | "unknown-user") => {
            "check the user name and the password".into()
        }
        ScramFault::Refused(
            "channel-bindings-dont-match" | "server-does-support-channel-binding",
        )
        | ScramFault::Signature
        | ScramFault::Nonce => {
            "somebody between here and the server may be tampering: try from another network".into()
        }
        ScramFault::Refused("no-resources") => LATER.into(),
        ScramFault::TooFewIterations(_) => {
            Hint::from("ask whoever runs the server for more rounds; until then, over TLS: ")
                .option("auth", PLAIN)
        }
        ScramFault::Malformed
        | ScramFault::MandatoryExtension
        | ScramFault::Salt
        | ScramFault::TooManyIterations(_)
        | ScramFault::Refused(_) => {
            Hint::from("over TLS with a verified certificate: ").option("auth", PLAIN)
        }
    }]
}

/// Whether the server offers TLS, and was spoken to in clear.
fn could_start_tls(attempt: &Attempt) -> bool {
    let starttls = Keyword::StartTls.as_str();
    attempt.tls.is_none() && attempt.extensions.iter().any(|offered| offered == starttls)
}

fn of_lack(keyword: Keyword, server: Option<&Endpoint>, host: &str) -> Vec<Hint> {
    match keyword {
        Keyword::StartTls => vec![
            Hint::from("if the server speaks TLS from the start, as most do on port 465: ")
                .option("server", format!("smtps://{host}")),
            Hint::from("to send in clear, where everybody on the way can read it: ")
                .option("server", format!("smtp+notls://{}", place(server, host))),
        ],
        Keyword::Auth => vec![
            Hint::from("the server takes no sign-in here: leave out ")
                .name("user")
                .text(", or try its submission port, 587 or 465"),
        ],
        Keyword::BinaryMime
        | Keyword::Chunking
        | Keyword::Dsn
        | Keyword::EightBitMime
        | Keyword::EnhancedStatusCodes
        | Keyword::FutureRelease
        | Keyword::Limits
        | Keyword::Pipelining
        | Keyword::RequireTls
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
) -> Vec<Hint> {
    let offered = format!("the server offers {}", offered.join(", "));
    if exposing.is_empty() && named.is_empty() {
        return vec![offered.into()];
    }
    if exposing.is_empty() {
        let hint = Hint::from(offered).text(": leave out ").name("auth");
        return vec![hint.text(", or name one of these")];
    }
    let is_secured = attempt.is_some_and(|attempt| attempt.tls.is_some());
    let is_opportunistic =
        attempt.is_some_and(|attempt| attempt.server.security == Security::Opportunistic);
    let verified = if is_secured && !is_opportunistic {
        Hint::from("to have the certificate checked, leave out ").option("tls-verify", "no")
    } else {
        Hint::from("to sign in under TLS: ")
            .option("server", format!("smtps://{host}"))
            .text(" or ")
            .option("server", format!("smtp://{host}"))
    };
    // Opportunistic TLS never signs in unverified.
    let exposed = (!is_opportunistic).then(exposed);
    std::iter::once(verified).chain(exposed).collect()
}

fn exposed() -> Hint {
    Hint::from("to give the password to whoever listens: ").flag("allow-cleartext-auth")
}

/// Where the server is, as a URL has it.
fn place(server: Option<&Endpoint>, host: &str) -> String {
    server.map_or_else(|| host.to_owned(), ToString::to_string)
}

const NAME_SERVER: &str = "check the network and the name server in /etc/resolv.conf";

fn of_net(error: &net::Error, phase: Phase, server: Option<&Endpoint>, host: &str) -> Vec<Hint> {
    vec![match error {
        net::Error::NoSuchHost { .. } => "check the spelling of the server's name".into(),
        net::Error::Lookup { .. } => NAME_SERVER.into(),
        net::Error::TimedOut { .. } if phase == Phase::Lookup => NAME_SERVER.into(),
        net::Error::NoAddressFrom { .. } => other_family(),
        net::Error::Source { .. } => {
            "see which addresses this machine has: ip -brief address".into()
        }
        net::Error::Proxy { proxy, fault } => return vec![proxy::hint(proxy, fault, phase)],
        net::Error::Connect { .. } => {
            "check that the server runs and that the port is right: smtps:// means 465, smtp:// means 587"
                .into()
        }
        // Something else than SMTP in clear, such as a web server.
        net::Error::NotTls { octets } if !octets.starts_with(b"220") => {
            "check the port: smtps:// means 465, smtp:// means 587".into()
        }
        net::Error::NotTls { .. } => {
            Hint::from("the port speaks STARTTLS, not TLS from the start: ")
                .option("server", format!("smtp://{}", place(server, host)))
        }
        net::Error::TimedOut { .. } | net::Error::Closed { .. } if phase == Phase::Greeting => {
            match server.map(|s| s.security) {
                Some(Security::Implicit) | None => LATER.into(),
                Some(_) => Hint::from("the port may speak TLS from the start: ")
                    .option("server", format!("smtps://{}", place(server, host))),
            }
        }
        net::Error::TimedOut { .. } if phase == Phase::Connect => {
            "a firewall may drop the connection; many networks close port 25, so try 587 or 465".into()
        }
        net::Error::NoAddressOfFamily { family, .. } if family.starts_with("IP") => {
            any_family(family)
        }
        net::Error::TimedOut { .. } | net::Error::Closed { .. } | net::Error::Io(_) => LATER.into(),
        net::Error::Certificate { fault, chain } => return certificate::hints(fault, chain),
        net::Error::ClientCertificate(fault) => return certificate::of_client(*fault),
        net::Error::NoCommonVersion { least: TlsVersion::V1_3 } => {
            Hint::from("if TLS 1.2 is good enough: ").option("tls-min", "1.2")
        }
        net::Error::NoCommonVersion { .. } | net::Error::NoCommonSuite => {
            "what it speaks is not safe any more: its operator has to bring it up to date".into()
        }
        net::Error::NoAddressOfFamily { .. }
        | net::Error::NotASocket(_)
        | net::Error::Forbidden(_)
        | net::Error::Interrupted
        | net::Error::Tls(_)
        | net::Error::TlsName(_)
        | net::Error::Roots { .. }
        | net::Error::SystemRoots(_) => return Vec::new(),
    }]
}

fn other_family() -> Hint {
    Hint::from("leave out ").name("source").text(", or give an address of the other family")
}

/// `family` is the only one that was to be used: IPv4 or IPv6.
fn any_family(family: &str) -> Hint {
    Hint::from("leave out ").name(&family.to_lowercase())
}
