//! What a session needs of a channel.

use super::deadline::Deadline;
use super::error::Error;
use super::tls::TlsFacts;
use crate::sasl::ChannelBinding;
use std::net::SocketAddr;

/// A channel to a server. Every call ends by the deadline last armed, and when
/// the user asks to stop.
pub trait Stream: Send {
    /// Sets the moment by which the calls that follow must have ended.
    fn arm(&mut self, deadline: Deadline);

    /// Waits for octets; 0 is the orderly end.
    fn read(&mut self, into: &mut [u8]) -> Result<usize, Error>;

    /// Writes all of it.
    fn write_all(&mut self, octets: &[u8]) -> Result<(), Error>;

    /// Writes until all is written or the server says something. Returns how
    /// many octets were taken. Where those are not all, the only thing that may
    /// be written is the rest, by this call.
    fn write_while_silent(&mut self, octets: &[u8]) -> Result<usize, Error>;

    /// True when something can be read without waiting.
    fn pending(&mut self) -> Result<bool, Error>;

    /// Says that nothing more will be written, as far as the channel has a way
    /// to say it. Does not wait.
    fn close(&mut self);

    /// From now on the user's wish to stop cuts no wait short: the message is
    /// out, and only the answer is missing.
    fn ignore_interrupt(&mut self);

    /// How many octets of commands may stand unanswered without a chance that
    /// a write blocks.
    fn window(&self) -> usize;

    /// What TLS protects the channel; `None` in clear.
    fn protection(&self) -> Option<&TlsFacts>;

    /// What a sign-in can be tied to the channel with, the preferred first;
    /// nothing in clear.
    fn bindings(&self) -> Vec<ChannelBinding> {
        Vec::new()
    }

    /// The address of this end, where it has one on the network.
    fn local_address(&self) -> Option<SocketAddr>;
}
