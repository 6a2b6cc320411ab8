//! Why there is no account to send with.

use super::private_file::Fault;
use super::secret::SecretError;
use std::fmt;
use std::io;
use std::net::IpAddr;
use std::path::PathBuf;

/// A place in a configuration file. Line and column count from 1, columns in
/// characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// The file.
    pub file: PathBuf,
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

/// Why there is no account. No variant holds a value out of a configuration
/// file that could be a password.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A configuration file exists, or was asked for, and cannot be read.
    #[error("cannot read the configuration {file}", file = .file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A configuration file of more than 1 MiB.
    #[error("the configuration {file} is longer than 1 MiB", file = .file.display())]
    TooLong {
        /// The file.
        file: PathBuf,
    },
    /// The file of aliases is not there, or cannot be read.
    #[error("cannot read the aliases {file}", file = .file.display())]
    Aliases {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Octets that are not UTF-8, or text that is not TOML.
    #[error("{at}: {reason}")]
    Syntax {
        /// Where.
        at: Location,
        /// What is wrong there.
        reason: String,
    },
    /// A key, or a table, that there is not.
    #[error("{at}: there is no key ‘{key}’ in {table}")]
    UnknownKey {
        /// Where.
        at: Location,
        /// The key as written.
        key: Box<str>,
        /// The table it stands in: `[accounts.work]`, or a phrase.
        table: Box<str>,
        /// The known key that looks like it, if one does.
        nearest: Option<&'static str>,
        /// All that may stand there.
        known: Vec<&'static str>,
    },
    /// A key whose value does not fit it.
    #[error("{at}: {key}: {reason}")]
    Value {
        /// Where.
        at: Location,
        /// The key.
        key: String,
        /// A clause: what it must be, or what is wrong.
        reason: String,
    },
    /// A line of another program's configuration that cannot be read.
    #[error("{file}:{line}: {reason}", file = .file.display())]
    Line {
        /// The file.
        file: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// A clause: what is wrong there.
        reason: String,
    },
    /// A line that a program computes, and the program does not.
    #[error("{file}:{line}: what eval names computes no line", file = .file.display())]
    Computed {
        /// The file.
        file: PathBuf,
        /// Where `eval` stands, counted from 1.
        line: usize,
        /// What came of the program.
        source: Box<SecretError>,
    },
    /// One name for several accounts, or for none.
    #[error("one name does for one account, and here are {}", counted(.names))]
    OneName {
        /// The names that they have.
        names: Vec<String>,
    },
    /// A file with a password in it that is not ours, or not only ours to read
    /// (checklist SEC-9).
    #[error("{file} holds a password, but {fault}", file = .file.display())]
    Exposed {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        fault: Fault,
    },
    /// `extends` leads back to where it began.
    #[error("{at}: account ‘{name}’ extends itself")]
    Circle {
        /// Where `extends` stands.
        at: Location,
        /// The account.
        name: String,
    },
    /// An account was named that there is not.
    #[error("{by} names the account ‘{name}’, which is not configured")]
    UnknownAccount {
        /// Who named it.
        by: NamedBy,
        /// The name.
        name: String,
        /// The configured name that looks most like it.
        nearest: Option<String>,
        /// Every configured name.
        names: Vec<String>,
    },
    /// No account and no server at all.
    #[error("no mail account is configured")]
    NoAccounts,
    /// Several accounts, and nothing that chooses one.
    #[error("{}", chosen_by_nothing(.sender.as_deref()))]
    NoChoice {
        /// The sender, if one was given.
        sender: Option<String>,
        /// Every configured name.
        names: Vec<String>,
    },
    /// Several accounts fit the sender.
    #[error("the sender {sender} fits more than one account: {}", .fits.join(", "))]
    Ambiguous {
        /// The sender.
        sender: String,
        /// The accounts that fit.
        names: Vec<String>,
        /// The same, each with what fits.
        fits: Vec<String>,
    },
    /// The account names no server, and nothing for users of this machine.
    #[error("the account ‘{account}’ names no server")]
    NoServer {
        /// Its name.
        account: String,
    },
    /// A password, but nobody it could belong to.
    #[error("there is a password or token for {place}, but no user name")]
    NoUser {
        /// The account's name in quotation marks, or its server.
        place: String,
    },
    /// A mechanism that needs a user, and none is named.
    #[error("{mechanism} is to be used for {place}, but there is no user name")]
    NobodyFor {
        /// The mechanism.
        mechanism: &'static str,
        /// The account's name in quotation marks, or its server.
        place: String,
    },
    /// `token` and `oauth2` at once.
    #[error("{place} has both token and oauth2, and only one of them can be right")]
    TwoTokens {
        /// The account's name in quotation marks, or its server.
        place: String,
    },
    /// `ipv4` and `ipv6` at once.
    #[error("{place} is to be reached by IPv4 only and by IPv6 only at once")]
    Families {
        /// The account's name in quotation marks, or its server.
        place: String,
    },
    /// `ipv4` or `ipv6`, and a `source` of the other family.
    #[error(
        "{place} is to be reached by IPv{} only, but from {from}, which is of the other family",
        if .from.is_ipv4() { 6 } else { 4 }
    )]
    SourceFamily {
        /// The account's name in quotation marks, or its server.
        place: String,
        /// Where connections are to begin.
        from: IpAddr,
    },
    /// A pin, and a server that shows no certificate.
    #[error("{server} shows no certificate that could be held against the pin")]
    PinInClear {
        /// Its URL.
        server: String,
    },
    /// A pin, and `tls-verify = "no"`.
    #[error("a pin (tls-pin) and no check of the certificate (tls-verify) exclude each other")]
    PinUnchecked,
    /// `tls-key` without `tls-cert`.
    #[error("there is a key for TLS (tls-key), but no certificate (tls-cert)")]
    KeyWithoutCertificate,
    /// An environment variable whose value does not fit.
    #[error("the environment variable {variable}: {reason}")]
    Variable {
        /// Its name.
        variable: &'static str,
        /// A clause: what is wrong with it.
        reason: String,
    },
}

/// Who named an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NamedBy {
    /// `--account`.
    Option,
    /// A word of the command line.
    Word,
    /// `ENVOI_ACCOUNT`.
    Variable,
    /// `default`, here.
    Default(Location),
    /// `extends`, here.
    Extends(Location),
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file.display(), self.line, self.column)
    }
}

impl fmt::Display for NamedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NamedBy::Option => f.write_str("--account"),
            NamedBy::Word => f.write_str("the command line"),
            NamedBy::Variable => f.write_str("ENVOI_ACCOUNT"),
            NamedBy::Default(at) => write!(f, "{at}: default"),
            NamedBy::Extends(at) => write!(f, "{at}: extends"),
        }
    }
}

fn chosen_by_nothing(sender: Option<&str>) -> String {
    match sender {
        Some(sender) => format!("no account fits the sender {sender}, and none is the default"),
        None => "there are several accounts, and none is the default".to_owned(),
    }
}

fn counted(names: &[String]) -> String {
    match names.len() {
        0 => "none".to_owned(),
        count => format!("{count}: {}", names.join(", ")),
    }
}

/// The word of `known` that looks most like `word`, if it looks like it at all.
pub(super) fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let word = word.to_lowercase();
    let likeness = |known: &str| strsim::jaro_winkler(&word, &known.to_lowercase());
    let alike = known.into_iter().map(|known| (likeness(known), known));
    let (likeness, nearest) = alike.max_by(|(one, _), (other, _)| one.total_cmp(other))?;
    (likeness >= ALIKE).then_some(nearest)
}

/// How much words have in common that were confused or mistyped; below it lie
/// such as ‘port’ and ‘proxy’.
const ALIKE: f64 = 0.75;
