//! Recipients of this machine: whoever is at home here gets the message here.

use super::outcome::{Cause, NotKept, Outcome};
use super::report::Attempt;
use super::route::Route;
use super::{Submission, World, submit};
use crate::maildir::{self, Draft, Name, Place};
use crate::message::Message;
use crate::session::Observer;
use crate::smtp::{Envelope, ForwardPath, Reply, ReversePath};
use jiff::Timestamp;
use rustix::process::{Gid, Uid};
use rustix::thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid};
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

/// Who is at home on this machine, and what becomes of their mail.
pub trait Home {
    /// Whether this recipient is.
    fn has(&self, path: &ForwardPath) -> bool;

    /// Whether nobody gets the message where somebody cannot, here or
    /// elsewhere.
    fn is_all_or_nothing(&self) -> bool;

    /// Why one who is gets nothing, where that is clear beforehand.
    fn refuses(&self, path: &ForwardPath) -> Option<Outcome>;

    /// The Maildir of one who is, where that is known. Who has the same one is
    /// the same user under another name, and gets one copy.
    fn maildir(&self, path: &ForwardPath) -> Option<PathBuf>;

    /// Keeps the message for one who is; and what servers were asked for that.
    fn keep(
        &self,
        path: &ForwardPath,
        submission: &Submission,
        world: &World<'_>,
        observer: &mut dyn Observer,
    ) -> (Outcome, Vec<Attempt>);
}

/// A user of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The Maildir.
    pub maildir: PathBuf,
    /// The number of the user, and of the group.
    pub numbers: (u32, u32),
}

/// The Maildirs of this machine.
pub struct Maildirs<'m> {
    /// The name of this machine in the names of files.
    pub host: &'m str,
    /// The user whom a recipient is, if there is one.
    pub owner: &'m dyn Fn(&ForwardPath) -> Option<Owner>,
}

impl Maildirs<'_> {
    /// The outcome of a recipient who is no user.
    pub fn refuses(&self, path: &ForwardPath) -> Option<Outcome> {
        (self.owner)(path).is_none().then(|| no_such_user(path))
    }

    /// Writes the message, with what the last machine on the way puts on top
    /// (RFC 5321 §4.4). It is on the disk when it is accepted.
    pub fn keep(&self, path: &ForwardPath, submission: &Submission) -> Outcome {
        let Some(owner) = (self.owner)(path) else { return no_such_user(path) };
        let from = &submission.envelope.from;
        let written =
            as_owner(owner.numbers, || write(&owner, self.host, from, path, &submission.message));
        match written {
            Ok(file) => Outcome::Accepted(kept(&file)),
            Err(reason) => Outcome::Deferred(Cause::NotKept(NotKept::NotWritten {
                place: owner.maildir.display().to_string(),
                reason: Arc::new(reason),
            })),
        }
    }
}

fn no_such_user(path: &ForwardPath) -> Outcome {
    let name = match path {
        ForwardPath::Mailbox(mailbox) => mailbox.local_part().to_owned(),
        ForwardPath::Postmaster => "postmaster".to_owned(),
    };
    Outcome::Rejected(Cause::NotKept(NotKept::NoSuchUser(name)))
}

/// Hands the message to a server of LMTP, for this recipient alone.
pub fn keep_by_lmtp(
    route: &Route,
    path: &ForwardPath,
    submission: &Submission,
    world: &World<'_>,
    observer: &mut dyn Observer,
) -> (Outcome, Vec<Attempt>) {
    let alone = Submission {
        envelope: Envelope::new(submission.envelope.from.clone(), [path.clone()]),
        message: Arc::clone(&submission.message),
    };
    let report = submit(&alone, route, world, observer);
    let outcome = report.recipients.into_iter().next().map(|(_, outcome)| outcome);
    (outcome.unwrap_or(Outcome::Deferred(Cause::Withheld)), report.attempts)
}

/// What a server would say.
fn kept(file: &Path) -> Reply {
    let text =
        format!("2.0.0 kept as {}", file.display().to_string().replace(char::is_control, "?"));
    Reply::new(250, &text).map(Reply::with_enhanced).expect("250 is a code")
}

fn write(
    owner: &Owner,
    host: &str,
    from: &ReversePath,
    to: &ForwardPath,
    message: &Message,
) -> io::Result<PathBuf> {
    let maildir = &owner.maildir;
    // What makes folders follows links, too; and one may come in between.
    trust_links(owner)?;
    maildir::make(maildir)?;
    trust_links(owner)?;
    let mut draft = Draft::begin(maildir, &Name::at(Timestamp::now())?, host)?;
    if message.facts().binary {
        draft = draft.binary();
    }
    write!(draft, "Return-Path: {from}\r\nDelivered-To: {to}\r\n")?;
    let mut octets = message.open().map_err(io::Error::other)?;
    io::copy(&mut octets, &mut draft)?;
    draft.keep_on_disk(Place::New)
}

/// Links of root, of whose Maildir it is, and our own are followed. Another's may
/// lead to where only the superuser may write.
fn trust_links(owner: &Owner) -> io::Result<()> {
    let trusted = [ROOT, owner.numbers.0, rustix::process::geteuid().as_raw()];
    let folders = maildir::FOLDERS.map(|folder| owner.maildir.join(folder));
    for path in owner.maildir.ancestors().chain(folders.iter().map(PathBuf::as_path)) {
        // Whatever else is wrong with it shows when it is used.
        let Ok(facts) = fs::symlink_metadata(path) else { continue };
        if facts.is_symlink() && !trusted.contains(&facts.uid()) {
            let (link, user) = (path.display(), facts.uid());
            return Err(io::Error::other(format!(
                "{link} is a link that belongs to the user with the number {user}"
            )));
        }
    }
    Ok(())
}

const ROOT: u32 = 0;

/// Does it as this user where we may be anybody: what the user has put into the
/// way, such as a link, then leads only where he may go himself.
fn as_owner<T: Send>(
    (user, group): (u32, u32),
    write: impl FnOnce() -> io::Result<T> + Send,
) -> io::Result<T> {
    if !rustix::process::geteuid().is_root() || user == 0 {
        return write();
    }
    let (user, group) = (Uid::from_raw(user), Gid::from_raw(group));
    thread::scope(|scope| {
        // Only this thread becomes the user, and it ends.
        let thread = scope.spawn(move || {
            set_thread_groups(&[group])?;
            set_thread_res_gid(group, group, group)?;
            set_thread_res_uid(user, user, user)?;
            write()
        });
        thread.join().unwrap_or_else(|_| Err(io::Error::other("the thread did not end well")))
    })
}
