//! What ‘envoi sink’ takes: its options, and the receiver that they describe.

mod rules;
mod store;
mod wait;

pub use wait::WaitArgs;

use crate::account::duration;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::net::certificates;
use crate::sasl::server::Users;
use crate::sasl::{Credentials, Secret};
use crate::sink::{Encryption, Listen, Offer, Policy, Refusal, Rule, Settings, Sink, Storage};
use crate::smtp::{Hold, HoldLimits, Xclient};
use clap::{Args, Subcommand, value_parser};
use jiff::Timestamp;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;
use store::StoreArgs;

/// What `envoi sink` takes; what it does is said where it is a command.
#[derive(Args, Clone, Debug)]
#[allow(rustdoc::broken_intra_doc_links, reason = "[ADDRESS] is what is typed")]
#[command(
    args_conflicts_with_subcommands = true,
    override_usage = "envoi sink [OPTIONS] [DIR]\n       envoi sink [OPTIONS] --run COMMAND...\n       envoi sink wait [OPTIONS]"
)]
pub struct SinkArgs {
    /// What to do instead of catching mail
    #[command(subcommand)]
    pub command: Option<SinkCommand>,

    /// Where messages go.
    #[command(flatten)]
    pub store: StoreArgs,

    /// Take no more messages than this
    ///
    /// On all connections together. Whoever comes later is told to try again
    /// another time (452).
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(1..), help_heading = "Behaviour")]
    max_messages: Option<u64>,

    /// Take no more recipients of a message than this
    ///
    /// Clients are told before, by LIMITS RCPTMAX=N (RFC 9422). Each further
    /// recipient is put off (452), so that a client sends to it in another
    /// transaction.
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..), help_heading = "Behaviour")]
    max_recipients: Option<u32>,

    /// Give each message to this command, too
    ///
    /// It is run by sh once the message is stored, and reads it on standard
    /// input as it stands in a Maildir; SENDER and RECIPIENT are those of the
    /// envelope, several recipients with blanks between. Its status is the
    /// answer: 0 takes the message, 75 puts it off (451), any other refuses it
    /// (554), with the first line that it wrote. It has five minutes.
    #[arg(long, value_name = "COMMAND", value_parser = clap::builder::OsStringValueParser::new(), help_heading = "Passing on")]
    pub pipe: Option<OsString>,

    /// Send each message on to this server, too
    ///
    /// SERVER is a URL, as --server of ‘envoi send’ takes it, or the name of an
    /// account. Once the message is stored, it goes there with the same
    /// envelope, unchanged but for one field Received on top. What the server
    /// answers is the answer to the client. Over SMTP, where one answer is for all,
    /// it goes to nobody if the server refuses a recipient, as far as that can
    /// be helped, and a refusal that may pass counts for all; over LMTP each
    /// recipient has its own.
    /// A message with more than 100 fields Received is refused (554): it goes
    /// round in circles. Without this option nothing is ever sent on.
    #[arg(long, value_name = "SERVER", conflicts_with = "pipe", help_heading = "Passing on")]
    pub forward: Option<String>,

    /// Listen here, in clear with STARTTLS
    ///
    /// PORT, ADDRESS:PORT or [ADDRESS]:PORT; port 0 is any free one. May be
    /// repeated. Whoever can reach the address can leave mail, so it is
    /// 127.0.0.1 unless another one is given. Default: 127.0.0.1:1025, or with
    /// --run any free port there, unless --listen-tls or --listen-lmtp is given.
    #[arg(long, value_name = "ADDRESS", value_parser = starttls_port, help_heading = "Ports")]
    listen: Vec<Listen>,

    /// Listen here, with TLS from the first octet
    ///
    /// The same forms as for --listen. May be repeated.
    #[arg(long, value_name = "ADDRESS", value_parser = tls_port, help_heading = "Ports")]
    listen_tls: Vec<Listen>,

    /// Listen here for LMTP, in clear with STARTTLS
    ///
    /// LMTP has an answer for each recipient once the message has come
    /// (RFC 2033). The same forms as for --listen. May be repeated.
    #[arg(long, value_name = "ADDRESS", value_parser = lmtp_port, help_heading = "Ports")]
    listen_lmtp: Vec<Listen>,

    /// Write the certificate that clients must trust to FILE
    ///
    /// It is in PEM form and new at each start. Default: ca.pem in DIR, or
    /// FILE.ca.pem beside the FILE of --mbox, or with --memory in the default
    /// DIR; with --run, it is ca-PORT.pem, which is removed at the end.
    #[arg(long, value_name = "FILE", help_heading = "Ports")]
    pub ca_out: Option<PathBuf>,

    /// Let this user sign in, and nobody else
    ///
    /// May be repeated. The password is for tests: everyone on this machine
    /// can see it in the list of processes. Without this option every name with
    /// every password is let in.
    #[arg(long, value_name = "NAME:PASSWORD", help_heading = "Sign-in")]
    user: Vec<User>,

    /// Take mail only from clients that signed in
    #[arg(long, help_heading = "Sign-in")]
    pub require_auth: bool,

    /// Ask clients for a certificate that an authority in FILE vouches for
    ///
    /// FILE holds certificates in PEM form. A client without one is served all
    /// the same; one with another is not. Whose it is stands in the line
    /// ‘stored’ of --json. Its mail address, else its common name, may sign in
    /// by EXTERNAL; with --user, only if that is one of these names.
    #[arg(long, value_name = "FILE", help_heading = "Ports")]
    tls_client_ca: Option<PathBuf>,

    /// Take connections only through a proxy, which says for whom it connects
    ///
    /// Each connection begins with a header of the PROXY protocol, version 1 or
    /// 2, before TLS of --listen-tls, too; one that does not within 5 seconds is
    /// closed without a greeting. Whoever connects may claim any address.
    #[arg(long, help_heading = "Ports")]
    pub proxy_protocol: bool,

    /// Take mail only under TLS
    #[arg(long, help_heading = "Ports")]
    require_tls: bool,

    /// Offer AUTH without TLS, too
    #[arg(long, help_heading = "Sign-in")]
    allow_cleartext_auth: bool,

    /// Do not offer this extension or mechanism
    ///
    /// KEYWORD is PIPELINING, SIZE, STARTTLS, AUTH, ENHANCEDSTATUSCODES,
    /// 8BITMIME, SMTPUTF8, DSN, CHUNKING, BINARYMIME, REQUIRETLS or LIMITS, or a
    /// mechanism, such as PLAIN or SCRAM-SHA-256-PLUS.
    /// May be repeated, or a list with commas.
    #[arg(long, value_name = "KEYWORD", value_delimiter = ',', help_heading = "Behaviour")]
    without: Vec<String>,

    /// Refuse messages with more octets than this
    ///
    /// A number, or one with kB, MB or GB behind it. Without this option there
    /// is no limit, but 256MB with --memory.
    #[arg(long, value_name = "SIZE", value_parser = crate::account::octets, help_heading = "Behaviour")]
    size_limit: Option<u64>,

    /// Offer FUTURERELEASE, for holding messages up to this long
    ///
    /// A duration, such as 2d. Clients that name a moment may name none later
    /// than so long after the start. The receiver holds nothing: a message is
    /// stored at once, and the line about it says how long it was to be held
    /// (RFC 4865).
    #[arg(long, value_name = "DURATION", value_parser = hold_limit, help_heading = "Behaviour")]
    hold_limit: Option<Duration>,

    /// Offer XCLIENT, by which a client says whom it is to be taken for
    ///
    /// Any client may say it. What it says stands in the trace and in the line
    /// ‘stored’ of --json. With a list, only these attributes are offered, of
    /// NAME, REVERSE_NAME, ADDR, PORT, PROTO, HELO, LOGIN, DESTADDR and DESTPORT.
    #[arg(
        long,
        value_name = "ATTRIBUTES",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "NAME,ADDR,PORT,PROTO,HELO,LOGIN,DESTADDR,DESTPORT,REVERSE_NAME",
        value_parser = attributes,
        help_heading = "Behaviour"
    )]
    xclient: Option<Attributes>,

    /// Refuse this recipient with this reply
    ///
    /// For example --refuse 'bob@example.org=550 5.1.1 No such user'. The
    /// mailbox * stands for all of its domain. May be repeated; the first that
    /// fits decides.
    #[arg(long, value_name = "ADDRESS=CODE[ TEXT]", value_parser = Refusal::parse, help_heading = "Behaviour")]
    refuse: Vec<Refusal>,

    /// Refuse this recipient when the message has come
    ///
    /// In the form of --refuse. Over LMTP the others get the message; over
    /// SMTP, where one answer is for all, it is refused for all of them.
    #[arg(long, value_name = "ADDRESS=CODE[ TEXT]", value_parser = Refusal::parse, help_heading = "Behaviour")]
    refuse_after_data: Vec<Refusal>,

    /// Misbehave by the rules in FILE
    ///
    /// Each says at which stage and for whom it counts, and what is replied, how
    /// late, and what is wrong besides: see FAULTS. The first that counts
    /// decides.
    #[arg(long, value_name = "FILE", help_heading = "Behaviour")]
    rules: Option<PathBuf>,

    /// Misbehave at this stage
    ///
    /// A rule for everybody: FAULT is one of FAULTS, such as close, a reply, such
    /// as '450 4.2.1 Later', or how long the answer takes, such as 30s. May be
    /// repeated; these count before those of --rules.
    #[arg(long, value_name = "STAGE=FAULT", value_parser = rules::shortcut, help_heading = "Behaviour")]
    fault: Vec<Rule>,

    /// End after one message
    ///
    /// That is, when the connection is over on which it came.
    #[arg(long, help_heading = "Behaviour")]
    pub once: bool,

    /// Run this command, and end with it
    ///
    /// Everything behind --run is the command and its arguments. The receiver
    /// listens on a free port, unless --listen says where, and the command finds
    /// it in ENVOI_SERVER, SMTP_HOST and SMTP_PORT, and the certificate to trust
    /// in the file ENVOI_TLS_CA. When it ends, what was caught is printed, and
    /// its status is the status of this program.
    #[arg(
        long,
        value_name = "COMMAND",
        num_args = 1..,
        allow_hyphen_values = true,
        value_parser = clap::builder::OsStringValueParser::new(),
        conflicts_with = "once",
        help_heading = "Behaviour"
    )]
    pub run: Vec<OsString>,
}

/// The attributes that XCLIENT may have.
#[derive(Clone, Debug)]
struct Attributes(Vec<&'static str>);

/// What to do with what was caught.
#[derive(Clone, Debug, Subcommand)]
pub enum SinkCommand {
    /// Wait for a message that was caught, and print it as JSON
    ///
    /// Looks into the store of a receiver that runs, or ran. Prints the first
    /// message that fits everything that is given, be it there already or come
    /// in time, with its envelope, header, texts and attachments. Without any
    /// such message the exit status is 1.
    #[command(after_help = WAIT_EXAMPLES)]
    Wait(WaitArgs),
}

const WAIT_EXAMPLES: &str = "\
Examples:
  See the subject of what a program sends in the next ten seconds:
    envoi sink wait --to you@example.org --dir ./mail | jq -r .subject";

/// The most octets of a message that is kept in memory, unless another limit is
/// typed.
const MOST_IN_MEMORY: u64 = 256_000_000;

impl SinkArgs {
    /// The command of `--run`, with its arguments; `--` may stand before it.
    pub fn command(&self) -> &[OsString] {
        match self.run.split_first() {
            Some((first, rest)) if first == "--" => rest,
            Some(_) | None => &self.run,
        }
    }

    /// The ports to listen on; at least one.
    pub fn ports(&self) -> Vec<Listen> {
        let mut ports = [&self.listen[..], &self.listen_tls[..], &self.listen_lmtp[..]].concat();
        if ports.is_empty() {
            let port = if self.run.is_empty() { 1025 } else { 0 };
            ports.push(Listen::loopback(port, Encryption::StartTls));
        }
        ports
    }

    /// The name of the file for the certificate of the authority. Several
    /// receivers may run commands at a time, so it has the port in it there.
    pub fn ca_name(&self, sink: &Sink) -> String {
        if self.run.is_empty() {
            return "ca.pem".to_owned();
        }
        format!("ca-{}.pem", sink.address().port())
    }

    /// What the receiver does with messages besides.
    pub fn passes_mail_on(&self) -> bool {
        self.pipe.is_some() || self.forward.is_some()
    }

    /// What the receiver is to be. An extension that there is not and a user
    /// without a password are wrong command lines (64).
    pub fn settings(&self, storage: Storage, ports: &[Listen]) -> Result<Settings, Failure> {
        let offer = self.without.iter().try_fold(Offer::default(), |offer, word| {
            offer.without(word.trim()).map_err(|error| Failure::new(Exit::Usage, error))
        })?;
        let users: Option<Vec<Credentials>> = self.user.iter().map(|user| user.0.clone()).collect();
        let users = users.ok_or_else(|| {
            Failure::say(Exit::Usage, "a value of --user is not of the form NAME:PASSWORD")
        })?;
        let users = if users.is_empty() { Users::Anyone } else { Users::Only(users) };
        let mut rules = self.fault.clone();
        if let Some(file) = &self.rules {
            rules.extend(rules::read(file)?);
        }
        // A client that comes to no end may not take all there is.
        let in_memory = (storage == Storage::Memory).then_some(MOST_IN_MEMORY);
        let by_default = Policy::default();
        let policy = Policy {
            banner: match self.forward {
                Some(_) => "envoi sink, which sends mail on".to_owned(),
                None => by_default.banner,
            },
            offer,
            rules,
            size_limit: self.size_limit.or(in_memory),
            hold_limits: self.hold_limit.and_then(|longest| {
                let end = Timestamp::now().checked_add(longest).ok()?;
                HoldLimits::new(longest.as_secs(), end)
            }),
            xclient: self.xclient.clone().map_or_else(Vec::new, |attributes| attributes.0),
            users,
            require_auth: self.require_auth,
            require_tls: self.require_tls,
            cleartext_auth: self.allow_cleartext_auth,
            refuse: self.refuse.clone(),
            refuse_after_data: self.refuse_after_data.clone(),
            most_recipients: self.max_recipients.and_then(|most| usize::try_from(most).ok()),
            ..by_default
        };
        let read = |file: &PathBuf| {
            certificates(file).map_err(|error| {
                let hint = "--tls-client-ca takes a file of certificates in PEM form";
                Failure::new(Exit::OsFile, error).hint(hint)
            })
        };
        let client_authorities = self.tls_client_ca.as_ref().map(read).transpose()?;
        Ok(Settings {
            client_authorities: client_authorities.unwrap_or_default(),
            listen: ports.to_vec(),
            proxy_protocol: self.proxy_protocol,
            policy,
            storage,
            most_messages: self.max_messages,
            ..Settings::default()
        })
    }

    /// How a URL for `envoi send` names a port.
    pub fn url(&self, port: &Listen, bound: SocketAddr) -> String {
        let url = port.url(bound);
        match url.split_once("://") {
            Some((scheme @ ("smtp" | "lmtp"), place)) if !self.offers_starttls() => {
                format!("{scheme}+notls://{place}")
            }
            _ => url,
        }
    }

    /// Whether STARTTLS was left switched on.
    pub fn offers_starttls(&self) -> bool {
        !self.without.iter().any(|word| word.trim().eq_ignore_ascii_case("STARTTLS"))
    }

    /// The name of the first user who may sign in, if there are any.
    pub fn first_user(&self) -> Option<&str> {
        Some(&self.user.first()?.0.as_ref()?.user)
    }
}

/// A user, or `None` for an argument that names none: clap's own error would
/// repeat it, and it may hold a password.
#[derive(Clone, Debug)]
struct User(Option<Credentials>);

impl From<String> for User {
    fn from(text: String) -> Self {
        User(match text.split_once(':') {
            Some((user, password)) if !user.is_empty() && !password.is_empty() => {
                Some(Credentials { user: user.to_owned(), password: Secret::new(password) })
            }
            _ => None,
        })
    }
}

fn starttls_port(text: &str) -> Result<Listen, String> {
    Listen::parse(text, Encryption::StartTls)
}

fn tls_port(text: &str) -> Result<Listen, String> {
    Listen::parse(text, Encryption::Implicit)
}

fn lmtp_port(text: &str) -> Result<Listen, String> {
    starttls_port(text).map(Listen::speaking_lmtp)
}

fn attributes(text: &str) -> Result<Attributes, String> {
    let known = |word: &str| {
        let name = Xclient::name(word.trim());
        name.ok_or_else(|| format!("‘{word}’ is none of {}", Xclient::NAMES.join(", ")))
    };
    text.split(',').map(known).collect::<Result<_, _>>().map(Attributes)
}

/// As long as HOLDFOR can say (RFC 4865 §3).
fn hold_limit(text: &str) -> Result<Duration, String> {
    let longest = duration(text).map_err(|why| why.to_string())?;
    match Hold::seconds(longest.as_secs()) {
        Some(_) => Ok(longest),
        None => Err("it is longer than 999999999 seconds".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::{Cli, Command};
    use clap::Parser as _;
    use jiff::ToSpan as _;

    fn args(words: &[&str]) -> SinkArgs {
        match Cli::parse_from([&["envoi", "sink"], words].concat()).command {
            Some(Command::Sink(args)) => *args,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_password_never_stands_in_an_error_or_a_debug_text() {
        // SEC-7
        let shown = format!("{:?}", args(&["--user", "tim:tanstaaf"]));
        assert!(shown.contains("tim") && !shown.contains("tanstaaf"), "{shown}");
        let malformed = args(&["--user", ":tanstaaf"]);
        let failure = malformed.settings(Storage::Memory, &[]).unwrap_err();
        assert_eq!(failure.error.to_string(), "a value of --user is not of the form NAME:PASSWORD");
    }

    #[test]
    fn ports_are_read() {
        let port = |text| starttls_port(text).map(|port| port.address.to_string());
        assert_eq!(port("25"), Ok("127.0.0.1:25".into()));
        assert_eq!(port("localhost:25"), Ok("127.0.0.1:25".into()));
        assert_eq!(port("[::1]:25"), Ok("[::1]:25".into()));
        assert_eq!(port("0.0.0.0:25"), Ok("0.0.0.0:25".into()));
        assert!(port("mail.example:25").is_err());
    }

    #[test]
    fn a_limit_of_holding_is_a_duration_and_a_moment_that_far_away() {
        // 4865
        let limits =
            |words: &[&str]| args(words).settings(Storage::Memory, &[]).unwrap().policy.hold_limits;
        assert_eq!(limits(&[]), None);
        let limits = limits(&["--hold-limit", "2h"]).unwrap();
        let until = |hours: i64| Hold::until(Timestamp::now() + hours * 1.hour()).unwrap();
        assert!(limits.allow(Hold::seconds(7200).unwrap()) && limits.allow(until(1)));
        assert!(!limits.allow(Hold::seconds(7201).unwrap()) && !limits.allow(until(3)));
        assert!(hold_limit("0").is_err() && hold_limit("12000d").is_err());
    }

    #[test]
    fn an_unknown_keyword_is_a_usage_error_that_names_the_known_ones() {
        let args = args(&["--without", "SIZE,turnips"]);
        let failure = args.settings(Storage::Memory, &[]).unwrap_err();
        assert_eq!(failure.exit, Exit::Usage);
        assert!(failure.error.to_string().contains("turnips"));
    }
}
