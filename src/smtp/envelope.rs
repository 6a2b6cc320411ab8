//! The envelope: one reverse-path, many forward-paths (RFC 5321 §2.3.1).

use super::dsn::{DsnRequest, EnvId, Notify, Orcpt, Ret};
use super::hold::Hold;
use super::path::{ForwardPath, ReversePath};
use std::collections::HashSet;

/// One recipient and what is asked for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipient {
    /// The forward-path.
    pub path: ForwardPath,
    /// On what a report comes (RFC 3461 §4.1).
    pub notify: Option<Notify>,
    /// Whom the message was first meant for (RFC 3461 §4.2).
    pub orcpt: Option<Orcpt>,
}

/// What MAIL and RCPT say. No recipient occurs twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// The reverse-path.
    pub from: ReversePath,
    /// How much comes back in a report of failure (RFC 3461 §4.3).
    pub ret: Option<Ret>,
    /// What the sender calls the message in its reports (RFC 3461 §4.4).
    pub envid: Option<EnvId>,
    /// How long the server is to hold the message before it lets it go (RFC
    /// 4865). Only servers of submission do.
    pub hold: Option<Hold>,
    /// The message goes under verified TLS, on all its way, or comes back (RFC
    /// 8689).
    pub require_tls: bool,
    to: Vec<Recipient>,
}

impl From<ForwardPath> for Recipient {
    /// A recipient for whom nothing is asked.
    fn from(path: ForwardPath) -> Self {
        Recipient { path, notify: None, orcpt: None }
    }
}

impl Recipient {
    /// True when its sender is to be told that the message cannot be delivered
    /// to it (RFC 3461 §5.2.6). The null sender never is.
    pub fn is_reported_failed(&self) -> bool {
        self.notify.is_none_or(Notify::on_failure)
    }

    /// True when its sender may be told that the message is late (RFC 3461
    /// §5.2.5). The null sender never is.
    pub fn is_reported_delayed(&self) -> bool {
        self.notify.is_none_or(Notify::on_delay)
    }
}

impl Envelope {
    /// An envelope with the recipients in the order given, second mentions of
    /// the same one left out (local parts compared octet by octet, domains
    /// ignoring case: RFC 5321 §2.4).
    pub fn new(from: ReversePath, to: impl IntoIterator<Item = ForwardPath>) -> Self {
        Envelope::passing_on(from, to.into_iter().map(Recipient::from))
    }

    /// The same for recipients for whom something was asked already: it is
    /// passed on unchanged (RFC 3461 §5.2.1).
    pub fn passing_on(from: ReversePath, to: impl IntoIterator<Item = Recipient>) -> Self {
        let all: Vec<Recipient> = to.into_iter().collect();
        let mut seen = HashSet::with_capacity(all.len());
        let is_first: Vec<bool> = all.iter().map(|to| seen.insert(&to.path)).collect();
        let firsts = all.into_iter().zip(is_first).filter(|(_, is_first)| *is_first);
        let to = firsts.map(|(recipient, _)| recipient).collect();
        Envelope { from, ret: None, envid: None, hold: None, require_tls: false, to }
    }

    /// The same with this asked about reports, for each recipient alike, as far
    /// as it may be asked for this sender. The message is on its first way: each
    /// recipient is the one it was meant for.
    #[must_use]
    pub fn asking(mut self, request: DsnRequest) -> Self {
        let request = request.for_sender(&self.from);
        if request.is_empty() {
            return self;
        }
        for recipient in &mut self.to {
            recipient.notify = request.notify;
            recipient.orcpt = Orcpt::of(&recipient.path);
        }
        Envelope { ret: request.ret, envid: request.envid, ..self }
    }

    /// True when something is asked that a server must offer DSN for.
    pub fn asks_for_reports(&self) -> bool {
        let is_asked = |to: &Recipient| to.notify.is_some() || to.orcpt.is_some();
        self.ret.is_some() || self.envid.is_some() || self.to.iter().any(is_asked)
    }

    /// The same for those at these positions only.
    #[must_use]
    pub fn narrowed_to(&self, positions: &[usize]) -> Self {
        let to = positions.iter().map(|&at| self.to[at].clone()).collect();
        Envelope { from: self.from.clone(), envid: self.envid.clone(), to, ..*self }
    }

    /// The recipients, in order.
    pub fn to(&self) -> &[Recipient] {
        &self.to
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recipient_named_twice_is_sent_to_once() {
        // 5321-2.4b
        let path = |text: &str| text.parse::<ForwardPath>().unwrap();
        let envelope =
            Envelope::new(ReversePath::NULL, ["a@x.y", "A@x.y", "a@X.Y", "b@x.y"].map(path));
        let shown: Vec<_> = envelope.to().iter().map(|r| r.path.to_string()).collect();
        assert_eq!(shown, ["a@x.y", "A@x.y", "b@x.y"]);
    }

    #[test]
    fn failures_and_delays_are_reported_unless_others_are_asked_for() {
        // 3461-5.2.6, Q-10
        for (notify, failed, delayed) in [
            (None, true, true),
            (Some("NEVER"), false, false),
            (Some("SUCCESS"), false, false),
            (Some("FAILURE"), true, false),
            (Some("DELAY"), false, true),
            (Some("SUCCESS,FAILURE,DELAY"), true, true),
        ] {
            let notify = notify.map(|text| text.parse().unwrap());
            let to = Recipient { notify, ..ForwardPath::Postmaster.into() };
            assert_eq!((to.is_reported_failed(), to.is_reported_delayed()), (failed, delayed));
        }
    }

    #[test]
    fn the_original_recipient_is_the_recipient_and_nothing_else_is_invented() {
        // 3461-4.2a, Q-6
        let to = ["user+tag@d.e", "Postmaster"].map(|text| text.parse::<ForwardPath>().unwrap());
        let envelope = |from: &str, request: &DsnRequest| {
            Envelope::new(from.parse().unwrap(), to.clone()).asking(request.clone())
        };
        let nothing = envelope("a@b.c", &DsnRequest::default());
        assert!(!nothing.asks_for_reports());
        let notify = Some("success,delay".parse().unwrap());
        let request = DsnRequest { notify, ret: Some(Ret::Full), envid: None };
        let asked = envelope("a@b.c", &request);
        let orcpt = asked.to().iter().map(|to| to.orcpt.as_ref().unwrap().to_string());
        assert_eq!(orcpt.collect::<Vec<_>>(), ["rfc822;user+2Btag@d.e", "rfc822;postmaster"]);
        assert_eq!((asked.to()[1].notify, asked.ret, asked.envid), (notify, Some(Ret::Full), None));
        // Nobody can be told; only that nobody should be may be said.
        assert_eq!(envelope("<>", &request), Envelope::new(ReversePath::NULL, to.clone()));
        let never = DsnRequest { notify: Some(Notify::NEVER), ..request };
        assert_eq!(envelope("<>", &never).to()[0].notify, Some(Notify::NEVER));
        assert_eq!(envelope("<>", &never).ret, None);
    }
}
