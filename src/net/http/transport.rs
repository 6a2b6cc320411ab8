//! `ureq`'s octets on a channel of ours.

use super::{HttpError, LONGEST_HEADER};
use crate::net::deadline::Deadline;
use crate::net::error::Error;
use crate::net::stream::Stream;
use std::fmt;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{Buffers, ConnectionDetails, Connector, NextTimeout, Transport};
use zeroize::Zeroizing;

/// Gives the one channel that there is, once.
#[derive(Debug)]
pub(super) struct Carried(Mutex<Option<Carrier>>);

/// Looks nothing up: the channel is there already.
#[derive(Debug)]
pub(super) struct Nowhere;

/// The channel, and what is on its way in and out. It may be a password or a
/// token, hence cleared.
pub(super) struct Carrier {
    /// `ureq` wants to be able to share it; it never does.
    channel: Mutex<Box<dyn Stream>>,
    /// A read that need not wait does not look at the clock, and a server may
    /// say more without end than it takes to read it.
    deadline: Deadline,
    is_tls: bool,
    has_begun: bool,
    input: Zeroizing<Vec<u8>>,
    /// Which octets of `input` were not read yet.
    unread: Range<usize>,
    /// The last reading took something.
    progress: bool,
    output: Zeroizing<Vec<u8>>,
}

/// A header has to fit in at once, and a piece of a body.
const INPUT: usize = LONGEST_HEADER + 16 * 1024;
/// The longest request without its body.
const OUTPUT: usize = 32 * 1024;
/// Of an answer that is not HTTP, how much is kept for the report.
const QUOTE: usize = 64;
/// How each answer begins (RFC 9112 §4).
const START: &[u8] = b"HTTP/";

impl Carried {
    pub(super) fn new(channel: Box<dyn Stream>, is_tls: bool, deadline: Deadline) -> Self {
        Carried(Mutex::new(Some(Carrier {
            channel: Mutex::new(channel),
            deadline,
            is_tls,
            has_begun: false,
            input: Zeroizing::new(vec![0; INPUT]),
            unread: 0..0,
            progress: false,
            output: Zeroizing::new(vec![0; OUTPUT]),
        })))
    }
}

impl Connector for Carried {
    type Out = Carrier;

    fn connect(
        &self,
        _details: &ConnectionDetails<'_>,
        _chained: Option<()>,
    ) -> Result<Option<Carrier>, ureq::Error> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).take())
    }
}

impl Resolver for Nowhere {
    fn resolve(
        &self,
        _uri: &Uri,
        _config: &Config,
        _timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        Ok(self.empty())
    }
}

impl Carrier {
    fn channel(&mut self) -> &mut dyn Stream {
        self.channel.get_mut().unwrap_or_else(PoisonError::into_inner).as_mut()
    }

    /// Finds out with the first octets whether this is HTTP at all.
    fn begin(&mut self) -> Result<(), HttpError> {
        let come = &self.input[self.unread.clone()];
        if !START.starts_with(&come[..come.len().min(START.len())]) {
            return Err(HttpError::NotHttp { octets: come[..come.len().min(QUOTE)].to_vec() });
        }
        self.has_begun = come.len() >= START.len();
        Ok(())
    }
}

/// On its way through `ureq`, of which [`HttpError::told`] is the other end.
fn passed(error: HttpError) -> ureq::Error {
    ureq::Error::Other(Box::new(error))
}

impl Transport for Carrier {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self
    }

    fn transmit_output(&mut self, amount: usize, _: NextTimeout) -> Result<(), ureq::Error> {
        let channel = self.channel.get_mut().unwrap_or_else(PoisonError::into_inner);
        channel.write_all(&self.output[..amount]).map_err(|e| passed(HttpError::Broke(e)))
    }

    fn await_input(&mut self, _: NextTimeout) -> Result<bool, ureq::Error> {
        self.make_room();
        if self.deadline.remaining().is_none() {
            let late = Error::TimedOut { after: Duration::ZERO };
            return Err(passed(HttpError::Broke(late)));
        }
        let channel = self.channel.get_mut().unwrap_or_else(PoisonError::into_inner);
        let come = channel
            .read(&mut self.input[self.unread.end..])
            .map_err(|e| passed(HttpError::Broke(e)))?;
        self.unread.end += come;
        if !self.has_begun && come > 0 {
            self.begin().map_err(passed)?;
        }
        Ok(come > 0)
    }

    fn is_open(&mut self) -> bool {
        // Nobody uses it a second time.
        false
    }

    fn is_tls(&self) -> bool {
        self.is_tls
    }
}

impl Carrier {
    fn make_room(&mut self) {
        self.input.copy_within(self.unread.clone(), 0);
        self.unread = 0..self.unread.len();
    }
}

impl Buffers for Carrier {
    fn output(&mut self) -> &mut [u8] {
        &mut self.output
    }

    fn input(&self) -> &[u8] {
        &self.input[self.unread.clone()]
    }

    fn input_append_buf(&mut self) -> &mut [u8] {
        self.make_room();
        &mut self.input[self.unread.end..]
    }

    fn input_appended(&mut self, amount: usize) {
        self.unread.end += amount;
    }

    fn input_consume(&mut self, amount: usize) {
        self.progress = amount > 0;
        self.unread.start += amount;
    }

    fn tmp_and_output(&mut self) -> (&mut [u8], &mut [u8]) {
        self.make_room();
        (&mut self.input[self.unread.end..], &mut self.output)
    }

    fn can_use_input(&self) -> bool {
        self.progress && !self.unread.is_empty()
    }
}

impl Drop for Carrier {
    fn drop(&mut self) {
        self.channel().close();
    }
}

impl fmt::Debug for Carrier {
    /// Without what is on its way.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Carrier")
    }
}
