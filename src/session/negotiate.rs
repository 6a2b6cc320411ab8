//! What may be asked of a server, given what it offers.

use crate::message::{self, Facts, Message, Unfit, Width};
use crate::smtp::{
    Body, Capabilities, Chunking, EnhancedCode, Envelope, Hold, Keyword, MailParameters, Recipient,
    ReversePath,
};
use std::borrow::Cow;

/// What a message needs and a server does not offer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Shortfall {
    /// The message is larger than the server takes (RFC 1870 §6.1).
    #[error("the message has {size} octets and the server takes at most {limit}")]
    TooLarge {
        /// Octets of the message.
        size: u64,
        /// The server's limit.
        limit: u64,
    },
    /// The body has octets above 127 (RFC 6152 §3) and no form without.
    #[error("the message has 8-bit content, the server does not offer 8BITMIME, and {0}")]
    EightBit(String),
    /// A header field has characters outside US-ASCII (RFC 6532) and the
    /// header no form without.
    #[error("the message has a header in raw UTF-8, the server does not offer SMTPUTF8, and {0}")]
    Utf8Header(String),
    /// The message is no lines (RFC 3030 §3) and cannot become lines.
    #[error("the message goes only by BDAT to a server that offers BINARYMIME: {0}")]
    Binary(String),
    /// An address has characters outside US-ASCII before its @ (RFC 6531).
    #[error("the address {0} needs SMTPUTF8, which the server does not offer")]
    Utf8Address(String),
    /// The message is to be held (RFC 4865 §3). To send it at once would be
    /// worse than not to send it.
    #[error("the message is to be held {0}, and the server does not offer FUTURERELEASE")]
    NotHeld(Hold),
    /// The message is to be held longer than the server does.
    #[error("the message is to be held {wanted}, and the server holds messages {longest} at most")]
    HeldTooLong {
        /// How long it is to be held.
        wanted: Hold,
        /// The server's limit.
        longest: Hold,
    },
    /// The message is to be sent under verified TLS (RFC 8689 §4.2.1). To send
    /// it otherwise would be worse than not to send it.
    #[error("the message requires TLS with a verified certificate, which this connection lacks")]
    Unprotected,
    /// The message is to be sent so on all its way, which the server does not
    /// promise.
    #[error("the message requires TLS on all its way, and the server does not offer REQUIRETLS")]
    NotPromised,
}

/// What is known of the way through a server.
#[derive(Clone, Copy, Debug)]
pub struct Way<'c> {
    /// What its latest EHLO offered.
    pub offered: &'c Capabilities,
    /// TLS is up, and we know whom we talk to.
    pub is_verified: bool,
    /// When messages go in chunks.
    pub chunking: Chunking,
}

/// Why there is no form of a message for a server.
#[derive(Debug)]
pub enum Misfit {
    /// The server lacks what the message needs.
    Lacking(Shortfall),
    /// The message cannot be read.
    Failed(message::Error),
}

impl Shortfall {
    /// The status code that is registered for it (RFC 8689 §4.2.1).
    pub fn status(&self) -> Option<EnhancedCode> {
        match self {
            Shortfall::Unprotected => Some(EnhancedCode { class: 5, subject: 7, detail: 10 }),
            Shortfall::NotPromised => Some(EnhancedCode { class: 5, subject: 7, detail: 30 }),
            Shortfall::TooLarge { .. }
            | Shortfall::EightBit(_)
            | Shortfall::Utf8Header(_)
            | Shortfall::Binary(_)
            | Shortfall::Utf8Address(_)
            | Shortfall::NotHeld(_)
            | Shortfall::HeldTooLong { .. } => None,
        }
    }
}

/// What may be said to a server in a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms<'e> {
    /// The parameters of MAIL.
    pub mail: MailParameters,
    /// The recipients, with no more than may be asked for each.
    pub to: Vec<Cow<'e, Recipient>>,
}

/// How wide the way through this server is.
pub fn width(way: Way<'_>) -> Width {
    let Way { offered, chunking, .. } = way;
    let has_chunks = chunking != Chunking::Off && offered.has(Keyword::Chunking);
    Width {
        eight_bit: offered.has(Keyword::EightBitMime),
        utf8_header: offered.has(Keyword::SmtpUtf8),
        binary: has_chunks && offered.has(Keyword::BinaryMime),
    }
}

/// The form of a message that this server takes (RFC 6152 §3, RFC 6531 §3.4,
/// RFC 3030 §3).
pub fn form<'m>(message: &'m Message, way: Way<'_>) -> Result<&'m Message, Misfit> {
    let width = width(way);
    message.fitted(width).map_err(|unfit| match unfit {
        Unfit::Failed(error) => Misfit::Failed(error),
        Unfit::NoLines(error) => Misfit::Lacking(Shortfall::Binary(error.to_string())),
        unfit if message.facts().eight_bit && !width.eight_bit => {
            Misfit::Lacking(Shortfall::EightBit(unfit.to_string()))
        }
        unfit @ Unfit::Untouchable if message.facts().binary && !width.binary => {
            Misfit::Lacking(Shortfall::Binary(unfit.to_string()))
        }
        unfit => Misfit::Lacking(Shortfall::Utf8Header(unfit.to_string())),
    })
}

/// What may be said to this server of this form of a message, for these
/// recipients of its envelope, or what stands in the way (RFC 5321 §4.1.1.11:
/// nothing is sent that was not offered). Without DSN the message goes all the
/// same, and nothing is asked about reports.
pub fn negotiate<'e>(
    envelope: &'e Envelope,
    to: &[&'e Recipient],
    message: &Facts,
    way: Way<'_>,
) -> Result<Terms<'e>, Shortfall> {
    let offered = way.offered;
    if let Some(limit) = offered.size_limit()
        && message.size > limit
    {
        return Err(Shortfall::TooLarge { size: message.size, limit });
    }
    let utf8_address = utf8_address(&envelope.from, to);
    let Width { eight_bit, utf8_header, .. } = width(way);
    if !utf8_header && let Some(address) = utf8_address {
        return Err(Shortfall::Utf8Address(address));
    }
    let smtputf8 = utf8_header && (utf8_address.is_some() || message.utf8_header);
    let dsn = offered.has(Keyword::Dsn);
    let mail = MailParameters {
        size: offered.has(Keyword::Size).then_some(message.size),
        // RFC 6531 §3.6: a header in UTF-8 is 8-bit content as well.
        body: if message.binary {
            Some(Body::BinaryMime)
        } else if eight_bit && (message.eight_bit || message.utf8_header) {
            Some(Body::EightBitMime)
        } else {
            None
        },
        smtputf8,
        ret: envelope.ret.filter(|_| dsn),
        envid: envelope.envid.clone().filter(|_| dsn),
        hold: envelope.hold.map(|hold| held(hold, offered)).transpose()?,
        require_tls: envelope.require_tls && requires_tls(envelope, way)?,
    };
    let to = to.iter().map(|recipient| asked(recipient, dsn, smtputf8)).collect();
    Ok(Terms { mail, to })
}

/// Whether the server is asked to require TLS, of whom it must be able to.
fn requires_tls(envelope: &Envelope, way: Way<'_>) -> Result<bool, Shortfall> {
    let is_promised = way.offered.has(Keyword::RequireTls);
    match (way.is_verified, is_promised) {
        (true, true) => Ok(true),
        // RFC 8689 §5: a report is not dropped for want of it.
        _ if envelope.from.0.is_none() => Ok(false),
        (false, _) => Err(Shortfall::Unprotected),
        (true, false) => Err(Shortfall::NotPromised),
    }
}

/// How long the server is to hold the message, if it does for as long as that.
fn held(hold: Hold, offered: &Capabilities) -> Result<Hold, Shortfall> {
    match offered.hold_limits() {
        None => Err(Shortfall::NotHeld(hold)),
        Some(limits) if limits.allow(hold) => Ok(hold),
        Some(limits) => {
            Err(Shortfall::HeldTooLong { wanted: hold, longest: limits.longest_like(hold) })
        }
    }
}

/// The recipient with what may be asked for it.
fn asked(recipient: &Recipient, dsn: bool, smtputf8: bool) -> Cow<'_, Recipient> {
    let Recipient { path, notify, orcpt } = recipient;
    let asks = notify.is_some() || orcpt.is_some();
    match orcpt {
        _ if asks && !dsn => Cow::Owned(path.clone().into()),
        // RFC 6533 §3.
        Some(orcpt) if !smtputf8 && !orcpt.is_ascii() => {
            Cow::Owned(Recipient { orcpt: orcpt.to_ascii(), ..recipient.clone() })
        }
        Some(_) | None => Cow::Borrowed(recipient),
    }
}

/// An address that needs SMTPUTF8, if one does.
fn utf8_address(from: &ReversePath, to: &[&Recipient]) -> Option<String> {
    let recipient = to.iter().map(|r| &r.path).find(|path| path.needs_smtputf8());
    let sender = from.0.as_ref().filter(|from| from.needs_smtputf8());
    recipient.map(ToString::to_string).or_else(|| sender.map(ToString::to_string))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::smtp::{Command, DsnRequest, ForwardPath, Notify, Orcpt, Reply, Ret};

    fn facts(size: u64, eight_bit: bool, utf8_header: bool) -> Facts {
        Facts { size, eight_bit, utf8_header, binary: false, message_id: None }
    }

    fn offered(offer: &str) -> Capabilities {
        Capabilities::from_ehlo(&Reply::new(250, &format!("hello\n{offer}")).unwrap())
    }

    fn way(offered: &Capabilities) -> Way<'_> {
        Way { offered, is_verified: true, chunking: Chunking::Auto }
    }

    fn asked(to: &str, message: &Facts, offer: &str) -> Result<String, Shortfall> {
        let to: ForwardPath = to.parse().unwrap();
        let envelope = Envelope::new("me@x.y".parse().unwrap(), [to]);
        let terms = negotiate(&envelope, &[&envelope.to()[0]], message, way(&offered(offer)));
        terms.map(|terms| terms.mail.to_string())
    }

    #[test]
    fn only_what_is_offered_is_asked_for() {
        // 5321-4.1.1.3, 1870, 6152, 6531-a
        let plain = facts(10, false, false);
        for (to, message, offer, expected) in [
            ("a@b.c", &plain, "", ""),
            ("a@b.c", &plain, "SIZE", " SIZE=10"),
            ("a@b.c", &plain, "SIZE 10\n8BITMIME\nSMTPUTF8", " SIZE=10"),
            ("a@b.c", &facts(10, true, false), "8BITMIME", " BODY=8BITMIME"),
            ("é@b.c", &plain, "SMTPUTF8", " SMTPUTF8"),
            // 6531-b: a parameter of the keyword means nothing.
            ("é@b.c", &plain, "SMTPUTF8 foo", " SMTPUTF8"),
            ("a@é.c", &plain, "", ""),
            ("a@b.c", &facts(10, false, true), "SMTPUTF8", " SMTPUTF8"),
            ("a@b.c", &facts(9, false, true), "SMTPUTF8\n8BITMIME", " BODY=8BITMIME SMTPUTF8"),
        ] {
            assert_eq!(asked(to, message, offer).as_deref(), Ok(expected), "{to} {offer}");
        }
    }

    #[test]
    fn what_is_lacking_is_named() {
        for (to, message, offer, expected) in [
            (
                "a@b.c",
                facts(11, false, false),
                "SIZE 10",
                Shortfall::TooLarge { size: 11, limit: 10 },
            ),
            ("é@b.c", facts(1, false, false), "", Shortfall::Utf8Address("é@b.c".to_owned())),
        ] {
            assert_eq!(asked(to, &message, offer), Err(expected));
        }
    }

    #[test]
    fn a_message_is_held_only_by_a_server_that_holds_it_as_long_as_wanted() {
        // 4865
        let limits = "FUTURERELEASE 3600 2026-11-28T04:00:00Z";
        let (hour, more) = (Hold::seconds(3600), Hold::seconds(3601));
        let four = Hold::from_holduntil("2026-11-28T04:00:00Z");
        let later = Hold::from_holduntil("2026-11-28T04:00:01Z");
        let too_long = |wanted: Option<Hold>, longest: Option<Hold>| {
            Err(Shortfall::HeldTooLong { wanted: wanted.unwrap(), longest: longest.unwrap() })
        };
        for (hold, offer, expected) in [
            (None, limits, Ok("")),
            (None, "", Ok("")),
            (hour, limits, Ok(" HOLDFOR=3600")),
            (four, limits, Ok(" HOLDUNTIL=2026-11-28T04:00:00Z")),
            (more, limits, too_long(more, hour)),
            (later, limits, too_long(later, four)),
            (hour, "", Err(Shortfall::NotHeld(hour.unwrap()))),
            (hour, "FUTURERELEASE", Err(Shortfall::NotHeld(hour.unwrap()))),
        ] {
            let to = "a@b.c".parse::<ForwardPath>().unwrap();
            let mut envelope = Envelope::new("me@x.y".parse().unwrap(), [to]);
            envelope.hold = hold;
            let plain = facts(10, false, false);
            let terms = negotiate(&envelope, &[&envelope.to()[0]], &plain, way(&offered(offer)));
            let asked = terms.map(|terms| terms.mail.to_string());
            assert_eq!(asked, expected.map(str::to_owned), "{hold:?} {offer}");
        }
    }

    #[test]
    fn tls_is_required_only_of_a_server_that_promises_it_under_verified_tls() {
        // 8689-a, 8689-b
        let plain = facts(10, false, false);
        for (from, is_verified, offer, expected) in [
            ("<me@x.y>", true, "REQUIRETLS", Ok(" REQUIRETLS")),
            ("<me@x.y>", true, "SIZE", Err(Shortfall::NotPromised)),
            ("<me@x.y>", false, "REQUIRETLS", Err(Shortfall::Unprotected)),
            ("<me@x.y>", false, "", Err(Shortfall::Unprotected)),
            ("<>", true, "REQUIRETLS", Ok(" REQUIRETLS")),
            ("<>", true, "", Ok("")),
            ("<>", false, "REQUIRETLS", Ok("")),
        ] {
            let to = "a@b.c".parse::<ForwardPath>().unwrap();
            let mut envelope = Envelope::new(from.parse().unwrap(), [to]);
            envelope.require_tls = true;
            let offered = offered(offer);
            let way = Way { is_verified, ..way(&offered) };
            let terms = negotiate(&envelope, &[&envelope.to()[0]], &plain, way);
            let asked = terms.map(|terms| terms.mail.to_string().replace(" SIZE=10", ""));
            assert_eq!(asked, expected.map(str::to_owned), "{from} {is_verified} {offer}");
        }
    }

    #[test]
    fn reports_are_asked_for_only_where_dsn_is_offered() {
        // 3461-a, 6533-3
        let plain = facts(10, false, false);
        let paths = ["a+b@c.d", "é@c.d"].map(|text| text.parse::<ForwardPath>().unwrap());
        let request = DsnRequest {
            notify: Some(Notify::NEVER),
            ret: Some(Ret::Headers),
            envid: Some("x".parse().unwrap()),
        };
        let envelope = Envelope::new("me@x.y".parse().unwrap(), paths).asking(request);
        let [first, second] = envelope.to() else { panic!("two") };
        let said = |to: &[&Recipient], offer: &str| {
            let to: Vec<Recipient> = to.iter().map(|&to| to.clone()).collect();
            let to: Vec<&Recipient> = to.iter().collect();
            let envelope = &envelope;
            let terms = negotiate(envelope, &to, &plain, way(&offered(offer))).unwrap();
            let to = terms.to.iter().map(|to| Command::Rcpt(to).to_string()[8..].to_owned());
            format!("{}; {}", terms.mail, to.collect::<Vec<_>>().join("; "))
        };
        assert_eq!(
            said(&[first], "DSN"),
            " RET=HDRS ENVID=x; <a+b@c.d> NOTIFY=NEVER ORCPT=rfc822;a+2Bb@c.d"
        );
        assert_eq!(
            said(&[second], "SMTPUTF8\nDSN"),
            " SMTPUTF8 RET=HDRS ENVID=x; <é@c.d> NOTIFY=NEVER ORCPT=utf-8;é@c.d"
        );
        assert_eq!(said(&[first, second], "SMTPUTF8"), " SMTPUTF8; <a+b@c.d>; <é@c.d>");
        // An address that was there first may be of another kind.
        let moved = Recipient { orcpt: Orcpt::from_wire("utf-8;é@c.d", true), ..first.clone() };
        let end = "NOTIFY=NEVER ORCPT=utf-8;\\x{E9}@c.d";
        assert_eq!(said(&[&moved], "DSN\nSMTPUTF8"), format!(" RET=HDRS ENVID=x; <a+b@c.d> {end}"));
        assert_eq!(said(&[&moved], ""), "; <a+b@c.d>");
    }
}
