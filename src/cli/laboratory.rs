//! What steers a conversation, as typed: what of it makes sense, and what came
//! of what was expected.

use super::args::{LaboratoryArgs, SendArgs};
use super::escape::Escaped;
use super::exit::Exit;
use super::failure::Failure;
use crate::account::{Account, ServerUrl};
use crate::delivery::{Cause, Outcome, Report, Route};
use crate::net::{ProxyHeader, Security, TlsVersion};
use crate::session::{Came, Expectation, Expectations, Kind, Parting, Stage, Steering, Stop};
use crate::smtp::{ForwardPath, Phase, Xclient};
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
                expected: Expectations::new(typed.expect.clone()),
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
        let stages: Vec<Stage> = stages.chain(expected.list().iter().map(|it| it.stage)).collect();
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
        } else if stages.contains(&Stage::Tls) && none(&TLS) {
            "no server of this account is spoken to under TLS: there is no stage tls"
        } else if stages.contains(&Stage::Xclient) && xclient.is_none() {
            "without --xclient there is no stage xclient"
        } else if stages.contains(&Stage::Auth) && !signs_in(account) {
            "nobody signs in: there is no stage auth"
        } else if self.limits_tls() && none(&TLS) {
            "no server of this account is spoken to under TLS: there is no TLS to limit"
        } else if self.has_no_suite(account.tls.least) {
            "none of these cipher suites belongs to a version of TLS that may be spoken"
        } else if self.tls_max.is_some_and(|most| most < account.tls.least) {
            "--tls-max is older than the oldest version that may be spoken"
        } else {
            return Ok(());
        };
        Err(Failure::say(Exit::Usage, sentence))
    }

    fn limits_tls(&self) -> bool {
        self.tls_max.is_some() || !self.tls_cipher.is_empty()
    }

    /// Whether suites are named, and none is for a version from this one on. The
    /// names of those of TLS 1.3 tell no key exchange (RFC 8446 §B.4).
    fn has_no_suite(&self, least: TlsVersion) -> bool {
        let is_new = |suite: &String| !suite.contains("_WITH_");
        let most = self.tls_max.unwrap_or(TlsVersion::V1_3);
        let fits = |suite: &String| {
            if is_new(suite) { most == TlsVersion::V1_3 } else { least == TlsVersion::V1_2 }
        };
        !self.tls_cipher.is_empty() && !self.tls_cipher.iter().any(fits)
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

/// How a server may be spoken to under TLS.
const TLS: [Security; 3] = [Security::StartTls, Security::Opportunistic, Security::Implicit];

fn signs_in(account: &Account) -> bool {
    account.servers.iter().any(|url| match url {
        ServerUrl::Server(server) => account.sign_in(server).is_some(),
        ServerUrl::Sink(_) => true,
    })
}

fn is_behind(stage: Stage, other: Stage) -> bool {
    // The first EHLO may be the last.
    if (stage, other) == (Stage::Helo, Stage::FirstHelo) {
        return false;
    }
    let place = |wanted| Stage::ALL.iter().position(|(_, stage)| *stage == wanted);
    place(stage) > place(other)
}

fn no_quit(after: Stage) -> Failure {
    let why = match after {
        Stage::Dot => "the message is sent by then",
        _ => "the server takes what follows for the message",
    };
    let sentence = format!("there is nothing to stop after {after}: {why}");
    Failure::say(Exit::Usage, sentence).hint(format!("drop the connection: --drop-after {after}"))
}

/// What came of what was expected.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// All of it came, and nothing else went wrong.
    Met,
    /// Something else did, in a sentence.
    Unmet(String),
}

impl Laboratory {
    /// What came of what was expected. `None` where nothing was, or where all
    /// came and something else went wrong, which then counts.
    pub(super) fn verdict(&self, report: &Report) -> Option<Verdict> {
        let expected = &self.steering.expected;
        if expected.is_empty() {
            return None;
        }
        let came = expected.came();
        let mut both = expected.list().iter().zip(&came);
        let unmet = both.find_map(|(it, came)| unmet(it, came, report));
        let is_forgiven = |(_, outcome): &(ForwardPath, Outcome)| self.forgives(outcome);
        match unmet {
            Some(sentence) => Some(Verdict::Unmet(sentence)),
            None => report.recipients.iter().all(is_forgiven).then_some(Verdict::Met),
        }
    }

    /// Whether an outcome is one that was expected.
    fn forgives(&self, outcome: &Outcome) -> bool {
        let list = self.steering.expected.list();
        let is_expected = |phase: Phase| list.iter().any(|it| it.is_about(phase));
        match outcome.cause() {
            None | Some(Cause::Withheld) => true,
            Some(Cause::Replied(phase, _)) => is_expected(*phase),
            Some(Cause::Broke(error)) => match error.kind {
                Kind::Stopped(_) => true,
                Kind::Refused(_) => is_expected(error.phase),
                _ => false,
            },
            Some(Cause::Unmet(_) | Cause::NotKept(_)) => false,
        }
    }
}

/// Why an expectation was not met, if it was not.
fn unmet(expected: &Expectation, came: &Came, report: &Report) -> Option<String> {
    let Expectation { stage, codes } = expected;
    let codes = Codes(codes);
    let recipients = report.recipients.len();
    let other = came.iter().find(|(_, is_met)| !is_met);
    match (other, came.len()) {
        (Some((reply, _)), _) => {
            Some(format!("{stage} was answered {}, and {codes} was expected", Escaped(reply)))
        }
        (None, 0) => Some(format!("{stage} was not answered, and {codes} was expected")),
        (None, answers) if *stage == Stage::Rcpt && answers < recipients => Some(format!(
            "{stage} was answered for {answers} of {recipients} recipients, and {codes} was \
             expected for each"
        )),
        (None, _) => None,
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
