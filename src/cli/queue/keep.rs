//! Keeping a message, whole or what is left of it after a try.

use super::{dice, how_to_write, place};
use crate::account::{Account, Environment, QueueSettings, SecretSource, ServerUrl};
use crate::cli::exit::Exit;
use crate::cli::failure::{Failure, quoted};
use crate::cli::message::Job;
use crate::delivery::Report;
use crate::queue::{
    DropBox, Fate, HandInError, Happening, Head, Id, KeepError, Line, Queue, State,
};
use jiff::Timestamp;
use std::path::Path;
use std::time::Duration;

/// What becomes of what cannot be sent at once.
#[derive(Clone, Copy, Default)]
pub(in crate::cli) enum Keeping<'k> {
    /// It is reported.
    #[default]
    Nothing,
    /// It is kept, after a try.
    Rest(Keeper<'k>),
    /// The message is kept, and not tried.
    All(Keeper<'k>),
}

/// Who keeps messages of one account.
#[derive(Clone, Copy)]
pub(in crate::cli) struct Keeper<'k> {
    account: &'k str,
    /// They are handed in to the queue of the whole system.
    hands_in: bool,
    /// This user cannot send them.
    is_out_of_reach: bool,
    /// They go through an account of all users.
    is_shared: bool,
    settings: &'k QueueSettings,
    /// The one file with the configuration, if one is named.
    config: Option<&'k Path>,
    environment: &'k Environment,
}

/// A message, or a part of it, that is in the queue.
#[derive(Debug)]
pub(in crate::cli) struct Kept {
    /// Who is to get it from there: positions in the envelope.
    pub(in crate::cli) positions: Vec<usize>,
    /// It was not tried, because it is to be sent at another time, or with the
    /// next run.
    pub(in crate::cli) is_untried: bool,
    /// When it is tried next.
    pub(in crate::cli) next: Option<Timestamp>,
    /// It was handed in, and root sends it.
    pub(in crate::cli) is_handed_in: bool,
    /// What is to be known about it: nobody may be there to try it.
    pub(in crate::cli) warnings: Vec<String>,
}

/// Where messages are kept.
enum Store {
    Own(Queue),
    Drop(DropBox),
}

impl<'k> Keeping<'k> {
    /// The message is kept after a try, unless it is known that this user
    /// cannot try it, and somebody else can.
    pub(in crate::cli) fn after_a_try(keeper: Keeper<'k>) -> Self {
        if keeper.hands_in && keeper.is_out_of_reach {
            Keeping::All(keeper)
        } else {
            Keeping::Rest(keeper)
        }
    }
}

impl<'k> Keeper<'k> {
    /// Fails (64) where whoever tries later could not do it: there is no name
    /// for the account, or its secret cannot be had without this user, now.
    pub(in crate::cli) fn of(
        account: &'k Account,
        job: &'k Job,
        environment: &'k Environment,
    ) -> Result<Self, Failure> {
        let Some(name) = account.name.as_deref() else {
            let sentence = "only messages of an account can be kept: whoever sends them later \
                            has to know the server, and how to sign in";
            return Err(Failure::say(Exit::Usage, sentence)
                .hint("make an account: envoi account add you@example.org"));
        };
        if let Some(source) = unattended(account) {
            let sentence = format!(
                "messages of the account {name} cannot be kept: its password {source}, which \
                 nobody can do later"
            );
            return Err(Failure::say(Exit::Usage, sentence)
                .hint("keep it in the keyring (password = { keyring = true }), or in a file"));
        }
        let hands_in = account.is_shared && place::hands_in();
        let is_out_of_reach = account.is_out_of_reach(environment);
        let is_shared = account.is_shared;
        Ok(Keeper {
            account: name,
            hands_in,
            is_out_of_reach,
            is_shared,
            settings: &job.queueing,
            config: job.config.as_deref(),
            environment,
        })
    }

    /// Whether a message is small enough.
    pub(in crate::cli) fn takes(&self, job: &Job) -> bool {
        let limits = if self.hands_in { place::limits_of_drop } else { place::limits };
        job.submission.message.facts().size <= limits(self.settings).max_message
    }

    /// Keeps a message for those whom this report leaves open, or for all.
    /// `None` where nobody is left.
    pub(in crate::cli) fn keep(
        &self,
        local_id: &str,
        job: &Job,
        report: Option<&Report>,
        not_before: Option<Timestamp>,
    ) -> Result<Option<Kept>, Failure> {
        let Job { submission, household, .. } = job;
        let now = Timestamp::now();
        let all: Vec<usize> = (0..submission.envelope.to().len()).collect();
        let mut state = State::untried(all.len());
        if let Some(report) = report {
            state.note(&all, report, now);
        }
        let positions = state.with(Fate::Waiting);
        if positions.is_empty() {
            return Ok(None);
        }
        let store = self.store()?;
        state.to = positions.iter().map(|&at| state.to[at].clone()).collect();
        state.plan(now, &place::policy(self.settings), now, dice());
        if report.is_none() || not_before.is_some() {
            state = State { tries: 0, last_try: None, next_try: None, ..state };
        }
        let next = not_before.or(state.next_try);
        let id = local_id.parse().or_else(|_| Id::new()).map_err(|error| {
            Failure::caused(Exit::OsErr, "there is no name for the message in the queue", error)
        })?;
        let mut envelope = submission.envelope.narrowed_to(&positions);
        // Whoever tries later waits for the moment himself.
        envelope.hold = None;
        let head = Head {
            account: self.account.to_owned(),
            kept: now,
            not_before,
            envelope,
            state,
            size: 0,
            message_id: submission.message.facts().message_id.clone(),
            owner: None,
            is_report: false,
            stays_here: household.is_some(),
        };
        let warnings = match &store {
            Store::Own(queue) => {
                queue.keep(&id, &head, &submission.message).map_err(not_kept)?;
                record(queue, &id, &head);
                idle(
                    queue.last_run(),
                    queue.policy.max_retry,
                    &call(self.environment, self.config),
                    now,
                )
            }
            Store::Drop(drop) => {
                drop.hand_in(&id, &head, &submission.message).map_err(not_handed_in)?;
                let max_retry = place::policy(self.settings).max_retry;
                idle(drop.last_run(), max_retry, ROOTS_CALL, now)
            }
        };
        Ok(Some(Kept {
            positions,
            is_untried: head.state.tries == 0,
            next,
            is_handed_in: self.hands_in,
            warnings: warnings.into_iter().collect(),
        }))
    }

    fn store(&self) -> Result<Store, Failure> {
        if self.hands_in {
            place::drop_box(self.settings).map(Store::Drop)
        } else if self.is_shared && self.is_out_of_reach {
            // In this user's own queue it would wait for ever.
            Err(place::no_drop(self.account))
        } else {
            let made = place::made(self.settings, self.environment);
            // Whatever stands in the way may be gone when it is sent again.
            let passing = |exit| match exit {
                Exit::NoPerm | Exit::CantCreat => Exit::TempFail,
                exit => exit,
            };
            made.map(Store::Own)
                .map_err(|failure| Failure { exit: passing(failure.exit), ..failure })
        }
    }
}

fn record(queue: &Queue, id: &Id, head: &Head) {
    let to = head.envelope.to().iter().map(|to| to.path.to_string()).collect();
    let text = head.state.to[0].answer.as_ref().map(ToString::to_string).unwrap_or_default();
    queue.record(&Line { at: head.kept, id: id.to_string(), what: Happening::Kept, to, text });
}

/// How a user has his queue tried. Cron has a PATH and an environment of its
/// own.
fn call(environment: &Environment, config: Option<&Path>) -> String {
    let program = std::env::current_exe().unwrap_or_else(|_| "envoi".into());
    let mut command = quoted(&program);
    if let Some(state) = environment.get("XDG_STATE_HOME") {
        command = format!("XDG_STATE_HOME={} {command}", quoted(Path::new(&state)));
    }
    if let Some(config) = config {
        let config = std::path::absolute(config).unwrap_or_else(|_| config.to_owned());
        command = format!("{command} -C {}", quoted(&config));
    }
    format!(
        "have ‘envoi queue run’ called every few minutes, as by cron: (crontab -l; echo {}) | \
         crontab -",
        quoted(Path::new(&format!("*/5 * * * * {command} queue run -q")))
    )
}

const ROOTS_CALL: &str = "root can have it sent every few minutes: \
                          systemctl enable --now envoi-queue.path envoi-queue.timer";

/// The sentence that says that nobody tries what is in the queue, if nobody
/// was there for twice the longest pause.
fn idle(
    last_run: Option<Timestamp>,
    max_retry: Duration,
    call: &str,
    now: Timestamp,
) -> Option<String> {
    is_idle(last_run, max_retry, now).then(|| format!("nothing tries what is in the queue: {call}"))
}

/// Whether nobody has run a queue for twice the longest pause.
pub(super) fn is_idle(last_run: Option<Timestamp>, max_retry: Duration, now: Timestamp) -> bool {
    let longest = 2 * max_retry.as_secs();
    // What lies as far ahead was put there by a clock that was wrong.
    let is_recent = |last: Timestamp| last.as_second().abs_diff(now.as_second()) <= longest;
    !last_run.is_some_and(is_recent)
}

/// Why root would not take it over, or it could not be put there.
fn not_handed_in(error: HandInError) -> Failure {
    match error {
        HandInError::Unfit(error) => {
            Failure::new(Exit::Unavailable, error).hint("send it to fewer at a time, or sooner")
        }
        HandInError::Keep(error @ KeepError::TooLarge { .. }) => {
            let hint = "max-message of [queue] in /etc/envoi/config.toml is the limit for all";
            Failure::new(Exit::Unavailable, error).hint(hint)
        }
        HandInError::Keep(error) => not_kept(error),
    }
}

fn not_kept(error: KeepError) -> Failure {
    let limit = |key| Some(format!("{key} of [queue] is the limit"));
    let (exit, hint) = match &error {
        KeepError::TooLarge { .. } => (Exit::Unavailable, limit("max-message")),
        KeepError::Full { .. } => {
            let see = "max-total of [queue] is the limit; see what waits: envoi queue";
            (Exit::Unavailable, Some(see.to_owned()))
        }
        KeepError::NoRoom { .. } => (Exit::TempFail, limit("keep-free")),
        KeepError::Envelope(_) => (Exit::Software, None),
        KeepError::Message(_) => (Exit::IoErr, None),
        KeepError::Io { path, reason } => (Exit::TempFail, Some(how_to_write(path, reason))),
    };
    let failure = Failure::new(exit, error);
    match hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

/// Where a secret of the account is that cannot be had later, in words.
fn unattended(account: &Account) -> Option<&'static str> {
    let signs_in = |server: &ServerUrl| match server {
        ServerUrl::Server(server) => account.sign_in(server),
        ServerUrl::Sink(_) => None,
    };
    account.servers.iter().filter_map(signs_in).find_map(|sign_in| {
        if sign_in.oauth2.is_some() {
            return None;
        }
        match sign_in.token.as_ref().unwrap_or(&sign_in.password) {
            SecretSource::Prompt => Some("is typed at the terminal"),
            SecretSource::Fd(_) => Some("comes from a file descriptor"),
            SecretSource::Env(_) => Some("comes from a variable"),
            SecretSource::Value(_)
            | SecretSource::File(_)
            | SecretSource::Command(_)
            | SecretSource::Credential(_)
            | SecretSource::Keyring
            | SecretSource::Netrc(_) => None,
        }
    })
}
