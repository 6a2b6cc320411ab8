//! A ready message whose header is at hand and may still be rewritten, before
//! it is completed.

use super::complete::{self, split};
use super::head::Head;
use super::rewrite::{self, Disguise, Field, Rewrite, Rules};
use super::{Error, Repairs, Source};
use crate::smtp::Mailbox;
use std::sync::Arc;

/// A ready message, opened: its header is in memory, its body where it was.
pub struct Opened {
    pub(super) source: Arc<Source>,
    pub(super) head: Head,
    pub(super) repairs: Repairs,
    pub(super) rewrites: Vec<Rewrite>,
}

impl Opened {
    /// Reads the header of a message.
    pub fn read(source: Source, repairs: Repairs) -> Result<Self, Error> {
        let head = Head::read(&source, repairs)?;
        Ok(Opened { source: Arc::new(source), head, repairs, rewrites: Vec::new() })
    }

    /// Makes addresses of bare names, and of aliases what they stand for.
    pub fn rewrite(&mut self, rules: &Rules) -> Result<(), Error> {
        self.head.octets = rewrite::by_rules(&self.head.octets, rules, &mut self.rewrites)?;
        Ok(())
    }

    /// Shows other addresses of senders, as the account wants it.
    pub fn disguise(&mut self, disguise: &Disguise<'_>) -> Result<(), Error> {
        self.head.octets = rewrite::by_disguise(&self.head.octets, disguise, &mut self.rewrites)?;
        Ok(())
    }

    /// The mailboxes of From.
    pub fn authors(&self) -> Result<Vec<Mailbox>, Error> {
        let fields: Vec<_> = self.fields().collect();
        complete::mailboxes(&bodies(&fields, &["From"]))
    }

    /// True when the header says who wrote.
    pub fn has_from(&self) -> bool {
        self.fields().any(|field| field.is("From") && !field.body.trim_ascii().is_empty())
    }

    /// Who sends it: the first of Resent-From, if it is sent again, else the
    /// first of From. A bare name is given the domain of the rules. `None`
    /// where no address can be found.
    pub fn sender(&self, rules: &Rules) -> Option<Mailbox> {
        let fields: Vec<_> = self.fields().collect();
        let resent = rewrite::first_resent(&fields);
        let mut fields = fields.iter().enumerate();
        let is_sender = |(at, field): &(usize, &Field<'_>)| match &resent {
            Some(block) => block.contains(at) && field.is("Resent-From"),
            None => field.is("From"),
        };
        let (_, field) = fields.find(is_sender)?;
        rules.first_address(field.body)
    }

    /// The mailboxes of To, Cc and Bcc. Of a message that is sent again, those
    /// of the Resent fields that stand highest (RFC 5322 §3.6.6).
    pub fn recipients(&self) -> Result<Vec<Mailbox>, Error> {
        let fields: Vec<_> = self.fields().collect();
        let bodies = match rewrite::first_resent(&fields) {
            Some(block) => bodies(&fields[block], &["Resent-To", "Resent-Cc", "Resent-Bcc"]),
            None => bodies(&fields, &["To", "Cc", "Bcc"]),
        };
        complete::mailboxes(&bodies)
    }

    /// What was rewritten so far.
    pub fn rewrites(&self) -> &[Rewrite] {
        &self.rewrites
    }

    fn fields(&self) -> impl Iterator<Item = Field<'_>> {
        split(&self.head.octets).map(Field::of)
    }
}

fn bodies<'f>(fields: &[Field<'f>], names: &[&str]) -> Vec<&'f [u8]> {
    let wanted = |field: &&Field<'_>| names.iter().any(|name| field.is(name));
    fields.iter().filter(wanted).map(|field| field.body).collect()
}

#[cfg(test)]
mod tests {
    use super::super::{Aliases, Authors};
    use super::*;

    fn opened(header: &str) -> Opened {
        Opened::read(Source::held(header, "m"), Repairs::default()).unwrap()
    }

    #[test]
    fn a_message_sent_again_goes_to_its_first_resent_block() {
        // 5322-3.6.6
        let opened = opened(
            "Resent-From: r1@x.example\nResent-To: t1@x.example\nResent-Bcc: b1@x.example\n\
             Resent-From: r2@x.example\nResent-To: t2@x.example\n\
             Received: from a\nResent-To: t3@x.example\n\
             From: f@x.example\nTo: t@x.example\nBcc: b@x.example\n\n",
        );
        let to: Vec<_> = opened.recipients().unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(to, ["t1@x.example", "b1@x.example"]);
        let rules = Rules {
            domain: None,
            hosts: Vec::new(),
            aliases: Aliases::default(),
            from: Authors::Qualify,
        };
        assert_eq!(opened.sender(&rules).unwrap().to_string(), "r1@x.example");
    }
}
