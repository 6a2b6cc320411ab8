//! What a proxy says before anything else: for whom it connected.

use super::super::event::Event;
use super::{Connection, silence, told_as_silence};
use crate::net::{Deadline, Proxied, ProxyReading};
use std::io::{self, Read};
use std::time::Duration;

/// How long all of it may take. Who knows of no header waits for the
/// greeting and says nothing; a proxy says it at once.
const PATIENCE: Duration = Duration::from_secs(5);

impl Connection<'_> {
    /// Reads the header of a proxy, and not an octet that stands behind it: the
    /// handshake of TLS may follow. False where the client left before it said
    /// anything.
    pub(super) fn is_proxied(&mut self) -> io::Result<bool> {
        self.doing = "waiting for the header of the PROXY protocol";
        let idle = self.shared.settings.idle;
        let until = Deadline::after(idle.min(PATIENCE));
        let mut header = Vec::new();
        let proxied = loop {
            match Proxied::read(&header).map_err(io::Error::other)? {
                ProxyReading::Whole(proxied) => break proxied,
                ProxyReading::Lacks(octets) => {
                    self.channel.read_within(until.remaining().ok_or_else(silence)?)?;
                    let came = self.read_of_header(octets, &mut header)?;
                    match (came, header.is_empty()) {
                        (0, true) => return Ok(false),
                        (0, false) => return Err(io::ErrorKind::UnexpectedEof.into()),
                        _ => {}
                    }
                }
            }
        };
        self.channel.read_within(idle)?;
        if let Some((source, _)) = proxied.ends {
            self.peer = source;
        }
        self.tell(Event::Proxied { connection: self.number, ends: proxied.ends });
        Ok(true)
    }

    fn read_of_header(&mut self, most: usize, header: &mut Vec<u8>) -> io::Result<usize> {
        let mut octets = vec![0; most];
        loop {
            match self.channel.read(&mut octets) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                came => {
                    let came = came.map_err(told_as_silence)?;
                    header.extend_from_slice(&octets[..came]);
                    return Ok(came);
                }
            }
        }
    }
}
