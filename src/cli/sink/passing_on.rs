//! What becomes of a message besides being stored: `--pipe` and `--forward`.

use super::forward::Forward;
use super::pipe::Pipe;
use crate::account::Environment;
use crate::cli::Surroundings;
use crate::cli::args::SinkArgs;
use crate::cli::failure::Failure;
use crate::cli::input::{Content, Spool, temporary};
use crate::cli::reply::said;
use crate::cli::words::plain;
use crate::net::Interrupt;
use crate::sink::{Listen, Opening, PassesOn, Storage, Takes, Transaction};
use crate::smtp::{Protocol, Reply};
use std::sync::Arc;
use std::time::Duration;

/// How long it may take. Clients wait for ten minutes (RFC 5321 §4.5.3.2.6).
pub(super) const PATIENCE: Duration = Duration::from_secs(5 * 60);

/// Who is given each message, if anybody is to be.
pub(super) fn passes_on(
    args: &SinkArgs,
    ports: &[Listen],
    storage: &Storage,
    interrupt: &Interrupt,
    surroundings: &mut Surroundings<'_>,
) -> Result<Option<Arc<dyn PassesOn>>, Failure> {
    let environment = surroundings.environment.clone();
    let way = match (&args.pipe, &args.forward) {
        (Some(command), _) => {
            Way::Pipe(Pipe::new(command.clone(), environment.clone(), interrupt.clone()))
        }
        (None, Some(server)) => {
            Way::Forward(Box::new(Forward::new(server, ports, interrupt, surroundings)?))
        }
        (None, None) => return Ok(None),
    };
    let is_in_memory = matches!(storage, Storage::Memory);
    Ok(Some(Arc::new(PassingOn { way: Arc::new(way), is_in_memory, environment })))
}

#[derive(Debug)]
enum Way {
    Pipe(Pipe),
    Forward(Box<Forward>),
}

#[derive(Debug)]
struct PassingOn {
    way: Arc<Way>,
    /// No message may be written to a disk.
    is_in_memory: bool,
    environment: Environment,
}

impl PassesOn for PassingOn {
    fn begin(&self, opening: Opening<'_>) -> Box<dyn Takes> {
        let spool = if self.is_in_memory {
            Spool::in_memory(THE_MESSAGE)
        } else {
            Spool::new(THE_MESSAGE, temporary(&self.environment))
        };
        let mut coming = Coming {
            way: Arc::clone(&self.way),
            spool: Ok(spool),
            protocol: opening.protocol,
            is_binary: opening.is_binary,
        };
        // RFC 5321 §4.4: the fields of the last delivery do not travel.
        let (top, received) = (&opening.trace.envelope, &opening.trace.received);
        if matches!(*self.way, Way::Pipe(_)) {
            coming.keep(top.as_bytes());
        }
        coming.keep(received.as_bytes());
        Box::new(coming)
    }
}

/// A message that is kept until it is whole.
struct Coming {
    way: Arc<Way>,
    /// What came, or why it could not be kept.
    spool: Result<Spool, Failure>,
    protocol: Protocol,
    is_binary: bool,
}

impl Coming {
    fn keep(&mut self, octets: &[u8]) {
        let Ok(spool) = &mut self.spool else { return };
        let kept = match &*self.way {
            Way::Pipe(_) if !self.is_binary => {
                // As in a Maildir.
                octets.split(|octet| *octet == b'\r').try_for_each(|piece| spool.take(piece))
            }
            Way::Pipe(_) | Way::Forward(_) => spool.take(octets),
        };
        if let Err(failure) = kept {
            self.spool = Err(failure);
        }
    }

    fn content(&mut self) -> Result<Content, Failure> {
        let nothing = Ok(Spool::in_memory(THE_MESSAGE));
        std::mem::replace(&mut self.spool, nothing).and_then(Spool::end)
    }
}

impl Takes for Coming {
    fn take(&mut self, octets: &[u8]) {
        self.keep(octets);
    }

    fn end(&mut self, transaction: Transaction) -> Vec<Reply> {
        let content = match self.content() {
            Ok(content) => content,
            Err(failure) => {
                return vec![said(
                    451,
                    &format!("4.3.0 {}", plain(&format!("{:#}", failure.error))),
                )];
            }
        };
        match &*self.way {
            Way::Pipe(pipe) => vec![pipe.answer(content, &transaction)],
            Way::Forward(forward) => forward.answers(content, &transaction, self.protocol),
        }
    }

    fn give_up(&mut self) {
        self.spool = Ok(Spool::in_memory(THE_MESSAGE));
    }
}

const THE_MESSAGE: &str = "the message";
