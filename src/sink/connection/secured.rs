//! TLS on a connection: the handshake, and what stood in front of it.

use super::super::Encryption;
use super::super::conversation::Secured;
use super::super::event::Event;
use super::super::fault::Stage;
use super::{Connection, told_as_silence};
use std::io;

impl Connection<'_> {
    /// Shakes hands. Who leaves a port of TLS without a word has not failed to.
    pub(super) fn secure(&mut self) -> io::Result<()> {
        self.doing = "doing the TLS handshake";
        let rule = self.rule(Stage::Tls, b"");
        self.before_handshake(rule)?;
        if self.is_leaving {
            return Ok(());
        }
        if self.port.encryption == Encryption::Implicit
            && !self.channel.is_spoken_to().map_err(told_as_silence)?
        {
            self.is_leaving = true;
            return Ok(());
        }
        let (server, leaf) = self.shared.certificates.shown(rule.and_then(|rule| rule.fault));
        let trips = self.channel.secure(server);
        // No reply can be read in the middle of a handshake.
        self.turnarounds += trips.map_err(told_as_silence)?;
        let bindings = self.channel.bindings(leaf);
        let client_certificate = self.channel.client_certificate();
        self.conversation.secured(Secured { bindings, client_certificate });
        Ok(())
    }

    /// Octets behind STARTTLS were written before TLS was up: anyone may have
    /// put them there (RFC 3207 §6).
    pub(super) fn drop_plaintext(&mut self) -> io::Result<()> {
        let mut octets = self.input.discard();
        while self.channel.has_input() && self.fill()? > 0 {
            octets += self.input.discard();
        }
        if octets > 0 {
            self.tell(Event::PlaintextAfterStartTls { connection: self.number, octets });
        }
        Ok(())
    }
}
