//! Signing in: AUTH, challenges and responses (RFC 4954).

use super::{Error, Event, Kind, LONGEST_COMMAND, Session, Side};
use crate::sasl::{ChannelBinding, Mechanism, Secret};
use crate::smtp::{Command, Phase, Reply, ReplyCode, ReplyError, Severity};
use encodify::base64;
use zeroize::Zeroizing;

impl Session<'_> {
    /// What a sign-in can be tied to the channel with, the preferred first.
    pub fn bindings(&self) -> Vec<ChannelBinding> {
        self.stream.bindings()
    }

    /// Signs in (RFC 4954 §4). After a failure the session is in step, for
    /// another mechanism or for QUIT; unless the channel itself broke.
    pub fn authenticate(&mut self, mechanism: &mut dyn Mechanism) -> Result<(), Error> {
        let name = mechanism.name();
        let mut initial = mechanism.initial_response();
        // RFC 4954 §4: one that is too long for a command follows a challenge.
        let alongside = initial.take_if(|message| fits_a_command(name, message));
        let command = Command::Auth { mechanism: name, initial: alongside.as_ref() };
        let mut reply = self.say(&command, alongside.as_ref(), mechanism)?;
        loop {
            match reply.severity() {
                Severity::Positive => {
                    return mechanism.verify().map_err(|error| Error::new(Phase::Auth, error));
                }
                Severity::Intermediate if reply.code == ReplyCode::CHALLENGE => {}
                Severity::Intermediate => return Err(self.out_of_turn(Phase::Auth, reply)),
                Severity::Transient | Severity::Permanent => {
                    return Err(Error::new(Phase::Auth, Kind::Refused(reply)));
                }
            }
            let Some(challenge) = challenge(&reply) else {
                return Err(self.cancelled(Kind::BadChallenge)?);
            };
            self.tell_challenge(&challenge, mechanism);
            let response = match initial.take() {
                Some(message) => Ok(message),
                None => mechanism.respond(&challenge),
            };
            reply = match response {
                Ok(response) => {
                    self.say(&Command::AuthResponse(&response), Some(&response), mechanism)?
                }
                Err(error) => return Err(self.cancelled(error.into())?),
            };
        }
    }

    /// Sends a command with this message of the mechanism, and waits for the
    /// reply.
    fn say(
        &mut self,
        command: &Command<'_>,
        message: Option<&Secret>,
        mechanism: &dyn Mechanism,
    ) -> Result<Reply, Error> {
        if let Some(message) = message {
            self.hide(message.clone());
        }
        self.send(std::slice::from_ref(command))?;
        if let Some(message) = message {
            let openly = if self.observer.wants_secrets() {
                message.revealed()
            } else {
                mechanism.said_openly().unwrap_or_else(hidden)
            };
            self.observer.event(Event::SignIn(Side::Client, &openly));
        }
        self.receive(Phase::Auth, None)
    }

    fn tell_challenge(&mut self, challenge: &[u8], mechanism: &dyn Mechanism) {
        // Where nothing is said, nothing is hidden.
        let openly = if challenge.is_empty() || self.observer.wants_secrets() {
            String::from_utf8_lossy(challenge).into_owned()
        } else {
            mechanism.heard_openly(challenge).unwrap_or_else(hidden)
        };
        self.observer.event(Event::SignIn(Side::Server, &openly));
    }

    /// The reply as it may be seen, where that is not as it is: without a
    /// challenge, and without an echo.
    pub(super) fn openly(&self, phase: Phase, reply: &Reply) -> Option<Reply> {
        if self.observer.wants_secrets() {
            return None;
        }
        if phase == Phase::Auth && reply.severity() == Severity::Intermediate {
            return Some(Reply { text: vec![hidden()], ..reply.clone() });
        }
        (!self.hidden.is_empty()).then(|| self.without_echo(reply.clone()))
    }

    /// Keeps the server from giving this away: in whatever it says from now on,
    /// `***` stands in its place.
    pub fn hide(&mut self, secret: Secret) {
        // One of a few letters may stand anywhere by chance.
        if !secret.is_short() && !self.hidden.contains(&secret) {
            self.hidden.push(secret);
        }
    }

    /// The reply without what is to be hidden: some servers repeat what they do
    /// not understand, or do not want.
    pub(super) fn without_echo(&self, mut reply: Reply) -> Reply {
        for line in &mut reply.text {
            if is_given_away(&self.hidden, line.as_bytes()) {
                *line = hidden();
            }
        }
        reply
    }

    /// The same of what is no reply.
    pub(super) fn without_quote(&self, malformed: ReplyError) -> ReplyError {
        match malformed {
            ReplyError::NoCode(line) if is_given_away(&self.hidden, line.as_bytes()) => {
                ReplyError::NoCode(hidden())
            }
            other => other,
        }
    }

    /// Breaks a sign-in off by `*` (RFC 4954 §4); the server answers 501.
    fn cancelled(&mut self, kind: Kind) -> Result<Error, Error> {
        self.ask(&Command::AuthCancel)?;
        Ok(Error::new(Phase::Auth, kind))
    }
}

/// Whether one of these stands there.
pub(super) fn is_given_away(secrets: &[Secret], octets: &[u8]) -> bool {
    secrets.iter().any(|secret| secret.is_in(octets))
}

fn hidden() -> String {
    "***".to_owned()
}

fn fits_a_command(mechanism: &'static str, message: &Secret) -> bool {
    let mut line = Zeroizing::new(Vec::new());
    Command::Auth { mechanism, initial: Some(message) }.write_to(&mut line);
    line.len() <= LONGEST_COMMAND
}

/// What a 334 asks: one line of base64, or nothing (RFC 4954 §4).
fn challenge(reply: &Reply) -> Option<Vec<u8>> {
    match reply.text.as_slice() {
        [] => Some(Vec::new()),
        [line] => base64::STANDARD.decode(line).ok(),
        _ => None,
    }
}
