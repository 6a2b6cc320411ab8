//! AUTH: the exchange between the command and its verdict (RFC 4954 §4).

use super::replies::say;
use crate::sasl::{Denied, Secret, Users};
use crate::smtp::Reply;
use encodify::base64;

/// What the client's next line answers.
#[derive(Debug)]
pub(super) enum Exchange {
    Plain,
    LoginName,
    LoginPassword { name: Secret },
    CramMd5 { challenge: String },
}

/// What follows from the client's line.
pub(super) enum Step {
    /// The challenge to send, and how to go on.
    Challenge(Reply, Exchange),
    /// The client is this user.
    SignedIn(String),
    /// It is not, or not yet.
    Refused(Reply),
}

/// Begins an exchange. `initial` is the client's first message in base64, `=`
/// for an empty one; `challenge` is the text for CRAM-MD5.
pub(super) fn begin(
    mechanism: &str,
    initial: Option<&str>,
    challenge: String,
    users: &Users,
) -> Step {
    let exchange = match mechanism {
        "PLAIN" => Exchange::Plain,
        "LOGIN" => Exchange::LoginName,
        _ => Exchange::CramMd5 { challenge },
    };
    match (exchange, initial) {
        (Exchange::CramMd5 { .. }, Some(_)) => {
            Step::Refused(say(501, "5.7.0 In CRAM-MD5 the server speaks first"))
        }
        // Draft LOGIN §2 has the server speak first, but Python's smtplib and
        // others give the name at once.
        (exchange, Some("=")) => take(exchange, &Secret::new(""), users),
        (exchange, Some(message)) => respond(exchange, message.as_bytes(), users),
        (exchange, None) => exchange.ask(),
    }
}

/// Goes on with the client's line, without its CRLF.
pub(super) fn respond(exchange: Exchange, line: &[u8], users: &Users) -> Step {
    if line == b"*" {
        return Step::Refused(say(501, "5.7.0 Sign-in cancelled"));
    }
    match base64::STANDARD.decode(line) {
        Ok(message) => take(exchange, &Secret::new(message), users),
        Err(_) => Step::Refused(say(501, "5.5.2 Not base64")),
    }
}

fn take(exchange: Exchange, message: &Secret, users: &Users) -> Step {
    let verdict = match exchange {
        Exchange::LoginName => return Exchange::LoginPassword { name: message.clone() }.ask(),
        Exchange::Plain => users.check_plain(message),
        Exchange::LoginPassword { name } => users.check_login(&name, message),
        Exchange::CramMd5 { challenge } => users.check_cram_md5(challenge.as_bytes(), message),
    };
    match verdict {
        Ok(name) => Step::SignedIn(name),
        Err(Denied::Malformed) => {
            Step::Refused(say(501, "5.5.2 The message does not follow the mechanism"))
        }
        Err(Denied::Wrong) => Step::Refused(say(535, "5.7.8 Wrong name or password")),
    }
}

impl Exchange {
    fn ask(self) -> Step {
        let text = match &self {
            Exchange::Plain => String::new(),
            Exchange::LoginName => base64::STANDARD.encode("Username:"),
            Exchange::LoginPassword { .. } => base64::STANDARD.encode("Password:"),
            Exchange::CramMd5 { challenge } => base64::STANDARD.encode(challenge),
        };
        Step::Challenge(say(334, &text), self)
    }
}
