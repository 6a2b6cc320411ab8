//! What may be asked of a server, given what it offers.

use crate::message::{self, Facts, Message, Unfit, Width};
use crate::smtp::{Capabilities, Keyword, MailParameters, Recipient, ReversePath};

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
    /// An address has characters outside US-ASCII before its @ (RFC 6531).
    #[error("the address {0} needs SMTPUTF8, which the server does not offer")]
    Utf8Address(String),
}

/// Why there is no form of a message for a server.
#[derive(Debug)]
pub enum Misfit {
    /// The server lacks what the message needs.
    Lacking(Shortfall),
    /// The message cannot be read.
    Failed(message::Error),
}

/// How wide the way through this server is.
pub fn width(offered: &Capabilities) -> Width {
    Width {
        eight_bit: offered.has(Keyword::EightBitMime),
        utf8_header: offered.has(Keyword::SmtpUtf8),
    }
}

/// The form of a message that this server takes (RFC 6152 §3, RFC 6531 §3.4).
pub fn form<'m>(message: &'m Message, offered: &Capabilities) -> Result<&'m Message, Misfit> {
    let width = width(offered);
    message.fitted(width).map_err(|unfit| match unfit {
        Unfit::Failed(error) => Misfit::Failed(error),
        unfit if message.facts().eight_bit && !width.eight_bit => {
            Misfit::Lacking(Shortfall::EightBit(unfit.to_string()))
        }
        unfit => Misfit::Lacking(Shortfall::Utf8Header(unfit.to_string())),
    })
}

/// The parameters of MAIL for this form of a message and this server, or what
/// stands in the way (RFC 5321 §4.1.1.11: nothing is sent that was not offered).
pub fn negotiate(
    from: &ReversePath,
    to: &[&Recipient],
    message: &Facts,
    offered: &Capabilities,
) -> Result<MailParameters, Shortfall> {
    if let Some(limit) = offered.size_limit()
        && message.size > limit
    {
        return Err(Shortfall::TooLarge { size: message.size, limit });
    }
    let utf8_address = utf8_address(from, to);
    let Width { eight_bit, utf8_header } = width(offered);
    if !utf8_header && let Some(address) = utf8_address {
        return Err(Shortfall::Utf8Address(address));
    }
    Ok(MailParameters {
        size: offered.has(Keyword::Size).then_some(message.size),
        // RFC 6531 §3.6: a header in UTF-8 is 8-bit content as well.
        eight_bit: eight_bit && (message.eight_bit || message.utf8_header),
        smtputf8: utf8_header && (utf8_address.is_some() || message.utf8_header),
    })
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
    use crate::smtp::Reply;

    fn facts(size: u64, eight_bit: bool, utf8_header: bool) -> Facts {
        Facts { size, eight_bit, utf8_header, message_id: None }
    }

    fn asked(to: &str, message: &Facts, offer: &str) -> Result<String, Shortfall> {
        let from: ReversePath = "me@x.y".parse().unwrap();
        let to = Recipient { path: to.parse().unwrap() };
        let reply = Reply::new(250, &format!("hello\n{offer}")).unwrap();
        negotiate(&from, &[&to], message, &Capabilities::from_ehlo(&reply)).map(|p| p.to_string())
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
}
