//! What steers a conversation, as typed: what of it makes sense, and what came
//! of what was expected.

use super::args::{LaboratoryArgs, SendArgs};
use super::escape::Escaped;
use super::exit::Exit;
use super::failure::Failure;
use crate::account::{Account, ServerUrl};
use crate::delivery::Route;
use crate::net::{ProxyHeader, Security, TlsVersion};
use crate::session::{Event, Expectation, Observer, Parting, Stage, Steering, Stop};
use crate::smtp::{Phase, Reply, Xclient};
use std::fmt;

/// What steers the conversations of a command.
#[derive(Clone, Debug, Default)]
pub(super) struct Laboratory {
    steering: Steering,
    proxy_header: Option<ProxyHeader>,
    tls_max: Option<TlsVersion>,
    tls_cipher: Vec<String>,
    is_as_is: bool,
}

impl Laboratory {
    /// What was typed, if it makes sense.
    pub(super) fn of(typed: &LaboratoryArgs) -> Result<Self, Failure> {
        let stop = stop(typed)?;
        let xclient = Xclient::of(typed.xclient.iter().map(String::as_str))
            .map_err(|error| Failure::say(Exit::Usage, format!("--xclient: {error}")))?;
        if let Some(stop) = stop {
            let is_unheard = stop.parting == Parting::DropUnheard;
            let too_late = |it: &&Expectation| {
                is_behind(it.stage, stop.after) || (is_unheard && it.stage == stop.after)
            };
            if let Some(expected) = typed.expect.iter().find(too_late) {
                let sentence = format!(
                    "--expect {expected} is about what comes after {}, where the session ends",
                    stop.after
                );
                return Err(Failure::say(Exit::Usage, sentence)
                    .hint("leave one of the two out, or stop later"));
            }
        }
        Ok(Laboratory {
            steering: Steering {
                stop,
                expected: typed.expect.clone(),
                without: typed.without.clone(),
                xclient,
                xclient_before_starttls: typed.xclient_before_starttls,
            },
            proxy_header: typed.proxy_protocol.clone(),
            tls_max: typed.tls_max,
            tls_cipher: typed.tls_cipher.clone(),
            is_as_is: typed.as_is,
        })
    }

    /// Whether anything is steered: then nothing is kept to be sent later, which
    /// would not be.
    pub(super) fn is_set(&self) -> bool {
        self.steering.is_set()
            || self.proxy_header.is_some()
            || self.tls_max.is_some()
            || !self.tls_cipher.is_empty()
            // The queue keeps finished messages only.
            || self.is_as_is
    }

    /// Fails where the message is to be kept, or sent to nobody at all.
    pub(super) fn fits(&self, args: &SendArgs) -> Result<(), Failure> {
        // What stands in the way of --message keeps clap from asking for it.
        if args.laboratory.as_is && args.message.is_none() {
            let sentence = "--as-is sends a finished message, and none is named";
            return Err(Failure::say(Exit::Usage, sentence).hint("name it: --message FILE"));
        }
        let other = [
            (args.dry_run.is_some(), "--dry-run"),
            (args.queue, "--queue"),
            (args.queue_only, "--queue-only"),
            (args.at.is_some(), "--at"),
            (args.after.is_some(), "--in"),
        ];
        match other.into_iter().find(|(is_typed, _)| self.is_set() && *is_typed) {
            Some((_, other)) => {
                let sentence = format!("what steers a conversation and {other} exclude each other");
                Err(Failure::say(Exit::Usage, sentence).hint(format!("leave out {other}")))
            }
            None => Ok(()),
        }
    }

    /// Fails where a stage cannot come with this account.
    pub(super) fn suits(&self, account: &Account) -> Result<(), Failure> {
        let Steering { stop, expected, xclient, .. } = &self.steering;
        let stages = stop.iter().map(|stop| stop.after);
        let stages: Vec<Stage> = stages.chain(expected.iter().map(|it| it.stage)).collect();
        let security = |url: &ServerUrl| match url {
            ServerUrl::Server(server) => server.endpoint.security,
            ServerUrl::Sink(_) => Security::StartTls,
        };
        let none = |wanted: &[Security]| {
            !account.servers.iter().any(|url| wanted.contains(&security(url)))
        };
        let sentence = if stages.contains(&Stage::StartTls)
            && none(&[Security::StartTls, Security::Opportunistic])
        {
            "no server of this account is asked for STARTTLS: there is no stage starttls"
        } else if stages.contains(&Stage::Tls)
            && none(&[Security::StartTls, Security::Opportunistic, Security::Implicit])
        {
            "no server of this account is spoken to under TLS: there is no stage tls"
        } else if stages.contains(&Stage::Xclient) && xclient.is_none() {
            "without --xclient there is no stage xclient"
        } else if stages.contains(&Stage::Auth) && !signs_in(account) {
            "nobody signs in: there is no stage auth"
        } else if self.tls_max.is_some_and(|most| most < account.tls.least) {
            "--tls-max is older than the oldest version that may be spoken"
        } else {
            return Ok(());
        };
        Err(Failure::say(Exit::Usage, sentence))
    }

    /// Has the conversations of this route steered.
    pub(super) fn steer(&self, route: &mut Route) {
        for hop in &mut route.hops {
            hop.steering.clone_from(&self.steering);
            hop.proxy_header.clone_from(&self.proxy_header);
            hop.tls.most = self.tls_max;
            hop.tls.suites.clone_from(&self.tls_cipher);
        }
    }

    /// What is expected.
    pub(super) fn expected(&self) -> &[Expectation] {
        &self.steering.expected
    }
}

/// Where the session is to end.
fn stop(typed: &LaboratoryArgs) -> Result<Option<Stop>, Failure> {
    let LaboratoryArgs { stop_after, drop_after, drop_after_send, .. } = *typed;
    let to = |parting| move |after| Stop { after, parting };
    if let Some(after) = stop_after.filter(|after| after.is_within_message()) {
        return Err(no_quit(after));
    }
    if let Some(after) = drop_after_send.filter(|after| !after.is_asked()) {
        let sentence = format!("nothing is said at the stage {after} that could go unanswered");
        let hint = format!("drop the connection behind it: --drop-after {after}");
        return Err(Failure::say(Exit::Usage, sentence).hint(hint));
    }
    let stops = [
        stop_after.map(to(Parting::Quit)),
        drop_after.map(to(Parting::Drop)),
        drop_after_send.map(to(Parting::DropUnheard)),
    ];
    Ok(stops.into_iter().flatten().next())
}

fn signs_in(account: &Account) -> bool {
    account.servers.iter().any(|url| match url {
        ServerUrl::Server(server) => account.sign_in(server).is_some(),
        ServerUrl::Sink(_) => true,
    })
}

fn is_behind(stage: Stage, other: Stage) -> bool {
    let place = |wanted| Stage::ALL.iter().position(|(_, stage)| *stage == wanted);
    place(stage) > place(other)
}

fn no_quit(after: Stage) -> Failure {
    let sentence = format!("after {after} there is no QUIT: the server takes it for the message");
    Failure::say(Exit::Usage, sentence).hint(format!("drop the connection: --drop-after {after}"))
}

/// Watches whether what is expected comes.
pub(super) struct Watching<'w> {
    inner: &'w mut dyn Observer,
    expected: &'w [Expectation],
    answers: Vec<Option<Answer>>,
}

/// What came of one expectation: the last reply, or the first that was another.
struct Answer {
    is_met: bool,
    reply: Reply,
}

/// What came of what was expected.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// All of it came.
    Met,
    /// Something else did, in a sentence.
    Unmet(String),
}

impl<'w> Watching<'w> {
    pub(super) fn new(inner: &'w mut dyn Observer, expected: &'w [Expectation]) -> Self {
        let answers = expected.iter().map(|_| None).collect();
        Watching { inner, expected, answers }
    }

    /// What came of it; `None` where nothing was expected.
    pub(super) fn verdict(&self) -> Option<Verdict> {
        if self.expected.is_empty() {
            return None;
        }
        let unmet =
            self.expected.iter().zip(&self.answers).find_map(|(expected, answer)| match answer {
                Some(Answer { is_met: true, .. }) => None,
                Some(Answer { reply, .. }) => Some(format!(
                    "{} was answered {}, and {} was expected",
                    expected.stage,
                    Escaped(reply),
                    Codes(&expected.codes)
                )),
                None => Some(format!(
                    "{} was not answered, and {} was expected",
                    expected.stage,
                    Codes(&expected.codes)
                )),
            });
        Some(unmet.map_or(Verdict::Met, Verdict::Unmet))
    }

    fn note(&mut self, phase: Phase, reply: &Reply) {
        for (expected, answer) in self.expected.iter().zip(&mut self.answers) {
            let was_unmet = answer.as_ref().is_some_and(|answer| !answer.is_met);
            if let Some(is_met) = expected.is_met_by(phase, reply).filter(|_| !was_unmet) {
                *answer = Some(Answer { is_met, reply: reply.clone() });
            }
        }
    }
}

impl Observer for Watching<'_> {
    fn event(&mut self, event: Event<'_>) {
        if let Event::Received { reply, phase, .. } = &event {
            self.note(*phase, reply);
        }
        self.inner.event(event);
    }

    fn wants_octets(&self) -> bool {
        self.inner.wants_octets()
    }

    fn wants_wire(&self) -> bool {
        self.inner.wants_wire()
    }

    fn wants_secrets(&self) -> bool {
        self.inner.wants_secrets()
    }
}

/// Beginnings of codes, in words.
struct Codes<'c>(&'c [String]);

impl fmt::Display for Codes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, code) in self.0.iter().enumerate() {
            let between = if at == 0 { "" } else { " or " };
            write!(f, "{between}{code:x<3}")?;
        }
        Ok(())
    }
}
