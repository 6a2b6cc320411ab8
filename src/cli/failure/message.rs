//! What an error of `message` means for the exit status, and what to try.

use super::{Exit, Failure};
use crate::cli::hint::Hint;
use crate::message::{AddressError, AliasError, Error, Warning};
use crate::smtp::PathError;
use std::path::Path;

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let (exit, hint) = match &error {
            Error::Unreadable { path, .. } => (Exit::NoInput, Some(look_at(path))),
            Error::Directory(_) | Error::NotAFile(_) => (Exit::NoInput, None),
            Error::Changed(_) => (Exit::IoErr, Some("run the same command again".to_owned())),
            Error::FileName(_) => {
                (Exit::DataErr, Some("give it another name: --attach-name NAME".to_owned()))
            }
            Error::Address { text, reason } => (Exit::DataErr, Some(of_address(text, *reason))),
            Error::Unqualified { .. } => (
                Exit::Config,
                Some(
                    "in the configuration, the table [rewrite] says which: \
                     domain = \"host.example.org\""
                        .to_owned(),
                ),
            ),
            Error::Alias(error) => (Exit::Config, of_alias(error)),
            Error::HeaderName(_) => {
                (Exit::DataErr, Some("a name has no blanks: --header 'X-Name: value'".to_owned()))
            }
            Error::HeaderBreak(_) => (
                Exit::DataErr,
                Some("write it in one line; a long one is folded when it is sent".to_owned()),
            ),
            Error::HeaderReserved(_) => (Exit::DataErr, Some("leave it out".to_owned())),
            Error::MediaType(_) => {
                (Exit::DataErr, Some("write it as in --attach-type text/csv".to_owned()))
            }
            Error::MessageId(_) => (
                Exit::DataErr,
                Some("copy it from the field Message-ID of that message: <id@example.org>".into()),
            ),
            Error::UnsubscribeUrl(_) => (
                Exit::DataErr,
                Some(
                    "--list-unsubscribe https://example.org/leave, or mailto:leave@example.org"
                        .into(),
                ),
            ),
            Error::OneClick(_) => (
                Exit::Usage,
                Some("--one-click --list-unsubscribe 'https://example.org/leave?you=bob'".into()),
            ),
            Error::NoFrom => return no_from(),
            Error::NoRandomness | Error::NotSigned => (Exit::OsErr, None),
            Error::Nul { .. } | Error::LineTooLong { .. } | Error::HeaderTooLarge(_) => (
                Exit::DataErr,
                Some(
                    "attached as octets, a file may hold anything: \
                     envoi send --attach 'FILE;type=application/octet-stream' bob@example.org"
                        .to_owned(),
                ),
            ),
            Error::StrayCr(_) => (
                Exit::DataErr,
                Some("to send it with spaces there: stray-cr = \"space\" in [message]".to_owned()),
            ),
            Error::Unfit { .. } | Error::Attached(_) => (
                Exit::DataErr,
                Some(
                    "pack the message and attach the archive: \
                     envoi send --attach FILE.gz bob@example.org"
                        .to_owned(),
                ),
            ),
            Error::Loop { .. } => (
                Exit::DataErr,
                Some("the topmost of them say between which servers it goes".to_owned()),
            ),
            Error::HeaderTwice(_) => (Exit::DataErr, Some("leave one of them out".to_owned())),
            Error::HeaderValue(_) | Error::Date => (Exit::DataErr, None),
        };
        let failure = Failure::new(exit, error);
        Failure { hints: hint.map(Hint::from).into_iter().collect(), ..failure }
    }
}

/// What to try where an address is none.
fn of_address(text: &str, reason: AddressError) -> String {
    if reason == AddressError::Path(PathError::NoDomain) && is_word(text) {
        format!("write it whole: {text}@example.org")
    } else if text.matches('@').count() > 1 && !text.contains(char::is_control) {
        "put a comma between two addresses".to_owned()
    } else {
        "write it as bob@example.org or 'Bob <bob@example.org>'".to_owned()
    }
}

/// Nobody who could be the author (64).
pub(in crate::cli) fn no_from() -> Failure {
    Failure::say(Exit::Usage, "it is not known whom the message is from").hint(
        Hint::from("")
            .either("--from you@example.org, or ", "")
            .text("from = \"you@example.org\" in the account"),
    )
}

/// Nobody to send to (64).
pub(in crate::cli) fn no_recipients() -> Failure {
    Failure::say(Exit::Usage, "the message has no recipients")
        .hint("name them: envoi send … bob@example.org, or --to, --cc, --bcc")
}

/// What to try where an alias leads nowhere.
fn of_alias(error: &AliasError) -> Option<String> {
    match error {
        AliasError::Syntax { .. } => Some("write it as in root: alice@example.org".to_owned()),
        AliasError::Program { name, .. } | AliasError::File { name, .. } => {
            Some(format!("let it stand for an address: {name}: alice@example.org"))
        }
        AliasError::List { list, .. } => Some(look_at(list)),
        AliasError::Circle { chain, .. } => chain.first().map(|name| {
            format!(
                "let one of them end at an address, or at itself with a backslash: {name}: \\{name}"
            )
        }),
        AliasError::Deep { .. } => Some("shorten the way: name its end".to_owned()),
    }
}

/// A warning with what to try.
pub(in crate::cli) fn warned(warning: &Warning) -> String {
    let remedy = match warning {
        Warning::NotSentAlong { path, .. } => format!("--inline {} sends it", quoted(path)),
        Warning::NotShown(path) => format!("--attach {} attaches it", quoted(path)),
        Warning::NoPlainForm => "--body-file FILE gives one".to_owned(),
        Warning::UnknownCharset => "iconv -f ISO-8859-1 -t UTF-8 converts it".to_owned(),
        Warning::Charset { .. } => "convert it with iconv, or name its own".to_owned(),
        Warning::BrokenSignature => "-v shows how".to_owned(),
        Warning::Twice(_) => "leave one of them out".to_owned(),
    };
    format!("{warning}; {remedy}")
}

/// A file that should be UTF-8 and is not (65). `option` takes it.
pub(in crate::cli) fn not_text(option: &str, path: &Path, octets: &[u8]) -> Failure {
    let charset = if octets.starts_with(b"\xff\xfe") || octets.starts_with(b"\xfe\xff") {
        "UTF-16"
    } else {
        "ISO-8859-1"
    };
    let file = if path == Path::new("-") { String::new() } else { format!(" {}", quoted(path)) };
    Failure::say(Exit::DataErr, format!("{option}: ‘{}’ is not UTF-8", path.display()))
        .hint(format!("convert it: iconv -f {charset} -t UTF-8{file} | envoi send … {option} -"))
}

/// A name as a system's own users have it.
fn is_word(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '+'))
}

/// The command that shows whether a file is there and who may read it.
fn look_at(path: &Path) -> String {
    let dashed = path.to_string_lossy().starts_with('-');
    format!(
        "check its name and who may read it: ls -l {}{}",
        if dashed { "./" } else { "" },
        quoted(path)
    )
}

/// A path as a shell takes it.
pub(in crate::cli) fn quoted(path: &Path) -> String {
    shell_words::quote(&path.to_string_lossy()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Aliases, Authors, Rules};

    #[test]
    fn a_name_that_leads_nowhere_is_a_matter_of_configuration() {
        // checklist §19
        let file = Path::new("/etc/aliases");
        let text = "loop: loop2\nloop2: loop\nprog: |p\nlist: :include:/l\nodd: a b\n";
        let include = &mut |_: &Path| Err(std::io::Error::other("gone"));
        let aliases = Aliases::parse(file, text.as_bytes(), include);
        let rules = Rules { domain: None, hosts: Vec::new(), aliases, from: Authors::Qualify };
        for (name, hint) in [
            ("bob", "the table [rewrite] says which: domain = \"host.example.org\""),
            ("loop", "loop: \\loop"),
            ("prog", "prog: alice@example.org"),
            ("list", "ls -l /l"),
            ("odd", "root: alice@example.org"),
        ] {
            let error = rules.envelope_recipients(name, &mut Vec::new()).unwrap_err();
            let failure = Failure::from(error);
            assert_eq!(failure.exit, Exit::Config, "{name}");
            assert!(failure.hints[0].to_string().contains(hint), "{:?}", failure.hints);
        }
    }
}
