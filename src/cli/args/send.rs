//! `envoi send`.

use super::{
    Attachments, ConnectionArgs, ContentArgs, DELIVERY, ENVELOPE, FieldArgs, LaboratoryArgs,
    MESSAGE,
};
use crate::smtp::{DsnRequest, EnvId, NotRet, Notify, Ret};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};
use std::path::{Path, PathBuf};

/// What `envoi send` takes.
#[derive(Clone, Debug, Args)]
#[command(
    override_usage = "envoi send [OPTIONS] [RECIPIENT]...\n       \
                      envoi send --message FILE [OPTIONS] [RECIPIENT]...",
    after_help = EXAMPLES,
    after_long_help = LONG_AFTER
)]
pub struct SendArgs {
    /// Who gets the message; the same as --to
    ///
    /// Each may be a list with commas. With --message, the recipients named
    /// here are all that get the message, whatever its header says; with none
    /// named, To, Cc and Bcc of the message are. One that begins with ‘-’ must
    /// stand after ‘--’.
    #[arg(value_name = "RECIPIENT")]
    pub recipients: Vec<String>,

    /// Who the message is from
    ///
    /// An address, or a name with one: 'Alice <alice@example.org>'. Without it,
    /// the variable ENVOI_FROM, else ‘from’ of the account. -r is the same, as
    /// in mailx. With --message, it is used only if the message has no From.
    #[arg(
        short,
        long,
        short_alias = 'r',
        value_name = "ADDRESS",
        help_heading = MESSAGE
    )]
    pub from: Option<String>,

    /// Who the message is to; may be repeated, or a list with commas
    #[arg(short, long, value_name = "ADDRESS", help_heading = MESSAGE)]
    pub to: Vec<String>,

    /// Who gets a copy
    ///
    /// With --message, only together with --resend; the same holds for --bcc.
    #[arg(short, long, value_name = "ADDRESS", help_heading = MESSAGE)]
    pub cc: Vec<String>,

    /// Who gets a copy that the others do not see
    #[arg(short, long, value_name = "ADDRESS", help_heading = MESSAGE)]
    pub bcc: Vec<String>,

    /// The subject
    #[arg(
        short,
        long,
        value_name = "TEXT",
        conflicts_with = "message",
        help_heading = MESSAGE
    )]
    pub subject: Option<String>,

    /// Where answers go
    #[arg(
        long,
        value_name = "ADDRESS",
        conflicts_with = "message",
        help_heading = MESSAGE
    )]
    pub reply_to: Vec<String>,

    /// What to attach.
    #[command(flatten)]
    pub attachments: Attachments,

    /// The text, and what goes with it.
    #[command(flatten)]
    pub content: ContentArgs,

    /// Header fields that have options of their own.
    #[command(flatten)]
    pub fields: FieldArgs,

    /// Add a header field; may be repeated
    ///
    /// A field that an option sets too, such as Subject, takes the place of
    /// what the option says; Bcc adds recipients.
    #[arg(
        short = 'H',
        long,
        value_name = "'NAME: VALUE'",
        conflicts_with = "message",
        help_heading = MESSAGE
    )]
    pub header: Vec<String>,

    /// Send nothing if there is no text, no HTML and no attachment
    ///
    /// The exit status is then 0.
    #[arg(short = 'E', long, conflicts_with = "message", help_heading = MESSAGE)]
    pub skip_empty: bool,

    /// Send the finished message in FILE; ‘-’ is standard input
    ///
    /// FILE holds a message as RFC 5322 describes it, with LF or CRLF at the
    /// line ends. It is changed only where it could not be submitted otherwise:
    /// Bcc, Return-Path and Content-Length are taken out; Date, From and
    /// Message-ID are added if it has none; line ends become CRLF. ‘masquerade’
    /// of the account changes its senders. -v names each change.
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["attach", "attach-name", "attach-type"],
        help_heading = MESSAGE
    )]
    pub message: Option<PathBuf>,

    /// Send the finished message on, from you to further recipients
    ///
    /// It goes out as it is, below fields that say who resent it, to whom and
    /// when: Resent-From as --from says, Resent-To and Resent-Cc as the
    /// recipients and --cc do; --bcc is not shown. Only they get it. Nothing
    /// else is added to it; Bcc, Return-Path and Content-Length are taken out.
    #[arg(long, help_heading = MESSAGE)]
    pub resend: bool,

    /// The address that reports of failure go to
    ///
    /// Without it, the address that the message is from. '<>' wants no
    /// reports.
    #[arg(long, value_name = "ADDRESS", help_heading = ENVELOPE)]
    pub envelope_from: Option<String>,

    /// When reports about the message are to come back
    ///
    /// ‘never’, or of ‘failure’, ‘delay’ and ‘success’ one or more with commas,
    /// as in --dsn failure,success. They go to the sender of the envelope. A
    /// server that does not offer DSN (RFC 3461) cannot be asked: it gets the
    /// message all the same, and a warning says what will not come. Without it,
    /// ‘dsn’ of the account; without that, servers report failures, and delays
    /// as they like.
    #[arg(long, value_name = "WHEN", help_heading = ENVELOPE)]
    pub dsn: Option<Notify>,

    /// How much of the message comes back in a report of failure
    ///
    /// Without it, ‘dsn-return’ of the account; without that, the server
    /// decides.
    #[arg(
        long,
        value_name = "WHAT",
        value_parser = dsn_return(),
        help_heading = ENVELOPE
    )]
    pub dsn_return: Option<Ret>,

    /// A name for the message, to know it by in reports
    ///
    /// Printable US-ASCII; best at most 32 characters.
    #[arg(long, value_name = "TEXT", help_heading = ENVELOPE)]
    pub envid: Option<EnvId>,

    /// Send under verified TLS only, on all its way, or not at all
    ///
    /// The server must have a certificate that was checked, or that is pinned,
    /// and offer REQUIRETLS (RFC 8689), by which it promises to do the same.
    /// Else nothing is sent.
    #[arg(long, help_heading = ENVELOPE)]
    pub require_tls: bool,

    /// Send to nobody unless the server accepts every recipient
    ///
    /// Costs one more wait for the server. Without it, a refused recipient
    /// keeps nothing from the others. A server of LMTP may still refuse some
    /// recipients when the message has come.
    #[arg(long, help_heading = ENVELOPE)]
    pub all_or_nothing: bool,

    /// How to reach a server.
    #[command(flatten)]
    pub connection: ConnectionArgs,

    /// Keep what cannot be sent now, and try it again later
    ///
    /// The message is sent as ever. Recipients for whom that fails for now are
    /// kept in the queue, from which ‘envoi queue run’ sends it; they count as
    /// done for the exit status.
    #[arg(
        long,
        conflicts_with_all = ["queue_only", "no_queue", "all_or_nothing"],
        help_heading = DELIVERY
    )]
    pub queue: bool,

    /// Keep the message, and do not try it now
    ///
    /// The default where the configuration says ‘when = "always"’.
    #[arg(long, conflicts_with_all = ["no_queue", "all_or_nothing"], help_heading = DELIVERY)]
    pub queue_only: bool,

    /// Keep nothing for later, whatever the configuration says
    ///
    /// What cannot be sent now is reported, with the exit status 75.
    #[arg(long, help_heading = DELIVERY)]
    pub no_queue: bool,

    /// Send at this time, and not before
    ///
    /// A date, a time of day, or both: 2026-12-24, 18:00, '2026-12-24 18:00',
    /// in the zone of this machine; 2026-12-24T18:00Z and +01:00 name another.
    /// A server that holds messages (FUTURERELEASE, RFC 4865) is given it now,
    /// else it is kept in the queue.
    #[arg(
        long,
        value_name = "TIME",
        conflicts_with_all = ["after", "no_queue", "all_or_nothing"],
        help_heading = DELIVERY
    )]
    pub at: Option<String>,

    /// Send after this time: 90s, 5m, 1h30m, 2d
    #[arg(
        id = "after",
        long = "in",
        value_name = "DURATION",
        value_parser = crate::account::duration,
        conflicts_with_all = ["no_queue", "all_or_nothing"],
        help_heading = DELIVERY
    )]
    pub after: Option<std::time::Duration>,

    /// Keep a copy of the message in the Maildir DIR once it is sent
    ///
    /// DIR is made if it is missing, before any server is asked. The copy is
    /// written when a server has taken the message for somebody, or may have, or
    /// when it is in the queue: the octets that went out, which have no Bcc, with
    /// LF at the line ends. If that fails, it is a warning. Without it,
    /// ‘save-sent’ of the account.
    #[arg(long, value_name = "DIR", help_heading = DELIVERY)]
    pub save_sent: Option<PathBuf>,

    /// Print envelope and message instead of sending them
    ///
    /// They are printed as they would go to a server that takes eight-bit text
    /// and international addresses; with =7bit, to one that takes neither, or
    /// else it is said what stands in the way. Nobody is contacted.
    #[arg(
        short = 'n',
        long,
        value_name = "7bit",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "8bit",
        hide_possible_values = true,
        help_heading = DELIVERY
    )]
    pub dry_run: Option<DryRun>,

    /// The laboratory.
    #[command(flatten)]
    pub laboratory: LaboratoryArgs,
}

/// What the server that a dry run imagines can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DryRun {
    /// It offers 8BITMIME, SMTPUTF8 and DSN.
    #[value(name = "8bit")]
    EightBit,
    /// It offers nothing.
    #[value(name = "7bit")]
    SevenBit,
}

impl SendArgs {
    /// What was typed about reports.
    pub fn dsn_request(&self) -> DsnRequest {
        DsnRequest { notify: self.dsn, ret: self.dsn_return, envid: self.envid.clone() }
    }

    /// The files that are sent.
    pub fn inputs(&self) -> impl Iterator<Item = &Path> {
        let content = &self.content;
        let attached = self.attachments.0.iter().chain(&content.inline);
        let texts = [&self.message, &content.body_file, &content.html, &content.markdown];
        let texts = texts.into_iter().flatten().map(PathBuf::as_path);
        texts.chain(attached.map(|attachment| attachment.path.as_path()))
    }

    /// True when the text of the message is to come from standard input
    /// because nothing else gives it.
    pub fn body_is_stdin(&self) -> bool {
        let content = &self.content;
        content.body.is_none()
            && content.body_file.is_none()
            && content.html.is_none()
            && content.markdown.is_none()
            && self.message.is_none()
    }
}

fn dsn_return() -> impl TypedValueParser<Value = Ret> {
    PossibleValuesParser::new(Ret::ALL.map(|(name, _)| name))
        .try_map(|name| Ret::named(&name).ok_or(NotRet))
}

const EXAMPLES: &str = "\
Examples:
  echo 'It works.' |
    envoi send --server sink: -f me@example.org -s Test me@example.org
  envoi send -s Report -a report.pdf bob@example.org < summary.txt
  envoi send -A work --message draft.eml
  envoi send -n --message draft.eml

--help describes every option in full and has more examples.";

const LONG_AFTER: &str = "\
Examples:
  Try it without a server; the message is caught by envoi itself:
    echo 'It works.' |
      envoi send --server sink: -f me@example.org -s Test me@example.org

  Send a text with a file, through the account of the configuration:
    envoi send -s Report -a report.pdf bob@example.org < summary.txt

  Give an attachment another name and a type:
    envoi send -s Data --body '' -a out.tmp --attach-name data.csv \\
      --attach-type text/csv bob@example.org

  Send an HTML page with a picture in it and a file beside it:
    envoi send -s News --html news.html --inline logo.png -a news.pdf \
      bob@example.org

  Send a text in Markdown, as text and as HTML:
    envoi send -s Notes --markdown notes.md bob@example.org

  Answer a message:
    envoi send -s 'Re: Notes' --in-reply-to '<1@example.org>' \
      --body Thanks. bob@example.org

  Send a finished message to those its header names:
    envoi send -A work --message draft.eml

  Send a message that you got on to somebody else:
    envoi send --resend --message got.eml carol@example.org

  See what would be sent:
    envoi send -n --message draft.eml

  Watch the conversation with a server that is not configured:
    envoi send -v --server smtps://mail.example.org --user alice \\
      -f alice@example.org -s Test --body 'It works.' bob@example.org

Exit status:
  0   every recipient was accepted
  1   some were accepted, others not; the report says which
  64  the command line is wrong
  75  not now: the same command may succeed later
  Others are those of sysexits.h.";
