//! What a session does otherwise than a message needs, for who wants to see
//! what a server makes of it: it ends at a stage, takes only certain replies,
//! makes as if the server offered less.

use super::{Error, Event, Kind, Session};
use crate::smtp::{Command, Phase, Reply, Severity, Xclient};
use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How a session is steered. The default steers nothing.
#[derive(Clone, Debug, Default)]
pub struct Steering {
    /// Where it ends.
    pub stop: Option<Stop>,
    /// The replies that are expected. Where one is another, or does not come, no
    /// message follows, at this server or at the next.
    pub expected: Expectations,
    /// Keywords, in capitals, that are taken for not offered.
    pub without: Vec<String>,
    /// Whom the server is to take us for, if it lets us say so.
    pub xclient: Option<Xclient>,
    /// That is said before STARTTLS.
    pub xclient_before_starttls: bool,
}

impl Steering {
    /// Whether it changes what becomes of a message.
    pub fn is_set(&self) -> bool {
        let Steering { stop, expected, without, xclient, xclient_before_starttls: _ } = self;
        stop.is_some() || !expected.is_empty() || !without.is_empty() || xclient.is_some()
    }
}

/// A stage of a session, behind which it may end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The connection stands, and what a proxy is to say was said.
    Connect,
    /// The server has greeted.
    Banner,
    /// It has answered the first EHLO.
    FirstHelo,
    /// It has answered XCLIENT.
    Xclient,
    /// It has answered STARTTLS.
    StartTls,
    /// TLS stands.
    Tls,
    /// The last EHLO was answered.
    Helo,
    /// We are signed in.
    Auth,
    /// MAIL was answered.
    Mail,
    /// Every RCPT was answered.
    Rcpt,
    /// DATA was answered; where the message goes in chunks, the first would go.
    Data,
    /// The message was answered.
    Dot,
}

impl Stage {
    /// Every stage with its name, in the order of a session.
    pub const ALL: [(&str, Stage); 12] = [
        ("connect", Stage::Connect),
        ("banner", Stage::Banner),
        ("first-helo", Stage::FirstHelo),
        ("xclient", Stage::Xclient),
        ("starttls", Stage::StartTls),
        ("tls", Stage::Tls),
        ("helo", Stage::Helo),
        ("auth", Stage::Auth),
        ("mail", Stage::Mail),
        ("rcpt", Stage::Rcpt),
        ("data", Stage::Data),
        ("dot", Stage::Dot),
    ];

    /// The stage of this name.
    pub fn named(name: &str) -> Option<Self> {
        Stage::ALL.iter().find(|(known, _)| *known == name).map(|(_, stage)| *stage)
    }

    /// The phase whose replies belong to it.
    fn phase(self) -> Option<Phase> {
        match self {
            Stage::Connect | Stage::Tls => None,
            Stage::Banner => Some(Phase::Greeting),
            Stage::FirstHelo | Stage::Helo => Some(Phase::Hello),
            Stage::Xclient => Some(Phase::Xclient),
            Stage::StartTls => Some(Phase::StartTls),
            Stage::Auth => Some(Phase::Auth),
            Stage::Mail => Some(Phase::Mail),
            Stage::Rcpt => Some(Phase::Rcpt),
            Stage::Data => Some(Phase::Data),
            Stage::Dot => Some(Phase::EndOfData),
        }
    }

    /// A transaction has begun by then.
    fn is_in_transaction(self) -> bool {
        matches!(self, Stage::Mail | Stage::Rcpt | Stage::Data | Stage::Dot)
    }

    /// Something is said at this stage that has an answer.
    pub fn is_asked(self) -> bool {
        !matches!(self, Stage::Connect | Stage::Banner | Stage::Tls)
    }

    /// The message is in the server's hands by then: there is no way back but to
    /// hang up.
    pub fn is_within_message(self) -> bool {
        matches!(self, Stage::Data | Stage::Dot)
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = Stage::ALL.iter().find(|(_, stage)| stage == self);
        f.write_str(known.map_or("", |(name, _)| name))
    }
}

/// Where a session ends before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stop {
    /// Behind which stage.
    pub after: Stage,
    /// How.
    pub parting: Parting,
}

/// How a session ends before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parting {
    /// By QUIT.
    Quit,
    /// The connection is dropped without a word.
    Drop,
    /// The same, before the answer is read to what was said last.
    DropUnheard,
}

/// Which replies are expected at a stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expectation {
    /// At which.
    pub stage: Stage,
    /// Beginnings of reply codes: `550`, or `5` for all that begin so.
    pub codes: Vec<String>,
}

/// Words that name no stage with the codes that are expected there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotExpectation {
    /// There is no `=`.
    #[error("it is a stage, ‘=’, and reply codes: rcpt=550, or mail=250,251")]
    NoCodes,
    /// No stage whose replies could be expected.
    #[error(
        "the stages with replies are banner, helo, xclient, starttls, auth, mail, rcpt, data and dot"
    )]
    Stage,
    /// Not the beginning of a reply code.
    #[error("a reply code has three digits, from 200 to 599; 5 or 5xx means all that begin so")]
    Code,
}

impl FromStr for Expectation {
    type Err = NotExpectation;

    /// Reads `STAGE=CODE[,CODE…]`.
    fn from_str(text: &str) -> Result<Self, NotExpectation> {
        let (stage, codes) = text.split_once('=').ok_or(NotExpectation::NoCodes)?;
        // Of all greetings the last counts.
        let has_replies = |stage: &Stage| stage.phase().is_some() && *stage != Stage::FirstHelo;
        let stage = Stage::named(&stage.to_ascii_lowercase()).filter(has_replies);
        let code = |code: &str| {
            let code = code.trim_end_matches(['x', 'X']);
            let is_one = matches!(code.len(), 1..=3)
                && code.starts_with(['2', '3', '4', '5'])
                && code.bytes().all(|digit| digit.is_ascii_digit());
            is_one.then(|| code.to_owned()).ok_or(NotExpectation::Code)
        };
        let codes = codes.split(',').map(code).collect::<Result<_, _>>()?;
        Ok(Expectation { stage: stage.ok_or(NotExpectation::Stage)?, codes })
    }
}

impl fmt::Display for Expectation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.stage, self.codes.join(","))
    }
}

/// What is expected, and which replies came: the same for all sessions of a
/// command.
#[derive(Clone, Debug, Default)]
pub struct Expectations {
    list: Vec<Expectation>,
    came: Arc<Mutex<Vec<Came>>>,
}

/// What came of one expectation: each reply that was about it, and whether it
/// was as expected.
pub type Came = Vec<(Reply, bool)>;

impl Expectations {
    /// These, of which nothing has come.
    pub fn new(list: Vec<Expectation>) -> Self {
        let came = Arc::new(Mutex::new(vec![Came::new(); list.len()]));
        Expectations { list, came }
    }

    /// Nothing is expected.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// What is expected.
    pub fn list(&self) -> &[Expectation] {
        &self.list
    }

    /// What came of each, in the order of the list.
    pub fn came(&self) -> Vec<Came> {
        self.lock().clone()
    }

    /// Some reply was another.
    pub fn is_unmet(&self) -> bool {
        self.lock().iter().flatten().any(|(_, is_met)| !is_met)
    }

    /// Something that was to be answered by the end of this stage was not.
    fn has_missed(&self, end: Stage) -> bool {
        let place = |wanted| Stage::ALL.iter().position(|(_, stage)| *stage == wanted);
        let came = self.lock();
        let mut both = self.list.iter().zip(came.iter());
        both.any(|(it, came)| came.is_empty() && place(it.stage) <= place(end))
    }

    fn note(&self, phase: Phase, reply: &Reply) {
        for (expected, came) in self.list.iter().zip(self.lock().iter_mut()) {
            let Some(is_met) = expected.is_met_by(phase, reply) else { continue };
            if expected.stage == Stage::Helo {
                came.clear();
            }
            came.push((reply.clone(), is_met));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Came>> {
        self.came.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Expectation {
    /// Whether replies in this phase are what it is about.
    pub fn is_about(&self, phase: Phase) -> bool {
        let is_content = matches!(phase, Phase::Content | Phase::Chunk);
        let phase = if is_content { Phase::EndOfData } else { phase };
        self.stage.phase() == Some(phase)
    }

    /// Whether a reply in this phase is what is expected; `None` where it is
    /// about something else. A challenge is no answer yet.
    pub fn is_met_by(&self, phase: Phase, reply: &Reply) -> Option<bool> {
        // A server that refuses a message before its end answers that.
        let is_early = match phase {
            Phase::Content => true,
            Phase::Chunk => reply.severity() != Severity::Positive,
            _ => false,
        };
        let phase = if is_early { Phase::EndOfData } else { phase };
        let is_challenge = phase == Phase::Auth && reply.severity() == Severity::Intermediate;
        if self.stage.phase() != Some(phase) || is_challenge {
            return None;
        }
        let code = reply.code.to_string();
        Some(self.codes.iter().any(|wanted| code.starts_with(wanted.as_str())))
    }
}

impl Session<'_> {
    /// Says by XCLIENT whom the server is to take us for, if it is to be said.
    /// The server then greets anew, and takes us for nobody it knew before.
    pub fn xclient(&mut self) -> Result<(), Error> {
        let Some(xclient) = self.conduct.steering.xclient.clone() else { return Ok(()) };
        let offered = self.capabilities.xclient();
        let is_lacking =
            |name: &&str| !offered.as_ref().is_some_and(|it| it.iter().any(|o| o == name));
        if let Some(lacking) = xclient.names().find(is_lacking) {
            let lacking = Error::new(Phase::Xclient, Kind::NoXclient(lacking.to_owned()));
            return Err(self.parted(lacking));
        }
        for line in xclient.in_lines() {
            let reply = self.ask(&Command::Xclient(&line))?;
            self.granted(Phase::Xclient, reply)?;
        }
        self.reached(Stage::Xclient)?;
        self.hello()
    }

    /// Ends the session where it is to end behind this stage, or where a reply
    /// was not what was expected.
    pub fn reached(&mut self, stage: Stage) -> Result<(), Error> {
        let phase = stage.phase().unwrap_or(Phase::Handshake);
        if self.conduct.steering.expected.is_unmet() {
            return Err(self.parted(Error::new(phase, Kind::Unexpected)));
        }
        match self.conduct.steering.stop {
            Some(stop) if stop.after == stage && stop.parting != Parting::DropUnheard => {
                Err(self.stopped(phase, stop))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Where the session is to end before a reply in this phase is read.
    pub(super) fn ends_unheard(&self, phase: Phase) -> Option<Stop> {
        let is_here =
            |stop: &Stop| stop.parting == Parting::DropUnheard && stop.after.phase() == Some(phase);
        self.conduct.steering.stop.filter(is_here)
    }

    /// Ends a session that was to end at a stage which did not come: nothing is
    /// sent.
    pub(super) fn begin_transaction(&mut self) -> Result<(), Error> {
        match self.conduct.steering.stop {
            Some(stop) if !stop.after.is_in_transaction() => Err(self.stopped(Phase::Mail, stop)),
            Some(_) | None => self.missed_nothing(Stage::Auth, Phase::Mail),
        }
    }

    /// Ends a session in which something that was expected by the end of this
    /// stage was another, or did not come.
    pub(super) fn missed_nothing(&mut self, end: Stage, phase: Phase) -> Result<(), Error> {
        let expected = &self.conduct.steering.expected;
        if expected.is_unmet() || expected.has_missed(end) {
            return Err(self.parted(Error::new(phase, Kind::Unexpected)));
        }
        Ok(())
    }

    /// Whether DATA may share a flight with what is to be answered before.
    pub(super) fn data_may_ride(&self) -> bool {
        let Steering { stop, expected, .. } = &self.conduct.steering;
        expected.is_empty() && stop.is_none_or(|stop| stop.after.is_within_message())
    }

    /// Whether MAIL goes out alone.
    pub(super) fn ends_behind_mail(&self) -> bool {
        self.conduct.steering.stop.is_some_and(|stop| stop.after == Stage::Mail)
    }

    pub(super) fn note_expected(&mut self, phase: Phase, reply: &Reply) {
        self.conduct.steering.expected.note(phase, reply);
    }

    pub(super) fn stopped(&mut self, phase: Phase, stop: Stop) -> Error {
        // RFC 3207 §4.1: behind the answer to STARTTLS the server reads TLS only.
        match stop.parting {
            Parting::Quit if stop.after != Stage::StartTls => self.farewell(true),
            Parting::Quit | Parting::Drop | Parting::DropUnheard => {
                self.observer.event(Event::Noted("Dropping connection"));
            }
        }
        self.state = super::State::Broken;
        Error::new(phase, Kind::Stopped(stop.after))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_expected_is_a_stage_and_what_its_reply_begins_with() {
        for (text, expected) in [
            ("rcpt=550", Ok("rcpt=550")),
            ("RCPT=5xx,45X", Ok("rcpt=5,45")),
            ("dot=2", Ok("dot=2")),
            ("rcpt", Err(NotExpectation::NoCodes)),
            ("connect=220", Err(NotExpectation::Stage)),
            ("tls=220", Err(NotExpectation::Stage)),
            ("rset=250", Err(NotExpectation::Stage)),
            ("rcpt=", Err(NotExpectation::Code)),
            ("rcpt=100", Err(NotExpectation::Code)),
            ("rcpt=5500", Err(NotExpectation::Code)),
            ("rcpt=250,", Err(NotExpectation::Code)),
        ] {
            let read = text.parse::<Expectation>().map(|it| it.to_string());
            assert_eq!(read, expected.map(str::to_owned), "{text}");
        }
    }

    #[test]
    fn a_reply_counts_where_it_is_about_what_is_expected() {
        let is_met = |text: &str, phase, code| {
            let reply = Reply::new(code, "text").unwrap();
            text.parse::<Expectation>().unwrap().is_met_by(phase, &reply)
        };
        for (text, phase, code, expected) in [
            ("rcpt=550", Phase::Rcpt, 550, Some(true)),
            ("rcpt=5", Phase::Rcpt, 551, Some(true)),
            ("rcpt=5,450", Phase::Rcpt, 450, Some(true)),
            ("rcpt=550", Phase::Rcpt, 250, Some(false)),
            ("rcpt=550", Phase::Mail, 550, None),
            ("auth=535", Phase::Auth, 334, None),
            ("auth=535", Phase::Auth, 535, Some(true)),
            // What a server says before the message has ended is its answer.
            ("dot=552", Phase::Content, 552, Some(true)),
        ] {
            assert_eq!(is_met(text, phase, code), expected, "{text} {code}");
        }
    }

    #[test]
    fn every_stage_has_a_name() {
        for (name, stage) in Stage::ALL {
            assert_eq!((Stage::named(name), stage.to_string().as_str()), (Some(stage), name));
        }
    }
}
