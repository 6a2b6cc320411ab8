//! From what was typed to a message and its envelope: files are read here, and
//! everything that can be wrong with them is found before anybody is asked.

use super::Surroundings;
use super::args::{Globals, SendArgs};
use super::clock;
use super::content::{self, Role};
use super::dsn;
use super::exit::Exit;
use super::failure::{Failure, no_from, no_recipients, warned};
use super::home::Household;
use super::input::Input;
use super::sign::{Signed, sign};
use crate::account::{Account, Accounts, Choice, Error as AccountError, QueueSettings, Settings};
use crate::delivery::Submission;
use crate::message::{
    Additions, Address, Change, Composed, Disguise, Draft, Member, Message, Opened, Place, Ready,
    Resent, Rewrite, addresses, disguised, message_id, resend,
};
use crate::smtp::{Envelope, ForwardPath, Mailbox, ReversePath};
use std::path::{Path, PathBuf};

/// A message on its way out.
pub(super) struct Job {
    pub(super) submission: Submission,
    /// Where to send it; `None` in a dry run without any account.
    pub(super) account: Option<Account>,
    /// What `[queue]` says.
    pub(super) queueing: QueueSettings,
    /// The one file with the configuration, if one is named.
    pub(super) config: Option<PathBuf>,
    /// Who of the recipients is at home here; `None` where nobody is.
    pub(super) household: Option<Household>,
    /// What was done to the message, for who wants to know.
    pub(super) changes: Vec<String>,
    /// What is doubtful about the message.
    pub(super) warnings: Vec<String>,
}

/// Reads everything and makes the message. `None` when there is nothing to
/// send and the user wants nothing sent then.
pub(super) fn prepare(
    args: &SendArgs,
    surroundings: &mut Surroundings<'_>,
) -> Result<Option<Job>, Failure> {
    let typed = Settings { save_sent: args.save_sent.clone(), ..args.connection.settings()? };
    let Globals { config, account, .. } = surroundings.globals;
    let (config, named) = (config.as_deref(), account.as_deref());
    let accounts = Accounts::for_message(config, surroundings.environment, named, &typed)?;
    surroundings.tell_of_foreign(&accounts);
    let chooser = Chooser {
        accounts: &accounts,
        named,
        typed,
        from: match &args.from {
            Some(typed) => Some(("--from", typed.clone())),
            None => surroundings.environment.text("ENVOI_FROM")?.map(|set| ("ENVOI_FROM", set)),
        },
        is_dry_run: args.dry_run.is_some(),
    };
    let mut input = Input::of_process(surroundings.environment);
    if chooser.typed.password.as_ref().is_some_and(crate::account::SecretSource::reads_stdin) {
        input.claim("the password")?;
    }
    let job = match &args.message {
        Some(path) if args.resend => {
            resent(args, path, &chooser, &mut input, surroundings).map(Some)
        }
        Some(path) if args.laboratory.as_is => {
            untouched(args, path, &chooser, &mut input, surroundings).map(Some)
        }
        Some(path) => ready(args, path, &chooser, &mut input, surroundings).map(Some),
        None if args.resend => Err(Failure::say(
            Exit::Usage,
            "--resend sends a finished message on, and none is named",
        )
        .hint("name it: --message FILE, or --message - for standard input")),
        None => composed(args, &chooser, &mut input, surroundings),
    };
    Ok(job?.map(|job| {
        let (queueing, config) = (accounts.queueing().clone(), accounts.files().only.clone());
        Job { queueing, config, ..job }
    }))
}

/// Finds the account, given what is known of the sender.
struct Chooser<'c> {
    accounts: &'c Accounts,
    named: Option<&'c str>,
    typed: Settings,
    /// Where the author was named, and how.
    from: Option<(&'static str, String)>,
    is_dry_run: bool,
}

impl Chooser<'_> {
    fn account(&self, sender: Option<&str>) -> Result<Option<Account>, Failure> {
        let choice = Choice { named: self.named, sender, typed: self.typed.clone() };
        match self.accounts.choose(choice) {
            Ok(account) => Ok(Some(account)),
            Err(AccountError::NoAccounts | AccountError::NoChoice { .. }) if self.is_dry_run => {
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// A message made from options; the order of the steps is the order in which
/// mistakes are told. `None` when it is empty and nothing is to be sent then.
fn composed(
    args: &SendArgs,
    chooser: &Chooser<'_>,
    input: &mut Input,
    surroundings: &mut Surroundings<'_>,
) -> Result<Option<Job>, Failure> {
    let account = chooser.account(chooser.from.as_ref().map(|(_, from)| from.as_str()))?;
    let mut rewrites = Vec::new();
    let map = |sender: &Mailbox| account.as_ref()?.masquerade.of(sender);
    let disguise = Disguise { author: None, map: &map };
    let from = masked(authors(chooser, account.as_ref())?, "From", &disguise, &mut rewrites);
    let Some(author) = from.iter().flat_map(Address::mailboxes).next().cloned() else {
        return Err(no_from());
    };
    let mut draft =
        Draft::new(clock::now(surroundings.environment), message_id(&author.domain().to_string())?);
    draft.from = from;
    draft.repairs = chooser.accounts.repairs();
    draft.to = list("--to", args.recipients.iter().chain(&args.to))?;
    draft.cc = list("--cc", &args.cc)?;
    draft.bcc = list("--bcc", &args.bcc)?;
    draft.reply_to =
        masked(list("--reply-to", &args.reply_to)?, "Reply-To", &disguise, &mut rewrites);
    draft.subject.clone_from(&args.subject);
    for line in &args.header {
        let (name, value) = header(line)?;
        let value = disguised(&name, &value, &disguise, &mut rewrites)?;
        draft.headers.push((name, value));
    }
    if [&draft.to, &draft.cc, &draft.bcc].into_iter().flatten().next().is_none()
        && !draft.headers.iter().any(|(name, _)| names_recipients(name))
    {
        return Err(no_recipients());
    }
    draft.defaults = args.fields.fields()?;
    let mut warnings = content::fill(&mut draft, args, input, surroundings)?;
    if args.skip_empty && content::is_blank(&draft) {
        return Ok(None);
    }
    let now = draft.date.timestamp();
    let Composed { message, recipients, warnings: more } = draft.into_message()?;
    warnings.extend(more);
    if recipients.is_empty() {
        return Err(no_recipients());
    }
    let signed = sign(message, account.as_ref(), Some(&author), now)?;
    let from = reverse_path(args, Some(author), account.as_ref())?;
    let envelope = Envelope::new(from, recipients.into_iter().map(ForwardPath::from));
    let mut warnings = warnings.iter().map(warned).collect();
    let envelope = dsn::ask(envelope, args.dsn_request(), account.as_ref(), &mut warnings);
    let changes = rewrites.iter().map(ToString::to_string).collect();
    Ok(Some(signed.into_job(envelope, account, changes, warnings)))
}

/// A message that was ready when it came, completed for submission.
fn ready(
    args: &SendArgs,
    path: &Path,
    chooser: &Chooser<'_>,
    input: &mut Input,
    surroundings: &mut Surroundings<'_>,
) -> Result<Job, Failure> {
    let typed = typed_recipients(args)?;
    let source = content::source(path, Role::Message, input, surroundings)?;
    // Whom a message without From is from; the account that the message leads
    // to is known only once it is read.
    let stand_in = match chooser.from {
        Some(_) => None,
        None => chooser.account(None).ok().flatten(),
    };
    let from = authors(chooser, stand_in.as_ref())?;
    let mut opened = Opened::read(source, chooser.accounts.repairs())?;
    let author = opened.authors()?.into_iter().next();
    let author = author.or_else(|| from.iter().flat_map(Address::mailboxes).next().cloned());
    let account = chooser.account(author.as_ref().map(ToString::to_string).as_deref())?;
    let map = |sender: &Mailbox| account.as_ref()?.masquerade.of(sender);
    let disguise = Disguise { author: None, map: &map };
    opened.disguise(&disguise)?;
    let date = clock::now(surroundings.environment);
    let from = masked(from, "From", &disguise, &mut Vec::new());
    let additions = Additions { date, message_id: None, from };
    let ready = opened.complete(&additions)?;
    let author = ready.from()?.into_iter().next();
    if author.is_none() && args.envelope_from.is_none() {
        return Err(no_from());
    }
    let to = if typed.is_empty() {
        ready.recipients()?.into_iter().map(ForwardPath::from).collect()
    } else {
        typed
    };
    if to.is_empty() {
        return Err(no_recipients());
    }
    let mut warnings = ready.warnings.iter().map(warned).collect();
    let Ready { message, changes, .. } = ready;
    let now = additions.date.timestamp();
    let signed = sign(message, account.as_ref(), author.as_ref(), now)?;
    let envelope = Envelope::new(reverse_path(args, author, account.as_ref())?, to);
    let envelope = dsn::ask(envelope, args.dsn_request(), account.as_ref(), &mut warnings);
    let mut notes: Vec<String> = changes.iter().map(ToString::to_string).collect();
    if args.from.is_some() && !changes.contains(&Change::Added("From")) {
        notes.push("kept the From of the message; --from is for one without".to_owned());
    }
    Ok(signed.into_job(envelope, account, notes, warnings))
}

/// The recipients of a finished message, as far as they were typed.
fn typed_recipients(args: &SendArgs) -> Result<Vec<ForwardPath>, Failure> {
    if !args.cc.is_empty() || !args.bcc.is_empty() {
        return Err(Failure::say(
            Exit::Usage,
            "--cc and --bcc are for a message that is composed or resent",
        )
        .hint("name them as recipients, or send the message on: --resend"));
    }
    forward_paths(args.recipients.iter().chain(&args.to))
}

/// A message of which nothing is looked at, and nothing changed.
fn untouched(
    args: &SendArgs,
    path: &Path,
    chooser: &Chooser<'_>,
    input: &mut Input,
    surroundings: &mut Surroundings<'_>,
) -> Result<Job, Failure> {
    let to = typed_recipients(args)?;
    if to.is_empty() {
        return Err(Failure::say(Exit::Usage, "with --as-is nobody is looked for in the message")
            .hint("name its recipients: envoi send --as-is --message FILE bob@example.org"));
    }
    let source = content::source(path, Role::Message, input, surroundings)?;
    let account = chooser.account(chooser.from.as_ref().map(|(_, from)| from.as_str()))?;
    let authors = authors(chooser, account.as_ref())?;
    let author = authors.iter().flat_map(Address::mailboxes).next().cloned();
    if author.is_none() && args.envelope_from.is_none() {
        return Err(no_from());
    }
    let message = Message::untouched(source)?;
    let envelope = Envelope::new(reverse_path(args, author, account.as_ref())?, to);
    let mut warnings = vec!["the message goes out as it is, fit or not: --as-is".to_owned()];
    let envelope = dsn::ask(envelope, args.dsn_request(), account.as_ref(), &mut warnings);
    let notes = message.changes().iter().map(ToString::to_string).collect();
    let signed = Signed { message, notes, warnings: Vec::new() };
    Ok(signed.into_job(envelope, account, Vec::new(), warnings))
}

/// A message that goes on to others than its header names.
fn resent(
    args: &SendArgs,
    path: &Path,
    chooser: &Chooser<'_>,
    input: &mut Input,
    surroundings: &mut Surroundings<'_>,
) -> Result<Job, Failure> {
    let account = chooser.account(chooser.from.as_ref().map(|(_, from)| from.as_str()))?;
    let mut rewrites = Vec::new();
    let map = |sender: &Mailbox| account.as_ref()?.masquerade.of(sender);
    let disguise = Disguise { author: None, map: &map };
    let from = authors(chooser, account.as_ref())?;
    let from = masked(from, "Resent-From", &disguise, &mut rewrites);
    let Some(author) = from.iter().flat_map(Address::mailboxes).next().cloned() else {
        return Err(no_from());
    };
    let resent = Resent {
        date: clock::now(surroundings.environment),
        message_id: message_id(&author.domain().to_string())?,
        from,
        to: list("--to", args.recipients.iter().chain(&args.to))?,
        cc: list("--cc", &args.cc)?,
    };
    let bcc = list("--bcc", &args.bcc)?;
    let to: Vec<_> = [&resent.to, &resent.cc, &bcc]
        .into_iter()
        .flatten()
        .flat_map(Address::mailboxes)
        .cloned()
        .map(ForwardPath::from)
        .collect();
    if to.is_empty() {
        return Err(Failure::say(Exit::Usage, "it is not said to whom to resend the message")
            .hint("name them: envoi send --resend --message FILE carol@example.org"));
    }
    let source = content::source(path, Role::Message, input, surroundings)?;
    let ready = resend(source, &resent, chooser.accounts.repairs())?;
    let mut warnings = ready.warnings.iter().map(warned).collect();
    // DMARC asks for the author, not for who sends the message on.
    let writer = ready.from().ok().and_then(|from| from.into_iter().next());
    let Ready { message, changes, .. } = ready;
    let signed = sign(message, account.as_ref(), writer.as_ref(), resent.date.timestamp())?;
    let envelope = Envelope::new(reverse_path(args, Some(author), account.as_ref())?, to);
    let envelope = dsn::ask(envelope, args.dsn_request(), account.as_ref(), &mut warnings);
    let rewrites = rewrites.iter().map(ToString::to_string);
    let notes = rewrites.chain(changes.iter().map(ToString::to_string)).collect();
    Ok(signed.into_job(envelope, account, notes, warnings))
}

/// Who writes: as typed or set in the environment, else as the account says.
fn authors(chooser: &Chooser<'_>, account: Option<&Account>) -> Result<Vec<Address>, Failure> {
    if let Some((place, text)) = &chooser.from {
        return list(place, std::slice::from_ref(text));
    }
    account.map_or_else(|| Ok(Vec::new()), authors_by)
}

/// Who writes as the account says, perhaps nobody.
pub(super) fn authors_by(account: &Account) -> Result<Vec<Address>, Failure> {
    let place = format!("from of the account ‘{}’", account.name.as_deref().unwrap_or_default());
    // What is wrong there is no typing error of today.
    list(&place, account.from.as_slice())
        .map_err(|failure| Failure { exit: Exit::Config, ..failure })
}

/// The reverse-path: as typed, else the first author, as the account shows it.
fn reverse_path(
    args: &SendArgs,
    author: Option<Mailbox>,
    account: Option<&Account>,
) -> Result<ReversePath, Failure> {
    let Some(text) = &args.envelope_from else { return Ok(ReversePath(author)) };
    let ReversePath(typed) = text.parse().map_err(|why| {
        let sentence = format!("--envelope-from: ‘{text}’ is not a mail address: {why}");
        Failure::say(Exit::DataErr, sentence)
            .hint("for a message that wants no reports of failure: --envelope-from '<>'")
    })?;
    let shown = |mailbox: Mailbox| {
        let other = account.and_then(|account| account.masquerade.of(&mailbox));
        other.unwrap_or(mailbox)
    };
    Ok(ReversePath(typed.map(shown)))
}

/// The recipients of a ready message: address lists, or `postmaster` alone.
fn forward_paths<'a>(texts: impl Iterator<Item = &'a String>) -> Result<Vec<ForwardPath>, Failure> {
    let mut paths = Vec::new();
    for text in texts {
        if text.trim().eq_ignore_ascii_case("postmaster") {
            paths.push(ForwardPath::Postmaster);
            continue;
        }
        let listed = list("the recipient", [text])?.into_iter();
        paths.extend(listed.flat_map(Address::into_mailboxes).map(ForwardPath::from));
    }
    Ok(paths)
}

/// Addresses of a field as the account shows them.
pub(super) fn masked(
    mut list: Vec<Address>,
    field: &str,
    disguise: &Disguise<'_>,
    notes: &mut Vec<Rewrite>,
) -> Vec<Address> {
    let mut mask = |mailbox: &mut Mailbox| {
        let Some(address) = disguise.of(mailbox) else { return };
        let place = Place::Field(field.to_owned());
        notes.push(Rewrite::Shown { name: mailbox.to_string(), place, address: address.clone() });
        *mailbox = address;
    };
    for address in &mut list {
        match address {
            Address::Mailbox { mailbox, .. } => mask(mailbox),
            Address::Group { members, .. } => {
                for Member { mailbox, .. } in members {
                    mask(mailbox);
                }
            }
        }
    }
    list
}

/// Reads address lists; `place` says where they were typed.
pub(super) fn list<'a>(
    place: &str,
    texts: impl IntoIterator<Item = &'a String>,
) -> Result<Vec<Address>, Failure> {
    let mut all = Vec::new();
    for text in texts {
        all.extend(addresses(text).map_err(|error| Failure::from(error).at(place.to_owned()))?);
    }
    Ok(all)
}

/// Cuts `Name: value`.
fn header(line: &str) -> Result<(String, String), Failure> {
    let (name, value) = line.split_once(':').ok_or_else(|| {
        Failure::say(Exit::Usage, format!("--header: ‘{line}’ has no colon"))
            .hint("--header 'Name: value'")
    })?;
    // A line end is no blank: it is refused where the field is made.
    let blank = |c| matches!(c, ' ' | '\t');
    Ok((name.trim_end_matches(blank).to_owned(), value.trim_matches(blank).to_owned()))
}

fn names_recipients(name: &str) -> bool {
    ["To", "Cc", "Bcc"].iter().any(|known| known.eq_ignore_ascii_case(name))
}
