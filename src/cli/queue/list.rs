//! `envoi queue list`.

use super::dropped::Dropped;
use super::unreadable;
use crate::account::Accounts;
use crate::cli::Surroundings;
use crate::cli::clock;
use crate::cli::escape::Escaped;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::render::line;
use crate::cli::words::plain;
use crate::queue::{Answer, Fate, Id, Listed, Listing, Progress, Queue, Trouble};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;
use std::io::{self, BufWriter, Write};

pub(super) fn run(
    queue: &Queue,
    accounts: &Accounts,
    surroundings: &mut Surroundings<'_>,
) -> Result<Exit, Failure> {
    let failed = |error| unreadable(queue, error);
    let mut listing = queue.list().map_err(failed)?;
    let mut troubles = queue.troubles().map_err(failed)?;
    if let Some(only) = &surroundings.globals.account {
        listing.entries.retain(|listed| listed.head.account == *only);
        known(only, listing.entries.is_empty(), accounts)?;
        troubles.retain(|(account, _)| account == only);
    }
    let unknown = unknown(&listing, accounts);
    let dropped = Dropped::beside(Some(queue), &listing.copies);
    told(&listing, &troubles, &unknown, &dropped, surroundings)
}

fn told(
    listing: &Listing,
    troubles: &[(String, Trouble)],
    unknown: &[&str],
    dropped: &Dropped,
    surroundings: &mut Surroundings<'_>,
) -> Result<Exit, Failure> {
    let told = if surroundings.globals.json {
        json(listing, troubles, unknown, dropped, surroundings.out)
    } else {
        people(listing, troubles, unknown, dropped, surroundings)
            .and_then(|()| dropped.tell(surroundings))
    };
    told.map_err(|error| Failure::caused(Exit::IoErr, "cannot write the list", error))?;
    Ok(Exit::Ok)
}

/// The accounts of messages that wait, and that this configuration lacks: what
/// waits for them is sent by somebody else, or by nobody.
fn unknown<'l>(listing: &'l Listing, accounts: &Accounts) -> Vec<&'l str> {
    let waits = |listed: &&Listed| !listed.state.waiting().is_empty();
    let names = listing.entries.iter().filter(waits).map(|listed| listed.head.account.as_str());
    let mut names: Vec<&str> = names.collect();
    names.sort_unstable();
    names.dedup();
    names.retain(|name| accounts.place(name).is_none());
    names
}

/// Fails for an account of which there is nothing, and that nobody configured.
pub(super) fn known(account: &str, has_nothing: bool, accounts: &Accounts) -> Result<(), Failure> {
    match accounts.configured(account) {
        Err(error) if has_nothing => Err(error.into()),
        Ok(_) | Err(_) => Ok(()),
    }
}

/// The list of a queue that is not there.
pub(super) fn empty(surroundings: &mut Surroundings<'_>) -> Result<Exit, Failure> {
    told(&Listing::default(), &[], &[], &Dropped::beside(None, &[]), surroundings)
}

/// What Postfix and Sendmail say, which programs look for.
const EMPTY: &str = "Mail queue is empty";

fn people(
    listing: &Listing,
    troubles: &[(String, Trouble)],
    unknown: &[&str],
    dropped: &Dropped,
    surroundings: &mut Surroundings<'_>,
) -> io::Result<()> {
    let zone = &clock::zone(surroundings.environment);
    let out = &mut BufWriter::new(&mut *surroundings.out);
    let is_empty = listing.entries.is_empty() && listing.unusable.is_empty();
    if is_empty && listing.set_aside.is_empty() && dropped.waiting.is_empty() {
        writeln!(out, "{EMPTY}")?;
    }
    for listed in &listing.entries {
        let trouble = troubles.iter().find(|(account, _)| *account == listed.head.account);
        message(listed, trouble.map(|(_, trouble)| trouble.until), zone, out)?;
    }
    for (name, error) in &listing.unusable {
        writeln!(out, "{name}  cannot be used: {}", Escaped(error))?;
    }
    for id in &listing.set_aside {
        writeln!(out, "{id}  is damaged, and was set aside")?;
    }
    for account in unknown {
        let account = Escaped(account);
        writeln!(out, "the account {account} is not configured for who looks here")?;
    }
    for (account, trouble) in troubles {
        writeln!(
            out,
            "the account {} does not work since {}; it rests until {}: {}",
            Escaped(account),
            moment(trouble.since, zone),
            moment(trouble.until, zone),
            answer_words(&trouble.answer)
        )?;
    }
    match listing.foreign.len() {
        0 => {}
        1 => writeln!(out, "1 file in the directory of the queue is none of envoi's")?,
        count => writeln!(out, "{count} files in the directory of the queue are none of envoi's")?,
    }
    out.flush()
}

/// One message, and everybody who does not have it. Its account may rest for a
/// while, and the message with it.
fn message(
    listed: &Listed,
    rests_until: Option<Timestamp>,
    zone: &TimeZone,
    out: &mut dyn Write,
) -> io::Result<()> {
    let Listed { id, head, state } = listed;
    let sender = Escaped(&head.envelope.from);
    let kept = moment(head.kept, zone);
    let held = if state.held { "  held" } else { "" };
    writeln!(out, "{id}  {kept}  {} octets  from {sender}{held}", head.size)?;
    for (recipient, progress) in head.envelope.to().iter().zip(&state.to) {
        let word = match progress.fate {
            // The server may have it already, and gets it again.
            Fate::Waiting if progress.is_uncertain() => "uncertain",
            Fate::Waiting => "waits",
            Fate::Failed | Fate::Reported => "failed",
            Fate::Accepted => continue,
        };
        let why = progress.answer.as_ref().map(answer_words).unwrap_or_default();
        let line = format!("  {word:<9}  {}  {why}", Escaped(&recipient.path));
        writeln!(out, "{}", line.trim_end())?;
    }
    let next = head.not_before.max(state.next_try).max(rests_until);
    if state.waiting().is_empty() {
        return Ok(());
    }
    match (next, state.tries) {
        (Some(next), 0) => writeln!(out, "  to be sent at {}", moment(next, zone)),
        (Some(next), 1) => {
            writeln!(out, "  tried once; next try at {}", moment(next, zone))
        }
        (Some(next), tries) => {
            writeln!(out, "  tried {tries} times; next try at {}", moment(next, zone))
        }
        (None, _) => writeln!(out, "  to be sent with the next run"),
    }
}

/// A moment in the zone of the user.
pub(super) fn moment(moment: Timestamp, zone: &TimeZone) -> String {
    moment.to_zoned(zone.clone()).strftime("%F %H:%M:%S").to_string()
}

/// What was answered, safe to print.
pub(super) fn answer_words(answer: &Answer) -> String {
    Escaped(plain(&answer.to_string())).to_string()
}

/// The text of an answer, for programs.
pub(super) fn answer_text(answer: Option<&Answer>) -> String {
    answer.map(|answer| plain(&answer.text.join(" "))).unwrap_or_default()
}

fn json(
    listing: &Listing,
    troubles: &[(String, Trouble)],
    unknown: &[&str],
    dropped: &Dropped,
    out: &mut dyn Write,
) -> io::Result<()> {
    let object = ListJson {
        version: 1,
        messages: listing.entries.iter().map(MessageJson::of).collect(),
        unusable: listing
            .unusable
            .iter()
            .map(|(id, error)| UnusableJson { id, reason: error.to_string() })
            .collect(),
        set_aside: listing.set_aside.iter().map(Id::as_str).collect(),
        foreign: &listing.foreign,
        handed_in: dropped.waiting.len(),
        drop_fault: dropped.fault.as_deref(),
        left_in_drop: dropped
            .left
            .iter()
            .map(|left| LeftJson { file: &left.name, owner: left.owner, reason: &left.reason })
            .collect(),
        troubles: troubles
            .iter()
            .map(|(account, trouble)| TroubleJson {
                account,
                since: trouble.since,
                until: trouble.until,
                reason: plain(&trouble.answer.to_string()),
            })
            .collect(),
        unknown_accounts: unknown,
    };
    let mut out = BufWriter::new(out);
    line(&object, &mut out)?;
    out.flush()
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ListJson<'l> {
    version: u8,
    messages: Vec<MessageJson>,
    unusable: Vec<UnusableJson<'l>>,
    set_aside: Vec<&'l str>,
    foreign: &'l [String],
    handed_in: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    drop_fault: Option<&'l str>,
    left_in_drop: Vec<LeftJson<'l>>,
    troubles: Vec<TroubleJson<'l>>,
    unknown_accounts: &'l [&'l str],
}

#[derive(Serialize)]
struct LeftJson<'l> {
    file: &'l str,
    owner: u32,
    reason: &'l str,
}

#[derive(Serialize)]
struct UnusableJson<'l> {
    id: &'l str,
    reason: String,
}

#[derive(Serialize)]
struct TroubleJson<'l> {
    account: &'l str,
    since: Timestamp,
    until: Timestamp,
    reason: String,
}

/// One message as an object.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MessageJson {
    version: u8,
    id: String,
    account: String,
    kept: Timestamp,
    size: u64,
    message_id: Option<String>,
    from: String,
    held: bool,
    tries: u32,
    last_try: Option<Timestamp>,
    next_try: Option<Timestamp>,
    not_before: Option<Timestamp>,
    owner: Option<u32>,
    recipients: Vec<RecipientJson>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RecipientJson {
    address: String,
    fate: Fate,
    uncertain: bool,
    server: Option<String>,
    code: Option<u16>,
    enhanced: Option<String>,
    text: String,
}

impl MessageJson {
    pub(super) fn of(listed: &Listed) -> Self {
        let Listed { id, head, state } = listed;
        let to = head.envelope.to().iter().zip(&state.to);
        MessageJson {
            version: 1,
            id: id.to_string(),
            account: head.account.clone(),
            kept: head.kept,
            size: head.size,
            message_id: head.message_id.clone(),
            from: head.envelope.from.to_string(),
            held: state.held,
            tries: state.tries,
            last_try: state.last_try,
            next_try: state.next_try,
            not_before: head.not_before,
            owner: head.owner,
            recipients: to
                .map(|(recipient, progress)| RecipientJson::of(&recipient.path, progress))
                .collect(),
        }
    }
}

impl RecipientJson {
    fn of(path: &crate::smtp::ForwardPath, progress: &Progress) -> Self {
        let answer = progress.answer.as_ref();
        RecipientJson {
            address: path.to_string(),
            fate: progress.fate,
            uncertain: progress.is_uncertain(),
            server: answer.and_then(|answer| answer.server.clone()),
            code: answer.and_then(|answer| answer.code),
            enhanced: answer.and_then(|answer| answer.enhanced.clone()),
            text: answer_text(answer),
        }
    }
}
