//! What has come of a message so far: the part of an entry that changes.

use super::retry::{Policy, Setback};
use crate::delivery::{Cause, NotKept, Outcome, Report};
use crate::session::{Kind, Shortfall};
use crate::smtp::{EnhancedCode, Phase, Reply, ReplyCode};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What has come of a message so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct State {
    /// How often it was tried.
    pub tries: u32,
    /// When last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_try: Option<Timestamp>,
    /// When next; at once where nothing stands here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_try: Option<Timestamp>,
    /// It waits until somebody releases it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub held: bool,
    /// Its sender was told that it still waits.
    #[serde(default, skip_serializing_if = "is_false")]
    pub delay_told: bool,
    /// Each recipient, in the order of the envelope.
    pub to: Vec<Progress>,
}

/// What has come of a message for one recipient.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Progress {
    /// How it stands.
    pub fate: Fate,
    /// What was answered last, or went wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Answer>,
}

impl Progress {
    /// The server may have the message, and gets it again.
    pub fn is_uncertain(&self) -> bool {
        let fell_silent = self.answer.as_ref().is_some_and(|answer| answer.uncertain);
        self.fate == Fate::Waiting && fell_silent
    }
}

/// How it stands with one recipient.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// It is still to be tried.
    #[default]
    Waiting,
    /// The next hop has it. It is never sent again.
    Accepted,
    /// It is not tried again, and the sender does not know yet.
    Failed,
    /// It is not tried again, and the sender was told, or is not to be.
    Reported,
}

/// What was answered, or went wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Answer {
    /// When.
    pub at: Timestamp,
    /// The name of the server, where one was reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// The reply code, if a server answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<u16>,
    /// Its enhanced status code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enhanced: Option<String>,
    /// The lines of the reply, or one sentence. Not escaped.
    pub text: Vec<String>,
    /// It is not about the message or the recipient, but about the account:
    /// the sign-in, TLS, the configuration. It fails nothing.
    #[serde(default, skip_serializing_if = "is_false")]
    pub of_account: bool,
    /// The server may have the message: it fell silent behind the final dot.
    #[serde(default, skip_serializing_if = "is_false")]
    pub uncertain: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(flag: &bool) -> bool {
    !*flag
}

impl Answer {
    /// The reply, if it was one.
    pub fn reply(&self) -> Option<Reply> {
        let mut reply = Reply::new(self.code?, "").ok()?;
        reply.text.clone_from(&self.text);
        reply.enhanced = self.enhanced.as_ref().and_then(|code| code.parse().ok());
        Some(reply)
    }

    /// The class of failure that it means.
    pub fn status(&self) -> Option<EnhancedCode> {
        self.enhanced.as_ref().and_then(|code| code.parse().ok())
    }

    fn of_cause(cause: &Cause, server: Option<&str>, at: Timestamp) -> Self {
        let reply = cause.reply();
        let ours = match cause {
            Cause::Unmet(shortfall) => shortfall.status(),
            Cause::Replied(..) | Cause::Broke(_) | Cause::Withheld | Cause::NotKept(_) => None,
        };
        Answer {
            at,
            server: server.map(str::to_owned),
            code: reply.map(|reply| ReplyCode::value(reply.code)),
            enhanced: reply.and_then(|reply| reply.enhanced).or(ours).map(|code| code.to_string()),
            text: reply.map_or_else(|| vec![sentence(cause)], |reply| reply.text.clone()),
            of_account: false,
            uncertain: false,
        }
    }
}

impl fmt::Display for Answer {
    /// One line: the reply as the server gave it, or the sentence. Not escaped.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.reply() {
            Some(reply) => reply.fmt(f),
            None => f.write_str(&self.text.join(" ")),
        }
    }
}

fn sentence(cause: &Cause) -> String {
    match cause {
        Cause::Replied(_, reply) => reply.to_string(),
        Cause::Broke(error) => error.to_string(),
        Cause::Unmet(shortfall) => shortfall.to_string(),
        Cause::Withheld => "nothing was sent, because of other recipients".to_owned(),
        Cause::NotKept(reason) => reason.to_string(),
    }
}

/// Whether a final failure is about the account, not about this message:
/// somebody has to mend something, and then it goes (checklist Q-9).
fn is_of_account(cause: &Cause) -> bool {
    match cause {
        Cause::Broke(error) => is_before_mail(error.phase) && !is_unread(cause),
        Cause::Replied(_, reply) => wants_sign_in(reply),
        Cause::NotKept(NotKept::NotWritten { .. }) => true,
        Cause::Unmet(_) | Cause::Withheld | Cause::NotKept(NotKept::NoSuchUser(_)) => false,
    }
}

/// The same of one that may pass: a sign-in or TLS that is refused for now is
/// no reason to give a message up, however long that lasts.
fn is_of_footing(cause: &Cause) -> bool {
    let at_footing = |phase| matches!(phase, Phase::StartTls | Phase::Handshake | Phase::Auth);
    matches!(cause, Cause::Broke(error) if at_footing(error.phase))
}

fn is_unread(cause: &Cause) -> bool {
    matches!(cause, Cause::Broke(error) if matches!(error.kind, Kind::Source(_)))
}

fn is_before_mail(phase: Phase) -> bool {
    let place = |wanted| Phase::ALL.iter().position(|phase| *phase == wanted);
    place(phase) < place(Phase::Mail)
}

/// The server wants somebody to sign in, or to do so in another way (RFC 4954
/// §6).
pub(super) fn wants_sign_in(reply: &Reply) -> bool {
    matches!(reply.code.value(), 530 | 534 | 535 | 538)
}

impl State {
    /// Of a message for so many recipients that was not tried.
    pub fn untried(recipients: usize) -> Self {
        State { to: vec![Progress::default(); recipients], ..State::default() }
    }

    /// The positions of those who are still to be tried.
    pub fn waiting(&self) -> Vec<usize> {
        self.with(Fate::Waiting)
    }

    /// The positions of those with whom it stands so.
    pub fn with(&self, fate: Fate) -> Vec<usize> {
        (0..self.to.len()).filter(|&at| self.to[at].fate == fate).collect()
    }

    /// Nobody is to be tried or told.
    pub fn is_settled(&self) -> bool {
        self.to.iter().all(|it| matches!(it.fate, Fate::Accepted | Fate::Reported))
    }

    /// Everybody has it.
    pub fn is_delivered(&self) -> bool {
        self.to.iter().all(|it| it.fate == Fate::Accepted)
    }

    /// Takes note of a try that ended now. `tried` are the positions of those
    /// whom the report is about, in its order.
    pub fn note(&mut self, tried: &[usize], report: &Report, now: Timestamp) {
        let server = report.attempts.last().map(|attempt| attempt.server.place.name());
        for (&at, (_, outcome)) in tried.iter().zip(&report.recipients) {
            self.to[at] = progress(outcome, server.as_deref(), now);
        }
        self.tries = self.tries.saturating_add(1);
        self.last_try = Some(now);
    }

    /// Takes note, while a try goes on, of those who are decided: by their
    /// positions in `tried`.
    pub fn note_decided(&mut self, tried: &[usize], decided: &[(usize, Outcome)], now: Timestamp) {
        for (at, outcome) in decided {
            self.to[tried[*at]] = progress(outcome, None, now);
        }
    }

    /// Takes note of a try that the user broke off: of those only who have the
    /// message, or may have it.
    pub fn note_what_arrived(&mut self, tried: &[usize], report: &Report, now: Timestamp) {
        for (&at, (_, outcome)) in tried.iter().zip(&report.recipients) {
            if matches!(outcome, Outcome::Accepted(_) | Outcome::Uncertain(_)) {
                self.to[at] = progress(outcome, None, now);
            }
        }
    }

    /// Takes note of a try that nobody made, since it was known what would come
    /// of it: the account has this trouble.
    pub fn note_trouble(&mut self, trouble: &Answer, now: Timestamp) {
        for it in self.to.iter_mut().filter(|it| it.fate == Fate::Waiting) {
            it.answer = Some(trouble.clone());
        }
        self.tries = self.tries.saturating_add(1);
        self.last_try = Some(now);
    }

    /// Says when it is tried next, and gives up what was tried long enough. An
    /// account that does not work gives up nothing.
    pub fn plan(&mut self, since: Timestamp, policy: &Policy, now: Timestamp, dice: f64) {
        if policy.is_over(since, now, self.tries) {
            for it in self.to.iter_mut().filter(|it| it.fate == Fate::Waiting) {
                let is_of_account = it.answer.as_ref().is_some_and(|answer| answer.of_account);
                if !is_of_account {
                    it.fate = Fate::Failed;
                }
            }
        }
        let setback = self.setback();
        self.next_try = setback.map(|setback| policy.next(now, self.tries, setback, dice));
    }

    /// Says that it is tried again in a while, though this was no try.
    pub fn put_off(&mut self, policy: &Policy, now: Timestamp) {
        if !self.waiting().is_empty() {
            self.next_try = Some(policy.next(now, 1, Setback::Unreached, 0.5));
        }
    }

    /// The mildest of the reasons for which recipients wait.
    fn setback(&self) -> Option<Setback> {
        let waiting = self.to.iter().filter(|it| it.fate == Fate::Waiting);
        let setbacks = waiting.map(|it| match &it.answer {
            Some(Answer { code: Some(450 | 451), .. }) => Setback::Greylisted,
            Some(
                Answer { code: Some(_), of_account: false, .. } | Answer { uncertain: true, .. },
            ) => Setback::Deferred,
            Some(_) | None => Setback::Unreached,
        });
        setbacks.min_by_key(|setback| match setback {
            Setback::Greylisted => 0,
            Setback::Unreached => 1,
            Setback::Deferred => 2,
        })
    }
}

fn progress(outcome: &Outcome, server: Option<&str>, at: Timestamp) -> Progress {
    let answer = |cause: &Cause| Answer::of_cause(cause, server, at);
    match outcome {
        Outcome::Accepted(reply) => {
            let accepted = Cause::Replied(Phase::EndOfData, reply.clone());
            Progress { fate: Fate::Accepted, answer: Some(answer(&accepted)) }
        }
        Outcome::Deferred(cause) => {
            let of_account = is_of_footing(cause);
            let answer = Some(Answer { of_account, ..answer(cause) });
            Progress { fate: Fate::Waiting, answer }
        }
        Outcome::Uncertain(cause) => Progress {
            fate: Fate::Waiting,
            answer: Some(Answer { uncertain: true, ..answer(cause) }),
        },
        Outcome::Rejected(cause) if is_of_account(cause) => Progress {
            fate: Fate::Waiting,
            answer: Some(Answer { of_account: true, ..answer(cause) }),
        },
        // The queue holds it instead.
        Outcome::Rejected(Cause::Unmet(Shortfall::NotHeld(_) | Shortfall::HeldTooLong { .. })) => {
            Progress::default()
        }
        // This machine could not read it: the server has decided nothing.
        Outcome::Rejected(cause) if is_unread(cause) => {
            Progress { fate: Fate::Waiting, answer: Some(answer(cause)) }
        }
        Outcome::Rejected(cause) => Progress { fate: Fate::Failed, answer: Some(answer(cause)) },
    }
}
