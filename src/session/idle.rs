//! A session between two messages.

use super::{Conduct, Observer, Session, State};
use crate::net::{Deadline, Stream, TlsFacts};
use crate::smtp::{Capabilities, ReplyParser};
use std::time::Duration;

/// A session that waits for its next message. Nobody watches it, and another
/// thread may go on with it.
pub struct Idle {
    stream: Box<dyn Stream>,
    parser: ReplyParser,
    conduct: Conduct,
    capabilities: Capabilities,
    state: State,
    stopping: Option<Deadline>,
}

impl Session<'_> {
    /// Lets it wait for its next message.
    pub fn rest(self) -> Idle {
        let Session { stream, parser, conduct, capabilities, state, stopping, .. } = self;
        Idle { stream, parser, conduct, capabilities, state, stopping }
    }
}

impl Idle {
    /// Goes on. Until the server has answered once, it is waited for no longer
    /// than `patience`: it may have left without a word. Timings begin anew.
    pub fn wake(self, patience: Duration, observer: &mut dyn Observer) -> Session<'_> {
        let Idle { stream, parser, conduct, capabilities, state, stopping } = self;
        Session {
            parser,
            capabilities,
            state,
            stopping,
            patience: Some(patience),
            ..Session::begin(stream, conduct, observer)
        }
    }

    /// What TLS protects the session.
    pub fn protection(&self) -> Option<&TlsFacts> {
        self.stream.protection()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net;
    use crate::session::{Event, Plan, Steering, Unobserved};
    use crate::smtp::{Chunking, EhloName, MailParameters, Protocol, ReversePath, Timeouts};
    use std::net::SocketAddr;
    use std::sync::{Arc, Mutex};

    /// A server whose replies are known, which says how long it was waited for at
    /// most, read by read, and answers nobody who says no more.
    struct Canned {
        replies: std::vec::IntoIter<&'static str>,
        armed: Deadline,
        waits: Arc<Mutex<Vec<Duration>>>,
    }

    impl Stream for Canned {
        fn arm(&mut self, deadline: Deadline) {
            self.armed = deadline;
        }

        fn read(&mut self, into: &mut [u8]) -> Result<usize, net::Error> {
            self.waits.lock().unwrap().push(self.armed.remaining().unwrap());
            let reply = self.replies.next().unwrap_or_default();
            into[..reply.len()].copy_from_slice(reply.as_bytes());
            Ok(reply.len())
        }

        fn write_all(&mut self, _octets: &[u8]) -> Result<(), net::Error> {
            Ok(())
        }

        fn write_while_silent(&mut self, octets: &[u8]) -> Result<usize, net::Error> {
            Ok(octets.len())
        }

        fn pending(&mut self) -> Result<bool, net::Error> {
            Ok(false)
        }

        fn close(&mut self) {
            self.replies = Vec::new().into_iter();
        }

        fn ignore_interrupt(&mut self) {}

        fn window(&self) -> usize {
            0
        }

        fn protection(&self) -> Option<&TlsFacts> {
            None
        }

        fn local_address(&self) -> Option<SocketAddr> {
            None
        }
    }

    fn canned(replies: &[&'static str]) -> (Box<dyn Stream>, Arc<Mutex<Vec<Duration>>>) {
        let waits = Arc::default();
        let armed = Deadline::after(Duration::ZERO);
        let replies = Vec::from(replies).into_iter();
        (Box::new(Canned { replies, armed, waits: Arc::clone(&waits) }), waits)
    }

    fn conduct() -> Conduct {
        Conduct {
            protocol: Protocol::Smtp,
            hello: EhloName::from_address([127, 0, 0, 1].into()),
            timeouts: Timeouts::default(),
            deadline: None,
            patience: None,
            may_fall_back_to_helo: false,
            pipelining: true,
            chunking: Chunking::default(),
            steering: Steering::default(),
        }
    }

    struct Codes(Vec<u16>);

    impl Observer for Codes {
        fn event(&mut self, event: Event<'_>) {
            if let Event::Received { reply, .. } = event {
                self.0.push(reply.code.value());
            }
        }
    }

    #[test]
    fn the_answer_to_quit_is_heard_before_the_channel_is_closed() {
        // 5321-4.1.1.10
        let (stream, _) = canned(&["220 hi\r\n", "250 hi\r\n", "221 bye\r\n"]);
        let mut codes = Codes(Vec::new());
        Session::open(stream, conduct(), &mut codes).unwrap().quit(true);
        assert_eq!(codes.0, [220, 250, 221]);
    }

    #[test]
    fn only_the_first_answer_after_a_rest_is_awaited_briefly() {
        // 5321-4.5.3.2
        let replies = ["220 hi\r\n", "250 hi\r\n", "250 ok\r\n", "550 no\r\n"];
        let (stream, waits) = canned(&replies);
        let session = Session::open(stream, conduct(), &mut Unobserved).unwrap().rest();
        let mut unobserved = Unobserved;
        let mut session = session.wake(Duration::from_secs(7), &mut unobserved);
        let (from, parameters) = (ReversePath(None), MailParameters::default());
        let to = "a@x.y".parse::<crate::smtp::ForwardPath>().unwrap().into();
        let plan =
            Plan { from: &from, parameters: &parameters, to: vec![&to], all_or_nothing: false };
        session.transact(&plan, &mut std::io::empty());
        let is_brief: Vec<bool> =
            waits.lock().unwrap().iter().map(|wait| *wait <= Duration::from_secs(7)).collect();
        assert_eq!(is_brief, [false, false, true, false]);
    }
}
