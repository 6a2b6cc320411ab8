//! The command line: what may be typed, and the help that says so. Reading it
//! checks what was typed and touches nothing else.
#![expect(
    clippy::doc_markdown,
    clippy::struct_excessive_bools,
    reason = "doc comments on options are help texts, and each flag is an option"
)]

mod account;
mod attachments;
mod check;
mod connection;
mod content;
mod fields;
mod laboratory;
mod queue;
mod send;
mod sendmail;
mod sink;

pub use account::{
    AccountArgs, AccountCommand, AddArgs, ImportArgs, IssuerArgs, LoginArgs, LogoutArgs,
    RemoveArgs, ShowArgs, Store,
};
pub use attachments::{Attachment, Attachments};
pub use check::{CheckArgs, Ports};
pub use connection::ConnectionArgs;
pub use content::ContentArgs;
pub use fields::{FieldArgs, Level};
pub use laboratory::LaboratoryArgs;
pub use queue::{
    CONNECTIONS, Ids, OneId, OptionalId, QueueArgs, QueueCommand, RunArgs, TakeOutArgs,
};
pub use send::{DryRun, SendArgs};
pub use sendmail::{Sendmail, SendmailArgs, read as read_sendmail};
pub use sink::{SinkArgs, SinkCommand, WaitArgs};

use clap::error::ErrorKind;
use clap::{
    ArgAction, Args, ColorChoice, CommandFactory, FromArgMatches as _, Parser, Subcommand,
    ValueEnum,
};
use std::ffi::OsString;
use std::path::PathBuf;

/// Send mail: compose, submit, report what the server said.
///
/// envoi composes a message, or takes a finished one, submits it to a mail
/// server, and reports for each recipient what the server answered.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "envoi",
    bin_name = "envoi",
    version,
    after_help = EXAMPLES,
    subcommand_help_heading = "Commands",
    disable_help_flag = true,
    disable_version_flag = true,
    disable_help_subcommand = true,
    max_term_width = 100
)]
pub struct Cli {
    /// What stands before or after any command.
    #[command(flatten)]
    pub globals: Globals,

    /// Print the version
    #[arg(short = 'V', long, action = ArgAction::Version, help_heading = OUTPUT)]
    version: Option<bool>,

    /// What to do; nothing typed asks what to do next.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Options that every command takes.
#[derive(Clone, Debug, Args)]
pub struct Globals {
    /// Use this account of the configuration
    ///
    /// Without it, and without --server, the account is the one whose ‘from’ or
    /// ‘match’ fits the sender, else the default one, else the only one.
    #[arg(short = 'A', long, value_name = "NAME", global = true, help_heading = SERVER)]
    pub account: Option<String>,

    /// Read this configuration instead of the usual files
    ///
    /// The usual files are ~/.config/envoi/config.toml and
    /// /etc/envoi/config.toml; what the first says goes before what the second
    /// says. The variable ENVOI_CONFIG does the same as this option.
    #[arg(short = 'C', long, value_name = "FILE", global = true, help_heading = SERVER)]
    pub config: Option<PathBuf>,

    /// Show the conversation with the server; twice, in full
    ///
    /// The conversation goes to standard error. Passwords are not shown. Twice
    /// also shows the details of TLS and of the sign-in, how long each answer
    /// took, and the message itself.
    #[arg(short, long, action = ArgAction::Count, global = true, help_heading = DEBUGGING)]
    pub verbose: u8,

    /// Print nothing but problems
    #[arg(short, long, global = true, conflicts_with = "verbose", help_heading = OUTPUT)]
    pub quiet: bool,

    /// Print JSON on standard output
    ///
    /// One object for everything that came of it; from ‘envoi sink’ one object
    /// a line, as things happen.
    #[arg(long, global = true, help_heading = OUTPUT)]
    pub json: bool,

    /// When to use colours, which only help and usage errors have
    ///
    /// ‘auto’ uses them on a terminal, unless the variable NO_COLOR is set.
    #[arg(
        long,
        value_name = "WHEN",
        default_value = "auto",
        hide_default_value = true,
        global = true,
        help_heading = OUTPUT
    )]
    pub color: ColorChoice,

    /// Print help; --help prints more of it than -h
    #[arg(short, long, action = ArgAction::Help, global = true, help_heading = OUTPUT)]
    help: Option<bool>,
}

/// What to do.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Compose a message, or take a finished one, and submit it
    ///
    /// The message is made from the options, with standard input as its text,
    /// or taken as it is with --message. For each recipient the answer of the
    /// server is printed; the exit status says whether all, some or none were
    /// accepted.
    Send(Box<SendArgs>),
    /// Say what is wrong with an account or a server, and why
    ///
    /// Connects to every sensible port of the server, compares what is offered
    /// there, looks at its certificate, and signs in once. No mail is sent.
    /// Each finding is ok, a note, unknown (it could not be told), a warning or
    /// a fault, and says why it matters and what to change.
    Check(Box<CheckArgs>),
    /// Catch mail on this machine instead of sending it
    ///
    /// Listens on loopback, takes every message, stores it in a Maildir, or
    /// where --mbox, --eml or --memory says, and delivers nothing, unless --pipe
    /// or --forward says so. Any mail reader that knows Maildirs shows what
    /// came; the files are plain text.
    ///
    /// It offers STARTTLS with a certificate made at its start, and writes the
    /// certificate of the authority behind it to a file that --tls-ca of
    /// ‘envoi send’ takes. It runs until it is interrupted.
    #[command(after_help = SINK_EXAMPLES)]
    Sink(Box<SinkArgs>),
    /// See and steer what waits to be sent
    ///
    /// Messages that could not be sent are kept in the queue, where an option
    /// or the configuration says so, and tried again until they are sent or too
    /// old. Alone it lists them.
    Queue(QueueArgs),
    /// Add accounts, see what they say, log in for them
    ///
    /// From a mail address to an account that works, from the configuration of
    /// another program to that of envoi; and what is configured, value by value.
    /// Alone it lists the accounts; where there are none, it says how to make
    /// one.
    Account(AccountArgs),
    /// Print the completion script for a shell
    ///
    /// The script belongs in a file that the shell reads when it starts, or
    /// when it completes a word for the first time.
    #[command(after_help = COMPLETIONS_EXAMPLES)]
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// A shell that has a completion script.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "lower")]
pub enum Shell {
    /// GNU Bash.
    Bash,
    /// Elvish.
    Elvish,
    /// Fish.
    Fish,
    /// PowerShell.
    PowerShell,
    /// Z shell.
    Zsh,
}

impl Cli {
    /// Reads the words of a command line, the program's name among them.
    pub fn read(words: Vec<OsString>) -> Result<Self, clap::Error> {
        let mut command = command().color(color(&words));
        let mut matches = command.try_get_matches_from_mut(words)?;
        if matches.subcommand_name() == Some("sendmail") {
            let sentence = "sendmail takes its own options only: write envoi sendmail first, \
                            and what it is told behind it";
            return Err(command.error(ErrorKind::ArgumentConflict, sentence));
        }
        Cli::from_arg_matches_mut(&mut matches).map_err(|error| error.format(&mut command))
    }
}

/// What --color says, looked for before the rest is read: it decides how the
/// errors of the rest look.
fn color(words: &[OsString]) -> ColorChoice {
    let words = words.iter().map(|word| word.to_str().unwrap_or_default());
    let typed = words.take_while(|word| *word != "--").collect::<Vec<_>>();
    let joined = typed.iter().filter_map(|word| word.strip_prefix("--color="));
    let apart = typed.windows(2).filter(|pair| pair[0] == "--color").map(|pair| pair[1]);
    let choice = joined.chain(apart).last().map(|when| ColorChoice::from_str(when, true));
    choice.and_then(Result::ok).unwrap_or(ColorChoice::Auto)
}

impl Globals {
    /// Those of a command that prints nothing but problems.
    pub fn silent(verbose: u8) -> Self {
        Globals {
            account: None,
            config: None,
            verbose,
            quiet: true,
            json: false,
            color: ColorChoice::Auto,
            help: None,
        }
    }
}

/// The definition of the whole command line, for man pages and completions.
/// `sendmail` is described by it, and read before it.
pub fn command() -> clap::Command {
    Cli::command().subcommand(sendmail::described())
}

/// The help of `sendmail`.
pub fn sendmail_help() -> clap::builder::StyledStr {
    sendmail::described().term_width(80).render_long_help()
}

/// The headings of help, in the order in which they first occur.
const MESSAGE: &str = "Message";
const ENVELOPE: &str = "Envelope";
const SERVER: &str = "Server";
const TLS: &str = "TLS";
const SIGN_IN: &str = "Sign-in";
const DELIVERY: &str = "Delivery";
const CHECKS: &str = "Checks";
const DEBUGGING: &str = "Debugging";
const LABORATORY: &str = "Laboratory";
const OUTPUT: &str = "Output";

const EXAMPLES: &str = "\
Examples:
  Try it without a server; the message is caught by envoi itself:
    echo 'It works.' |
      envoi send --server sink: -f me@example.org -s Test me@example.org

  From a mail address to an account that works:
    envoi account add you@example.org

  Send a text with a file, through the account of the configuration:
    envoi send -s Report -a report.pdf bob@example.org < summary.txt

‘envoi send --help’ describes every option; ‘envoi’ alone says what to do next.";

const SINK_EXAMPLES: &str = "\
Examples:
  Catch mail on port 1025, and send some from another terminal:
    envoi sink ./mail
    envoi send --server smtp://localhost:1025 --tls-ca ./mail/ca.pem \\
      -f me@example.org -s Test --body 'It works.' you@example.org

  See how a program takes a refusal, with a line of JSON for each event:
    envoi sink --json --refuse 'bob@example.org=550 5.1.1 No such user'

  See what a program makes of a connection that is lost when it matters:
    envoi sink --fault message=reset

  Run the tests of a program that sends mail, and see what it sent:
    envoi sink --run npm test

  See what comes in, and let it go where it was to go:
    envoi sink --forward smtps://mail.example.org ./mail";

const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  envoi completions bash > ~/.local/share/bash-completion/completions/envoi
  envoi completions zsh  > \"${fpath[1]}/_envoi\"
  envoi completions fish > ~/.config/fish/completions/envoi.fish";

#[cfg(test)]
mod tests;
