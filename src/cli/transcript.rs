//! What a session shows: lines for people, on standard error and in a file, and
//! events for programs.
//!
//! | file | what is there |
//! |---|---|
//! | `lines.rs` | the grammar that swaks has taught its users |
//! | `dump.rs` | octets as swaks dumps them |
//! | `events.rs` | objects of JSON, one a line |
//! | `showing.rs` | what was asked for on the command line |

mod dump;
mod events;
mod lines;
mod showing;

pub(super) use showing::Showing;

use super::words::plain;
use crate::session::{Event, Observer};
use crate::smtp::Phase;
use lines::{Detail, Lines};
use std::io::{self, Write};
use std::time::Duration;

/// Writes what happens, as it happens, to whoever wants to know.
#[derive(Default)]
pub(super) struct Transcript<'w> {
    outputs: Vec<Output<'w>>,
    shows_secrets: bool,
    timings: Timings,
}

/// How long each phase of an attempt was waited for, in the order of first
/// mention.
type Timings = Vec<(Phase, Duration)>;

/// One of those that are written, until that fails.
struct Output<'w> {
    /// What it is, with its verb, for who hears that it is incomplete.
    name: &'static str,
    form: Box<dyn Form + 'w>,
    problem: Option<io::Error>,
}

/// How what happens is written.
trait Form {
    /// Writes an event, in one write.
    fn event(&mut self, event: &Event<'_>) -> io::Result<()>;

    /// Writes how long an attempt took that is over.
    fn ended(&mut self, timings: &Timings) -> io::Result<()>;

    /// True when the message's octets are shown.
    fn wants_octets(&self) -> bool {
        false
    }

    /// True when the octets of the wire are shown.
    fn wants_wire(&self) -> bool {
        false
    }
}

impl<'w> Transcript<'w> {
    /// What `-v`, given so often, shows there.
    pub(super) fn seen(verbose: u8, writer: impl Write + 'w) -> Self {
        let mut transcript = Transcript::default();
        if verbose > 0 {
            transcript.add_lines(writer, Detail { is_full: verbose > 1, ..Detail::default() });
        }
        transcript
    }

    fn add_lines(&mut self, writer: impl Write + 'w, detail: Detail) {
        self.add("transcript is", Lines::new(writer, detail));
    }

    fn add(&mut self, name: &'static str, form: impl Form + 'w) {
        self.outputs.push(Output { name, form: Box::new(form), problem: None });
    }

    /// True when it is written anywhere.
    pub(super) fn is_watched(&self) -> bool {
        !self.outputs.is_empty()
    }

    /// Why what is incomplete is so, each in a sentence. It never changes what
    /// became of the message.
    pub(super) fn problems(&self) -> Vec<String> {
        let problem = |output: &Output<'_>| {
            let error = output.problem.as_ref()?;
            Some(plain(&format!("the {} incomplete: {error}", output.name)))
        };
        let mut problems: Vec<String> = self.outputs.iter().filter_map(problem).collect();
        problems.dedup();
        problems
    }

    /// Has each output write something that is still whole.
    fn write(&mut self, write: impl Fn(&mut dyn Form) -> io::Result<()>) {
        for output in self.outputs.iter_mut().filter(|output| output.problem.is_none()) {
            output.problem = write(output.form.as_mut()).err();
        }
    }

    fn wants(&self, wants: impl Fn(&dyn Form) -> bool) -> bool {
        let mut whole = self.outputs.iter().filter(|output| output.problem.is_none());
        whole.any(|output| wants(output.form.as_ref()))
    }
}

impl Observer for Transcript<'_> {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Waited(phase, spent) => {
                match self.timings.iter_mut().find(|(known, _)| *known == phase) {
                    Some((_, total)) => *total += spent,
                    None => self.timings.push((phase, spent)),
                }
            }
            Event::Ended => {
                let timings = std::mem::take(&mut self.timings);
                self.write(|form| form.ended(&timings));
            }
            event => self.write(|form| form.event(&event)),
        }
    }

    fn wants_octets(&self) -> bool {
        self.wants(|form| form.wants_octets())
    }

    fn wants_wire(&self) -> bool {
        self.wants(|form| form.wants_wire())
    }

    fn wants_secrets(&self) -> bool {
        self.shows_secrets
    }
}
