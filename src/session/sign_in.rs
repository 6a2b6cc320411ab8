//! Signing in: AUTH, challenges and responses (RFC 4954).

use super::{Error, Kind, LONGEST_COMMAND, Session};
use crate::sasl::{ChannelBinding, Mechanism, Secret};
use crate::smtp::{Command, Phase, Reply, ReplyCode, Severity};
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
        let mut reply =
            self.ask(&Command::Auth { mechanism: name, initial: alongside.as_ref() })?;
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
            let response = match initial.take() {
                Some(message) => Ok(message),
                None => mechanism.respond(&challenge),
            };
            reply = match response {
                Ok(response) => self.ask(&Command::AuthResponse(&response))?,
                Err(error) => return Err(self.cancelled(error.into())?),
            };
        }
    }

    /// Breaks a sign-in off by `*` (RFC 4954 §4); the server answers 501.
    fn cancelled(&mut self, kind: Kind) -> Result<Error, Error> {
        self.ask(&Command::AuthCancel)?;
        Ok(Error::new(Phase::Auth, kind))
    }
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
