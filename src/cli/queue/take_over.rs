//! `envoi queue run` of root begins with what users handed in.

use super::{place, unreadable};
use crate::account::Accounts;
use crate::cli::Surroundings;
use crate::cli::escape::Escaped;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::render::line;
use crate::net::Interrupt;
use crate::queue::{HandedIn, Intake, IntakeError, Left, Queue};
use jiff::Timestamp;
use serde::Serialize;
use std::borrow::Cow;
use std::path::Path;

/// Takes over what users handed in, and gives the number of messages. What stays
/// is told once. What fails here keeps nobody from sending the rest.
pub(super) fn run(
    queue: &Queue,
    accounts: &Accounts,
    interrupt: &Interrupt,
    surroundings: &mut Surroundings<'_>,
) -> Result<usize, Failure> {
    let copies = queue.copies().map_err(|error| unreadable(queue, error))?;
    let Some(drop) = place::taken_over().or_else(|| place::missed(&copies)) else { return Ok(0) };
    if let Some(only) = &accounts.files().only {
        let sentence = format!(
            "what users handed in waits: it goes through the accounts of {}, which is read where \
             no other file is named, as {} is",
            accounts.files().system.display(),
            only.display()
        );
        return Err(Failure::say(Exit::Config, sentence));
    }
    let intake = Intake {
        queue,
        drop,
        is_for_all: &|name| accounts.is_shared(name),
        repairs: accounts.repairs(),
        limits: place::limits_of_drop(accounts.queueing()),
        interrupt,
    };
    let taken = intake.run(Timestamp::now(), &mut |handed_in| tell(&handed_in, drop, surroundings));
    taken.map_err(|error| {
        let exit = match &error {
            IntakeError::Folder(_) | IntakeError::Io { .. } => Exit::IoErr,
            IntakeError::Busy(_) => Exit::TempFail,
        };
        let hint = match &error {
            IntakeError::Folder(error) => Some(place::how_to_mend_drop(error)),
            IntakeError::Io { .. } | IntakeError::Busy(_) => None,
        };
        let failure = Failure::say(exit, format!("what users handed in waits: {error}"));
        match hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    })
}

fn tell(handed_in: &HandedIn, drop: &Path, surroundings: &mut Surroundings<'_>) {
    let globals = surroundings.globals;
    // Nobody may be there to read it.
    let _ = match handed_in {
        _ if globals.json => line(&Json::of(handed_in), surroundings.out),
        HandedIn::Taken { .. } if globals.quiet => Ok(()),
        HandedIn::Taken { id, owner } => {
            let who = "was handed in by the user with the number";
            writeln!(surroundings.out, "{id}  taken      {who} {owner}")
        }
        HandedIn::Left(left) => writeln!(surroundings.err, "envoi: {}", words(left, drop)),
        HandedIn::SetAside { id, reason } => {
            let err = &mut surroundings.err;
            writeln!(err, "envoi: the message {id} in the queue was set aside: {}", Escaped(reason))
        }
    };
}

/// A sentence about a file that stays.
pub(super) fn words(left: &Left, drop: &Path) -> String {
    let Left { name, owner, reason, .. } = left;
    format!(
        "the file {} of the user with the number {owner} stays there: {}",
        Escaped(drop.join(name).display()),
        Escaped(reason)
    )
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Json<'j> {
    version: u8,
    event: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'j str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'j str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<Cow<'j, str>>,
}

impl<'j> Json<'j> {
    fn of(handed_in: &'j HandedIn) -> Self {
        match handed_in {
            HandedIn::Taken { id, owner } => Json {
                version: 1,
                event: "taken",
                id: Some(id.as_str()),
                file: None,
                owner: Some(*owner),
                reason: None,
            },
            HandedIn::Left(left) => Json {
                version: 1,
                event: "leftInDrop",
                id: None,
                file: Some(&left.name),
                owner: Some(left.owner),
                reason: Some(left.reason.as_str().into()),
            },
            HandedIn::SetAside { id, reason } => Json {
                version: 1,
                event: "setAside",
                id: Some(id.as_str()),
                file: None,
                owner: None,
                reason: Some(reason.to_string().into()),
            },
        }
    }
}
