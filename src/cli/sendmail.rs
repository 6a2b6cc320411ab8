//! `sendmail`: a message of a program of this machine, on its way out. Names
//! become addresses first; then the account is chosen, by the sender that they
//! became; then its masquerade is put on.

mod caller;
mod dialogue;
mod office;
mod verify;

use super::Surroundings;
use super::args::{self, Globals, Sendmail, SendmailArgs};
use super::clock;
use super::content::{self, Role};
use super::dsn;
use super::exit::Exit;
use super::failure::{Failure, quoted, table, warned};
use super::hint::Written;
use super::input::Input;
use super::log::Subject;
use super::message::{Job, masked};
use super::queue;
use super::queue::keep::{Keeper, Keeping};
use super::send::{self, Delivery};
use super::sign::sign;
use crate::account::{Account, Accounts, Choice, Environment, Settings, When};
use crate::message::{Additions, Address, Change, Disguise, Opened, Rewrite, Rules, Source};
use crate::smtp::{DsnRequest, Envelope, ForwardPath, Mailbox, ReversePath};
use caller::Caller;
use office::Office;
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

/// Runs `sendmail`, called by this name with these words. No hint names an
/// option that sendmail lacks.
pub(super) fn run(
    name: &str,
    words: Vec<OsString>,
    environment: &Environment,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<Exit, Failure> {
    let ran = perform(name, words, environment, out, err);
    ran.map_err(|failure| failure.in_configuration(&Written::default()))
}

fn perform(
    name: &str,
    words: Vec<OsString>,
    environment: &Environment,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<Exit, Failure> {
    let read = args::read_sendmail(name, words);
    let read = read.inspect_err(|failure| log_misread(failure, name, environment, err))?;
    let (args, task) = match read {
        Sendmail::Deliver(args) => (args, Task::Deliver),
        Sendmail::Dialogue(args) => (args, Task::Dialogue),
        Sendmail::Verify(args) => (args, Task::Verify),
        Sendmail::Aliases => return Ok(Exit::Ok),
        Sendmail::List => return queue::list_all(environment, out, err),
        Sendmail::Flush(only) => return queue::flush(only, environment, out, err),
        Sendmail::Help => {
            let _ = write!(out, "{}", args::sendmail_help());
            return Ok(Exit::Ok);
        }
        Sendmail::Version => {
            let _ = writeln!(out, "envoi {}", env!("CARGO_PKG_VERSION"));
            return Ok(Exit::Ok);
        }
    };
    let globals = Globals::silent(args.verbose);
    let mut surroundings = Surroundings { globals: &globals, environment, out, err };
    let accounts = Accounts::for_message(None, environment, None, &Settings::default())?;
    surroundings.tell_of_foreign(&accounts);
    let office = Office::open(&accounts, args.sender.as_deref(), environment);
    match task {
        Task::Deliver => deliver(&args, office, &accounts, &mut surroundings),
        Task::Dialogue => {
            let office = office.inspect_err(|failure| {
                let subject = Subject::typed(&args);
                log_unsent(Some(failure), &args, usual(&accounts), &subject, &mut surroundings);
            })?;
            dialogue::run(&args, &office, &mut surroundings)
        }
        Task::Verify => verify::run(&args, &office?, &mut surroundings),
    }
}

/// What is to be done.
enum Task {
    Deliver,
    Dialogue,
    Verify,
}

/// Sends the message on standard input.
fn deliver(
    args: &SendmailArgs,
    office: Result<Office<'_>, Failure>,
    accounts: &Accounts,
    surroundings: &mut Surroundings<'_>,
) -> Result<Exit, Failure> {
    let mut chosen = None;
    let job = office.and_then(|office| prepare(args, &office, &mut chosen, surroundings));
    let job = job.map_err(|failure| {
        let account = chosen.clone().or_else(|| usual(accounts));
        let written = account.as_ref().map(|account| written(accounts, account));
        log_unsent(Some(&failure), args, account, &Subject::typed(args), surroundings);
        match written {
            Some(written) => failure.in_configuration(&written),
            None => failure,
        }
    })?;
    let Some(job) = job else {
        log_unsent(None, args, chosen, &Subject::typed(args), surroundings);
        return Ok(Exit::Ok);
    };
    let account = job.account.as_ref().expect("an account was chosen");
    let written = &written(accounts, account);
    let (keeping, account) = with_patience(args, &job, account, surroundings.environment);
    let delivery = Delivery { keeping, written: Some(written), ..delivery(args) };
    let sent = send::send(&delivery, &job, &account, surroundings);
    sent.map_err(|failure| failure.in_configuration(written))
}

/// Where the keys of an account stand, or would stand, and the aliases.
fn written(accounts: &Accounts, account: &Account) -> Written {
    let aliases = accounts.aliases(account.name.as_deref());
    let aliases = match aliases.as_deref() {
        // Which means: none.
        Some(file) if file == Path::new("/dev/null") => {
            "the file that aliases of [rewrite] names instead of /dev/null".to_owned()
        }
        Some(file) => quoted(file),
        None => Written::default().aliases,
    };
    Written { account: place(accounts, account), aliases }
}

/// The table of an account, and the file.
fn place(accounts: &Accounts, account: &Account) -> String {
    let Some(name) = &account.name else {
        return "an account, as envoi account add YOUR-ADDRESS makes one".to_owned();
    };
    match (accounts.foreign(), accounts.place(name)) {
        (None, Some((file, _))) => format!("{} of {}", table(name), quoted(file)),
        (Some(file), _) => {
            let made = "of what envoi account import --write makes of";
            format!("{} {made} {}", table(name), quoted(file))
        }
        (None, None) => table(name),
    }
}

/// Has it in the log that a command line made no sense: whoever calls may show
/// the sentence to nobody, and whoever smuggles options in tries some that there
/// are not (SEC-12). To ask for what is not there harms nobody.
fn log_misread(failure: &Failure, name: &str, environment: &Environment, err: &mut dyn Write) {
    let accounts = Accounts::for_message(None, environment, None, &Settings::default());
    let account = accounts.ok().as_ref().and_then(usual).filter(|_| name != "mailq");
    let (globals, args) = (&Globals::silent(0), &SendmailArgs::default());
    let mut surroundings = Surroundings { globals, environment, out: &mut io::sink(), err };
    log_unsent(Some(failure), args, account, &Subject::default(), &mut surroundings);
}

/// The message on standard input as a job. `chosen` gets its account, once it
/// has one.
fn prepare(
    args: &SendmailArgs,
    office: &Office<'_>,
    chosen: &mut Option<Account>,
    surroundings: &mut Surroundings<'_>,
) -> Result<Option<Job>, Failure> {
    let full_name = args.full_name.as_deref().map(checked_name).transpose()?.flatten();
    let letter = Letter::read(args, office, surroundings)?;
    office.job(letter, full_name, chosen, surroundings)
}

fn delivery(args: &SendmailArgs) -> Delivery<'_> {
    Delivery { tag: args.tag.as_deref(), ignored: &args.ignored, ..Delivery::default() }
}

/// What becomes of what cannot be sent at once, and the account with the
/// patience for that. Where nothing can be kept, all is sent at once; whoever
/// can keep the message has little patience. A message that is too large for
/// the queue is sent now or never.
fn with_patience<'k>(
    args: &SendmailArgs,
    job: &'k Job,
    account: &'k Account,
    environment: &'k Environment,
) -> (Keeping<'k>, Account) {
    let settings = &job.queueing;
    let when = settings.when.unwrap_or_default();
    let keeping = match Keeper::of(account, job, environment) {
        Ok(keeper) if args.queue_only || when == When::Always => Keeping::All(keeper),
        Ok(keeper) if when == When::Sendmail => Keeping::after_a_try(keeper),
        Ok(_) | Err(_) => Keeping::Nothing,
    };
    let patience = match &keeping {
        Keeping::Rest(keeper) if keeper.takes(job) => Some(settings.patience.unwrap_or(PATIENCE)),
        Keeping::Nothing | Keeping::Rest(_) | Keeping::All(_) => None,
    };
    (keeping, Account { patience, ..account.clone() })
}

const PATIENCE: Duration = Duration::from_secs(30);

/// The account that is used where no sender says otherwise.
fn usual(accounts: &Accounts) -> Option<Account> {
    accounts.choose(Choice::default()).ok()
}

/// Has it in the log, if there is one, why a message was never on its way: what
/// called may show the sentence to nobody. Without a failure, every name was an
/// alias for nobody.
fn log_unsent(
    failure: Option<&Failure>,
    args: &SendmailArgs,
    account: Option<Account>,
    subject: &Subject,
    surroundings: &mut Surroundings<'_>,
) {
    if let Some(account) = account {
        send::log_unsent(failure, &delivery(args), &account, subject, surroundings);
    }
}

/// A message whose names have become addresses.
struct Letter {
    opened: Opened,
    /// The sender that was typed.
    typed: Option<ReversePath>,
    to: Vec<ForwardPath>,
    /// What was typed about reports.
    dsn: DsnRequest,
    rewrites: Vec<Rewrite>,
}

impl Letter {
    /// The message on standard input, for those whom the caller names.
    fn read(
        args: &SendmailArgs,
        office: &Office<'_>,
        surroundings: &mut Surroundings<'_>,
    ) -> Result<Self, Failure> {
        let mut rewrites = Vec::new();
        let typed = sender(args.sender.as_deref(), "-f", &office.rules, &mut rewrites)?;
        let mut to = Vec::new();
        for recipient in &args.recipients {
            to.extend(office.rules.envelope_recipients(recipient, &mut rewrites)?);
        }
        if args.recipients.is_empty() && !args.from_header {
            return Err(no_recipients());
        }
        let source = source(args, surroundings)?;
        let letter = Letter::of(source, typed, to, rewrites, args.from_header, office)?;
        Ok(Letter { dsn: args.dsn.clone(), ..letter })
    }

    /// A message for these, and for those of its header where that counts.
    fn of(
        source: Source,
        typed: Option<ReversePath>,
        mut to: Vec<ForwardPath>,
        rewrites: Vec<Rewrite>,
        from_header: bool,
        office: &Office<'_>,
    ) -> Result<Self, Failure> {
        let mut opened = Opened::read(source, office.repairs)?;
        opened.rewrite(&office.rules)?;
        let mut is_for_nobody = rewrites.iter().any(Rewrite::is_for_nobody);
        if from_header {
            to.extend(opened.recipients()?.into_iter().map(ForwardPath::from));
            is_for_nobody |= opened.rewrites().iter().any(Rewrite::is_for_nobody);
        }
        if to.is_empty() && !is_for_nobody {
            return Err(no_recipients());
        }
        Ok(Letter { opened, typed, to, dsn: DsnRequest::default(), rewrites })
    }

    /// Puts the account's masquerade on, in header and envelope alike, and
    /// adds what is missing. `from` is who writes, `fixed` who is shown
    /// whoever it is.
    fn finish(
        self,
        from: Vec<Address>,
        account: Account,
        fixed: Option<&Mailbox>,
        environment: &Environment,
    ) -> Result<Job, Failure> {
        let Letter { mut opened, typed, to, dsn, rewrites } = self;
        let map = |sender: &Mailbox| account.masquerade.of(sender);
        let disguise = Disguise { author: fixed, map: &map };
        opened.disguise(&disguise)?;
        let author = || from.iter().flat_map(Address::mailboxes).next().cloned();
        let sender = typed.map_or_else(author, |path| path.0);
        let reverse = sender.map(|sender| disguise.of(&sender).unwrap_or(sender));
        let from = masked(from, "From", &disguise, &mut Vec::new());
        let additions = Additions { date: clock::now(environment), message_id: None, from };
        let ready = opened.complete(&additions)?;
        let author = ready.from().ok().and_then(|from| from.into_iter().next());
        let mut warnings = ready.warnings.iter().map(warned).collect();
        let now = additions.date.timestamp();
        let signed = sign(ready.message, Some(&account), author.as_ref(), now)?;
        let envelope = Envelope::new(ReversePath(reverse), to);
        let envelope = dsn::ask(envelope, dsn, Some(&account), &mut warnings);
        let changes = rewrites.into_iter().map(Change::Rewrote).chain(ready.changes);
        let changes = changes.map(|change| change.to_string()).collect();
        Ok(signed.into_job(envelope, Some(account), changes, warnings))
    }
}

/// The sender that was typed, and where.
fn sender(
    typed: Option<&str>,
    place: &'static str,
    rules: &Rules,
    changes: &mut Vec<Rewrite>,
) -> Result<Option<ReversePath>, Failure> {
    let Some(text) = typed else { return Ok(None) };
    if matches!(text.trim_matches(' '), "" | "<>") {
        return Ok(Some(ReversePath::NULL));
    }
    let (mailbox, note) = rules.envelope_sender(text).map_err(|error| {
        let failure = Failure::from(error);
        Failure { error: failure.error.context(place), ..failure }
    })?;
    changes.extend(note);
    Ok(Some(ReversePath(Some(mailbox))))
}

/// HDR-inject: a line end in a name would begin a field.
fn checked_name(name: &str) -> Result<Option<String>, Failure> {
    if name.contains(char::is_control) {
        return Err(Failure::say(Exit::DataErr, "-F: the name has a control character in it")
            .hint("a name is one line of text: -F 'Alice Example'"));
    }
    Ok(Some(name.trim().to_owned()).filter(|name| !name.is_empty()))
}

fn source(args: &SendmailArgs, surroundings: &mut Surroundings<'_>) -> Result<Source, Failure> {
    let mut input = Input::of_process(surroundings.environment);
    if !args.dots_are_text {
        input.end_at_dot();
    }
    content::source(Path::new("-"), Role::Message, &mut input, surroundings)
}

fn no_recipients() -> Failure {
    Failure::say(Exit::Usage, "the message has no recipients")
        .hint("name them, as in sendmail bob@example.org; or use -t with a To field in the message")
}
