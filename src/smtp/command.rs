//! Commands: the wire form and, beside it, the form that people see.
//!
//! The two stand together on purpose: what is shown is made from the typed
//! command, never from wire bytes, so a secret can be shown only by changing
//! this file.

use super::dsn::{EnvId, Ret};
use super::envelope::Recipient;
use super::hold::Hold;
use super::path::{Domain, PathError, ReversePath};
use super::phase::Phase;
use super::xclient::Xclient;
use crate::sasl::Secret;
use encodify::base64;
use std::fmt::{self, Write as _};
use std::net::IpAddr;
use std::str::FromStr;

/// What the client calls itself in EHLO (RFC 5321 §4.1.1.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EhloName(Domain);

/// The parameters of MAIL.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MailParameters {
    /// `SIZE=`: the octets of the message, line ends counted as two, dots not
    /// doubled (RFC 1870 §5).
    pub size: Option<u64>,
    /// `BODY=`: what the octets of the message may be, where more than US-ASCII.
    pub body: Option<Body>,
    /// `SMTPUTF8` (RFC 6531 §3.4).
    pub smtputf8: bool,
    /// `RET=`: how much comes back in a report of failure (RFC 3461 §4.3).
    pub ret: Option<Ret>,
    /// `ENVID=`: what the sender calls the message in its reports (RFC 3461
    /// §4.4).
    pub envid: Option<EnvId>,
    /// `HOLDFOR=` or `HOLDUNTIL=`: how long the server is to hold the message
    /// (RFC 4865 §3).
    pub hold: Option<Hold>,
    /// `REQUIRETLS`: on all its way the message is sent under verified TLS, or
    /// comes back (RFC 8689 §2).
    pub require_tls: bool,
}

/// What the octets of a message may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// Lines, with octets above 127 (RFC 6152).
    EightBitMime,
    /// Any octets, which DATA cannot carry (RFC 3030 §3).
    BinaryMime,
}

/// One command.
#[derive(Clone, Debug)]
pub enum Command<'a> {
    /// EHLO (RFC 5321 §4.1.1.1).
    Ehlo(&'a EhloName),
    /// HELO, for servers that know no extensions.
    Helo(&'a EhloName),
    /// LHLO, which is EHLO in LMTP (RFC 2033 §4.1).
    Lhlo(&'a EhloName),
    /// STARTTLS (RFC 3207).
    StartTls,
    /// XCLIENT, whom to take us for (Postfix, `XCLIENT_README`).
    Xclient(&'a Xclient),
    /// AUTH, with or without an initial response (RFC 4954 §4).
    Auth {
        /// The registered name.
        mechanism: &'static str,
        /// The message of the mechanism, before base64.
        initial: Option<&'a Secret>,
    },
    /// The answer to a challenge, before base64.
    AuthResponse(&'a Secret),
    /// `*`: the client breaks the exchange off.
    AuthCancel,
    /// MAIL FROM.
    Mail(&'a ReversePath, &'a MailParameters),
    /// RCPT TO.
    Rcpt(&'a Recipient),
    /// DATA.
    Data,
    /// BDAT: so many octets of the message follow (RFC 3030 §2).
    Bdat {
        /// How many.
        size: usize,
        /// They are the last.
        last: bool,
    },
    /// RSET.
    Rset,
    /// QUIT.
    Quit,
}

impl Body {
    /// The word of the parameter.
    pub fn as_str(self) -> &'static str {
        match self {
            Body::EightBitMime => "8BITMIME",
            Body::BinaryMime => "BINARYMIME",
        }
    }
}

impl EhloName {
    /// The literal of an address, for a host without a proper name.
    pub fn from_address(address: IpAddr) -> Self {
        EhloName(match address.to_canonical() {
            IpAddr::V4(address) => Domain::Ipv4(address),
            IpAddr::V6(address) => Domain::Ipv6(address),
        })
    }

    /// The host's own name, where it is fully qualified (RFC 5321 §2.3.5).
    pub fn from_host_name(name: &str) -> Option<Self> {
        let qualified = name.trim_end_matches('.').contains('.');
        if qualified { name.parse().ok() } else { None }
    }
}

impl FromStr for EhloName {
    type Err = PathError;

    /// Takes a domain or an address literal in square brackets.
    fn from_str(text: &str) -> Result<Self, PathError> {
        text.parse().map(EhloName)
    }
}

impl fmt::Display for EhloName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for MailParameters {
    /// Each parameter with a blank before it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(size) = self.size {
            write!(f, " SIZE={size}")?;
        }
        if let Some(body) = self.body {
            write!(f, " BODY={}", body.as_str())?;
        }
        if self.smtputf8 {
            f.write_str(" SMTPUTF8")?;
        }
        if let Some(ret) = self.ret {
            write!(f, " RET={ret}")?;
        }
        if let Some(envid) = &self.envid {
            write!(f, " ENVID={envid}")?;
        }
        if let Some((name, value)) = self.hold.map(Hold::parameter) {
            write!(f, " {name}={value}")?;
        }
        if self.require_tls {
            f.write_str(" REQUIRETLS")?;
        }
        Ok(())
    }
}

impl Command<'_> {
    /// Appends the wire form, CRLF included.
    pub fn write_to(&self, wire: &mut Vec<u8>) {
        match self {
            Command::Auth { mechanism, initial: Some(message) } => {
                wire.reserve("AUTH ".len() + mechanism.len() + " ".len() + room_for(message));
                wire.extend_from_slice(b"AUTH ");
                wire.extend_from_slice(mechanism.as_bytes());
                wire.push(b' ');
                if message.is_empty() {
                    // RFC 4954 §4: a message of no octets.
                    wire.push(b'=');
                }
                base64::STANDARD.encode_append(message.expose(), wire);
            }
            Command::AuthResponse(message) => {
                wire.reserve(room_for(message));
                base64::STANDARD.encode_append(message.expose(), wire);
            }
            // What is shown of these is what is sent.
            Command::Ehlo(_)
            | Command::Helo(_)
            | Command::Lhlo(_)
            | Command::StartTls
            | Command::Xclient(_)
            | Command::Auth { initial: None, .. }
            | Command::AuthCancel
            | Command::Mail(..)
            | Command::Rcpt(_)
            | Command::Data
            | Command::Bdat { .. }
            | Command::Rset
            | Command::Quit => wire.extend_from_slice(self.to_string().as_bytes()),
        }
        wire.extend_from_slice(b"\r\n");
    }

    /// The wire form without CRLF, for who has asked for secrets to be shown.
    /// `tests/floors.rs` lists who may ask.
    pub fn revealed(&self) -> String {
        let mut wire = Vec::new();
        self.write_to(&mut wire);
        String::from_utf8_lossy(&wire).trim_end().to_owned()
    }

    /// The wait for this command's reply.
    pub fn phase(&self) -> Phase {
        match self {
            Command::Ehlo(_) | Command::Helo(_) | Command::Lhlo(_) => Phase::Hello,
            Command::StartTls => Phase::StartTls,
            Command::Xclient(_) => Phase::Xclient,
            Command::Auth { .. } | Command::AuthResponse(_) | Command::AuthCancel => Phase::Auth,
            Command::Mail(..) => Phase::Mail,
            Command::Rcpt(_) => Phase::Rcpt,
            Command::Data => Phase::Data,
            Command::Bdat { last: false, .. } => Phase::Chunk,
            Command::Bdat { last: true, .. } => Phase::EndOfData,
            Command::Rset => Phase::Reset,
            Command::Quit => Phase::Quit,
        }
    }
}

/// As base64, or `=`, with CRLF. Room is made before a secret is written, so
/// that growing leaves no copy of it behind.
fn room_for(message: &Secret) -> usize {
    message.expose().len().div_ceil(3).max(1) * 4 + "\r\n".len()
}

impl fmt::Display for Command<'_> {
    /// What people see: the wire form without CRLF, `***` for each secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Command::Ehlo(name) => write!(f, "EHLO {name}"),
            Command::Helo(name) => write!(f, "HELO {name}"),
            Command::Lhlo(name) => write!(f, "LHLO {name}"),
            Command::StartTls => f.write_str("STARTTLS"),
            Command::Xclient(xclient) => xclient.fmt(f),
            Command::Auth { mechanism, initial: None } => write!(f, "AUTH {mechanism}"),
            Command::Auth { mechanism, initial: Some(_) } => write!(f, "AUTH {mechanism} ***"),
            Command::AuthResponse(_) => f.write_str("***"),
            Command::AuthCancel => f.write_char('*'),
            Command::Mail(from, parameters) => write!(f, "MAIL FROM:{from}{parameters}"),
            Command::Rcpt(recipient) => rcpt(recipient, f),
            Command::Data => f.write_str("DATA"),
            Command::Bdat { size, last: false } => write!(f, "BDAT {size}"),
            Command::Bdat { size, last: true } => write!(f, "BDAT {size} LAST"),
            Command::Rset => f.write_str("RSET"),
            Command::Quit => f.write_str("QUIT"),
        }
    }
}

/// RCPT with its parameters, each with a blank before it.
fn rcpt(recipient: &Recipient, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let Recipient { path, notify, orcpt } = recipient;
    write!(f, "RCPT TO:<{path}>")?;
    if let Some(notify) = notify {
        write!(f, " NOTIFY={notify}")?;
    }
    if let Some(orcpt) = orcpt {
        write!(f, " ORCPT={orcpt}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::dsn::{Notify, Orcpt};
    use super::super::path::ForwardPath;
    use super::*;
    use proptest::prelude::*;

    fn wire(command: &Command<'_>) -> String {
        let mut bytes = Vec::new();
        command.write_to(&mut bytes);
        String::from_utf8(bytes).unwrap()
    }

    /// Every command once, with its wire form and its shown form.
    #[test]
    fn what_is_shown_is_what_is_sent_but_for_secrets() {
        let name: EhloName = "a.example".parse().unwrap();
        let secret = Secret::new("\0tim\0tanstaaftanstaaf");
        let empty = Secret::new("");
        let from: ReversePath = "a@b.c".parse().unwrap();
        let parameters = MailParameters {
            size: Some(12),
            body: Some(Body::EightBitMime),
            smtputf8: true,
            ret: Some(Ret::Headers),
            envid: Some("a b".parse().unwrap()),
            hold: Hold::seconds(60),
            require_tls: true,
        };
        let binary = MailParameters { body: Some(Body::BinaryMime), ..MailParameters::default() };
        let plain = MailParameters::default();
        let path: ForwardPath = "d@e.f".parse().unwrap();
        let asking = Recipient {
            notify: Some("failure,success".parse().unwrap()),
            orcpt: Orcpt::of(&path),
            path: path.clone(),
        };
        let recipient = Recipient::from(path);
        for (command, sent, shown) in [
            (Command::Ehlo(&name), "EHLO a.example", None),
            (Command::Helo(&name), "HELO a.example", None),
            (Command::Lhlo(&name), "LHLO a.example", None),
            (Command::StartTls, "STARTTLS", None),
            (Command::Auth { mechanism: "LOGIN", initial: None }, "AUTH LOGIN", None),
            (
                Command::Auth { mechanism: "PLAIN", initial: Some(&secret) },
                // 4616 §4
                "AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm",
                Some("AUTH PLAIN ***"),
            ),
            (
                Command::Auth { mechanism: "EXTERNAL", initial: Some(&empty) },
                "AUTH EXTERNAL =",
                Some("AUTH EXTERNAL ***"),
            ),
            (Command::AuthResponse(&secret), "AHRpbQB0YW5zdGFhZnRhbnN0YWFm", Some("***")),
            (Command::AuthResponse(&empty), "", Some("***")),
            (Command::AuthCancel, "*", None),
            (Command::Mail(&from, &plain), "MAIL FROM:<a@b.c>", None),
            (
                Command::Mail(&ReversePath::NULL, &parameters),
                "MAIL FROM:<> SIZE=12 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=a+20b HOLDFOR=60 \
                 REQUIRETLS",
                None,
            ),
            (Command::Mail(&from, &binary), "MAIL FROM:<a@b.c> BODY=BINARYMIME", None),
            (Command::Rcpt(&recipient), "RCPT TO:<d@e.f>", None),
            (
                Command::Rcpt(&asking),
                "RCPT TO:<d@e.f> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;d@e.f",
                None,
            ),
            (Command::Data, "DATA", None),
            // 3030-a
            (Command::Bdat { size: 86, last: false }, "BDAT 86", None),
            (Command::Bdat { size: 0, last: true }, "BDAT 0 LAST", None),
            (Command::Rset, "RSET", None),
            (Command::Quit, "QUIT", None),
        ] {
            assert_eq!(wire(&command), format!("{sent}\r\n"));
            assert_eq!(command.to_string(), shown.unwrap_or(sent));
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_a_command_of_two_lines(
            text in "([a-z@.<>\"\\\\:\\[\\] -]|[\0\r\n\x7f\u{85}\u{2028}é]){0,12}",
            envelope in "(<?[a-z]{1,3}@|)[a-z.\\[\\]:\0\r\n ]{0,8}>?",
        ) {
            // SEC-4: every value a caller can set, through the grammar or not at all.
            let plain = MailParameters::default();
            for text in [&text, &envelope, &format!("<{text}@b.c>"), &format!("\"{text}\"@b.c")] {
                let mut lines = Vec::new();
                if let Ok(name) = text.parse::<EhloName>() {
                    lines.push(wire(&Command::Ehlo(&name)));
                }
                lines.extend(EhloName::from_host_name(text).map(|n| wire(&Command::Helo(&n))));
                if let Ok(from) = text.parse::<ReversePath>() {
                    lines.push(wire(&Command::Mail(&from, &plain)));
                }
                if let Ok(path) = text.parse() {
                    let (notify, orcpt) = (Some(Notify::NEVER), Orcpt::of(&path));
                    lines.push(wire(&Command::Rcpt(&Recipient { path, notify, orcpt })));
                }
                if let Some(orcpt) = Orcpt::from_wire(text, true) {
                    let orcpt = Some(orcpt);
                    let recipient = Recipient { orcpt, ..ForwardPath::Postmaster.into() };
                    lines.push(wire(&Command::Rcpt(&recipient)));
                }
                if let Ok(envid) = text.parse() {
                    let named = MailParameters { envid: Some(envid), ..MailParameters::default() };
                    lines.push(wire(&Command::Mail(&ReversePath::NULL, &named)));
                }
                for line in lines {
                    let text = line.strip_suffix("\r\n").unwrap();
                    prop_assert!(!text.contains(char::is_control), "{:?}", line);
                    prop_assert!(!text.ends_with(' '), "{:?}", line);
                }
            }
        }
    }

    #[test]
    fn a_host_without_a_full_name_gives_its_address() {
        // 5321-2.3.5
        assert_eq!(EhloName::from_host_name("box"), None);
        assert_eq!(EhloName::from_host_name("my_box.example"), None);
        assert_eq!(EhloName::from_host_name("box.example").unwrap().to_string(), "box.example");
        let v4 = EhloName::from_address("192.0.2.9".parse().unwrap());
        assert_eq!(v4.to_string(), "[192.0.2.9]");
        let v6 = EhloName::from_address("2001:db8::9".parse().unwrap());
        assert_eq!(v6.to_string(), "[IPv6:2001:db8::9]");
        let mapped = EhloName::from_address("::ffff:192.0.2.9".parse().unwrap());
        assert_eq!(mapped.to_string(), "[192.0.2.9]");
    }
}
