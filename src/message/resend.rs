//! Sending a message on, as it is, to others: the block of Resent fields on its
//! top (RFC 5322 §3.6.6).

use super::header::Header;
use super::{Address, Error, stamp};
use jiff::Zoned;

/// Who sends a message on, to whom, and when.
#[derive(Clone, Debug)]
pub struct Resent {
    /// When.
    pub date: Zoned,
    /// Who: mailboxes, no groups. Of several, the first is the sender.
    pub from: Vec<Address>,
    /// To whom.
    pub to: Vec<Address>,
    /// Who gets a copy.
    pub cc: Vec<Address>,
    /// The value of Resent-Message-ID, with the angle brackets.
    pub message_id: String,
}

impl Resent {
    /// The block, and the names of its fields.
    pub(super) fn block(&self) -> Result<(Header, Vec<&'static str>), Error> {
        let Some(first) = self.from.first() else { return Err(Error::NoFrom) };
        if self.from.iter().any(|address| matches!(address, Address::Group { .. })) {
            return Err(Error::HeaderValue("Resent-From".to_owned()));
        }
        let sender = if self.from.len() > 1 { std::slice::from_ref(first) } else { &[] };
        let mut header = Header::default();
        let mut names = vec!["Resent-Date"];
        header.structured("Resent-Date", &stamp::date(&self.date)?)?;
        for (name, list) in [
            ("Resent-From", &self.from[..]),
            ("Resent-Sender", sender),
            ("Resent-To", &self.to),
            ("Resent-Cc", &self.cc),
        ] {
            if !list.is_empty() {
                header.addresses(name, list);
                names.push(name);
            }
        }
        header.structured("Resent-Message-ID", &self.message_id)?;
        names.push("Resent-Message-ID");
        Ok((header, names))
    }
}
