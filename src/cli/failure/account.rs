//! What an error of `account` means for the exit status, and what to try.

use super::{Exit, Failure, quoted};
use crate::account::{
    Account, ClientFilesError, DkimError, EditError, Error, Fault, KeyFileError, SecretError,
    Unusable, Unwritable,
};
use crate::cli::hint::Hint;
use crate::message::dkim::KeyError;
use crate::net::ClientCertificateError;
use crate::smtp::ForwardPath;
use rustix::io::Errno;
use std::path::{Path, PathBuf};
use toml_edit::Key;

impl From<Error> for Failure {
    /// Whatever is wrong with accounts is a matter of configuration, an unknown
    /// one that was typed too (checklist §19).
    fn from(error: Error) -> Self {
        let hints = of_account(&error);
        Failure { hints, ..Failure::new(Exit::Config, error) }
    }
}

impl From<Unwritable> for Failure {
    fn from(error: Unwritable) -> Self {
        EditError::from(error).into()
    }
}

impl From<EditError> for Failure {
    /// A configuration that is not changed is as it was.
    fn from(error: EditError) -> Self {
        let (exit, hint) = match error {
            EditError::Invalid(error) => return error.into(),
            EditError::Exists { ref name, .. } => (
                Exit::Config,
                Some(format!(
                    "call the new one otherwise: --name {}; or put it in its place: --replace",
                    shell_words::quote(&format!("{name}-2"))
                )),
            ),
            EditError::Missing { .. } => {
                (Exit::Config, Some("see what there is: envoi account".to_owned()))
            }
            EditError::Extended { ref by, .. } => (
                Exit::Config,
                Some(format!("first: envoi account remove {}", shell_words::quote(by))),
            ),
            EditError::Unwritable(_) => (Exit::Config, None),
            EditError::Busy { .. } => {
                (Exit::TempFail, Some("run the same command again".to_owned()))
            }
            EditError::Interrupted => (Exit::TempFail, None),
            EditError::Unwritten { ref file, .. } => {
                let directory = quoted(&directory_of(file));
                (Exit::CantCreat, Some(format!("check who may write there: ls -ld {directory}")))
            }
        };
        Failure { hints: hint.map(Hint::from).into_iter().collect(), ..Failure::new(exit, error) }
    }
}

impl From<DkimError> for Failure {
    /// A key that cannot be signed with is a matter of configuration
    /// (checklist DKIM-key).
    fn from(error: DkimError) -> Self {
        let hint = match &error {
            DkimError::Unreadable { file, .. } | DkimError::NotAFile { file } => readable(file),
            DkimError::Exposed { file, fault } => close(file, *fault),
            DkimError::Unfit { file, reason } => of_key(file, reason),
        };
        Failure::new(Exit::Config, error).hint(hint)
    }
}

impl From<Unusable> for Failure {
    /// A secret that will not be had is a matter of configuration.
    fn from(error: Unusable) -> Self {
        let hint = match &error {
            Unusable::Exposed { file, fault } => Some(close(file, *fault)),
            Unusable::NoCredentials { name } => {
                Some(format!("in the unit of the service: LoadCredential={name}:PATH"))
            }
            Unusable::NoProgram { program } if program.contains(' ') => Some(WORDS.to_owned()),
            Unusable::NotSet(_)
            | Unusable::Unreadable { .. }
            | Unusable::Empty { .. }
            | Unusable::NoProgram { .. }
            | Unusable::CredentialName { .. }
            | Unusable::NoClient { .. }
            | Unusable::NoLogin { .. }
            | Unusable::NoNetrc => None,
        };
        let hints = hint.map(Hint::from).into_iter().collect();
        Failure { hints, ..Failure::new(Exit::Config, error) }
    }
}

impl From<ClientFilesError> for Failure {
    /// A certificate that cannot be shown is a matter of configuration
    /// (checklist TLS-cert).
    fn from(error: ClientFilesError) -> Self {
        let hint = match &error {
            ClientFilesError::Unreadable { file, .. }
            | ClientFilesError::Key {
                file,
                reason: KeyFileError::Unreadable(_) | KeyFileError::NotAFile,
            } => readable(file).into(),
            ClientFilesError::Key { file, reason: KeyFileError::Exposed(fault) } => {
                close(file, *fault).into()
            }
            ClientFilesError::Unfit { files, reason } => {
                let key = files.key.as_ref().unwrap_or(&files.certificate);
                of_client_certificate(&files.certificate, key, *reason)
            }
        };
        Failure::new(Exit::Config, error).hint(hint)
    }
}

/// What to try where files hold no certificate that can be shown.
fn of_client_certificate(certificate: &Path, key: &Path, reason: ClientCertificateError) -> Hint {
    match reason {
        ClientCertificateError::NoCertificate | ClientCertificateError::DamagedCertificate => {
            format!("see what is in it: openssl x509 -noout -subject -in {}", quoted(certificate))
                .into()
        }
        ClientCertificateError::NoKey => {
            Hint::from("name the file of the key: ").option("tls-key", "FILE")
        }
        ClientCertificateError::Locked => format!(
            "write it down unlocked: (umask 077; openssl pkey -in {} -out {})",
            quoted(key),
            quoted(&key.with_extension("unlocked.pem"))
        )
        .into(),
        ClientCertificateError::Mismatch => format!(
            "compare the two: openssl x509 -noout -pubkey -in {}; openssl pkey -pubout -in {}",
            quoted(certificate),
            quoted(key)
        )
        .into(),
        _ => format!("see what it is: openssl pkey -noout -text_pub -in {}", quoted(key)).into(),
    }
}

/// What to try where a file holds no key that can be signed with.
fn of_key(file: &Path, reason: &KeyError) -> String {
    let beside = |extension: &str| quoted(&file.with_extension(extension));
    match reason {
        KeyError::TooShort(_) | KeyError::TooLong(_) | KeyError::Unsound => format!(
            "make another and publish it: \
             openssl genpkey -algorithm rsa -pkeyopt rsa_keygen_bits:2048 -out {}",
            beside("2048.pem")
        ),
        KeyError::Locked => format!(
            "write it down unlocked: openssl pkey -in {} -out {}",
            quoted(file),
            beside("unlocked.pem")
        ),
        KeyError::NotPem | KeyError::OtherBlock(_) | KeyError::Algorithm | KeyError::Damaged => {
            format!(
                "make one and publish it: openssl genpkey -algorithm ed25519 -out {}",
                beside("ed25519.pem")
            )
        }
    }
}

/// What to try where a command was written as one text.
const WORDS: &str = "a program and its words stand apart: command = [\"pass\", \"show\", \"mail\"]";

/// What to try where a source gives no password, beside another source.
pub(in crate::cli) fn of_secret(error: &SecretError) -> Option<String> {
    match error {
        SecretError::Exposed { file, fault } => Some(close(file, *fault)),
        SecretError::UnreadableFile { file, .. } if file.starts_with("~") => {
            Some("behind a colon the shell leaves ~ alone: write $HOME in its place".to_owned())
        }
        SecretError::UnreadableFile { file, .. } => {
            Some(format!("check its name and who may read it: ls -l {}", quoted(file)))
        }
        SecretError::NoText { .. } => Some(
            "write it as text: iconv -f UTF-16 -t UTF-8 FILE, if that is what it is".to_owned(),
        ),
        SecretError::NoCredential { name, .. } => {
            Some(format!("in the unit of the service: LoadCredential={name}:PATH"))
        }
        SecretError::NoKeyringProgram { program: "secret-tool" } => Some(
            "install its package: libsecret-tools on Debian and Ubuntu, libsecret elsewhere"
                .to_owned(),
        ),
        SecretError::NoSessionBus => Some(format!(
            "while you are logged in, its bus is reached by \
             DBUS_SESSION_BUS_ADDRESS=unix:path=/run/user/{}/bus",
            rustix::process::getuid().as_raw()
        )),
        SecretError::KeyringLocked | SecretError::KeyringSilent { .. } => {
            Some("log in at the desktop, or unlock it there".to_owned())
        }
        SecretError::NotInKeyring { store, .. } => {
            Some(format!("to store it: {}", shell_words::join(store)))
        }
        SecretError::Netrc { .. } => {
            Some("an entry is: machine HOST login USER password \"PASSWORD\"".to_owned())
        }
        SecretError::NotInNetrc { file, user, host } => {
            let user = in_netrc(user);
            Some(format!(
                "add to {} the line: machine {host} login {user} password \"PASSWORD\"",
                quoted(file)
            ))
        }
        SecretError::NotRun { program, .. } if program.contains(' ') => Some(WORDS.to_owned()),
        SecretError::Unreadable { source, .. } if source.raw_os_error() == Some(BADF) => {
            Some("let the shell open it for reading: fd:3 goes with 3< FILE".to_owned())
        }
        SecretError::OtherContent { .. } => Some("name another file".to_owned()),
        SecretError::NotAPlace { .. } => {
            Some("write keyring, or file:PATH, in its place".to_owned())
        }
        SecretError::Unwritten { file, .. } => {
            Some(format!("check who may write there: ls -ld {}", quoted(&directory_of(file))))
        }
        SecretError::NotSet(_)
        | SecretError::Unreadable { .. }
        | SecretError::Silent { .. }
        | SecretError::Empty { .. }
        | SecretError::TooLong { .. }
        | SecretError::TooLongForKeychain
        | SecretError::CredentialName { .. }
        | SecretError::NotRun { .. }
        | SecretError::Failed { .. }
        | SecretError::NoKeyringProgram { .. }
        | SecretError::KeyringUnreachable { .. }
        | SecretError::NoNetrc
        | SecretError::NotAsked(_)
        | SecretError::Interrupted
        | SecretError::TooSlow { .. } => None,
    }
}

/// The directory of a file.
fn directory_of(file: &Path) -> PathBuf {
    let parent = file.parent().filter(|parent| *parent != Path::new(""));
    parent.unwrap_or(Path::new(".")).to_owned()
}

const BADF: i32 = Errno::BADF.raw_os_error();

/// A word as netrc files have it.
fn in_netrc(word: &str) -> String {
    if word.contains(|c: char| c.is_whitespace() || "\"'#".contains(c)) {
        format!("\"{}\"", word.replace('\\', "\\\\").replace('"', "\\\""))
    } else {
        word.to_owned()
    }
}

/// A recipient elsewhere, and an account for this machine alone (78).
pub(in crate::cli) fn no_server(recipient: &ForwardPath, account: &Account) -> Failure {
    let name = account.name.as_deref().unwrap_or_default();
    let sentence = format!("{recipient} needs a server, and the account ‘{name}’ names none");
    Failure::say(Exit::Config, sentence).hint(write_server(name))
}

fn write_server(account: &str) -> String {
    format!("in {}, write server = \"smtps://HOST\" or \"smtp://HOST\"", table(account))
}

/// The head of an account's table.
pub(in crate::cli) fn table(account: &str) -> String {
    format!("[accounts.{}]", Key::new(account).display_repr())
}

/// A hint names all keys of a table, and all accounts, if there are no more.
const FEW: usize = 8;

fn of_account(error: &Error) -> Vec<Hint> {
    match error {
        Error::UnknownKey { nearest, known, .. } => {
            let all = if known.len() > FEW {
                "man envoi-config has all of them".to_owned()
            } else {
                format!("The keys are {}", known.join(", "))
            };
            vec![meant(*nearest, all).into()]
        }
        Error::Exposed { file, fault } => vec![close(file, *fault).into()],
        Error::UnknownAccount { nearest, names, .. } => of_unknown(nearest.as_deref(), names),
        Error::NoAccounts => of_unknown(None, &[]),
        Error::NoChoice { names, .. } | Error::Ambiguous { names, .. } => of_choice(names),
        Error::NoServer { account } => vec![write_server(account).into()],
        Error::NoUser { .. } | Error::NobodyFor { .. } => {
            vec![
                Hint::from("name the user: ")
                    .either("--user, ", "")
                    .text("user = in the account, or ENVOI_USER"),
            ]
        }
        Error::Aliases { file, .. } => {
            vec![readable(file).into(), "for no aliases: aliases = \"/dev/null\"".into()]
        }
        Error::Unreadable { file, .. } => vec![readable(file).into()],
        Error::Syntax { .. } | Error::Value { .. } | Error::Circle { .. } => {
            vec!["every key is described by: man 5 envoi-config".into()]
        }
        Error::PinInClear { .. } => vec![
            "leave out tls-pin, or name a server that speaks TLS: smtps://HOST or smtp://HOST"
                .into(),
        ],
        Error::PinUnchecked => {
            vec![Hint::from("to have the pin checked: ").option("tls-verify", "yes")]
        }
        Error::TwoTokens { .. } => {
            vec![
                "leave out one of them: token, which fetches a token, or oauth2, which has \
                  tokens of a login"
                    .into(),
            ]
        }
        Error::KeyWithoutCertificate => {
            vec![Hint::from("name the file of the certificate, too: ").option("tls-cert", "FILE")]
        }
        Error::Variable { variable: "ENVOI_SERVER", .. } => {
            vec!["write it as in ENVOI_SERVER=smtps://mail.example.org".into()]
        }
        Error::Variable { variable: variable @ ("ALL_PROXY" | "all_proxy"), .. } => vec![
            format!("write it as in {variable}=socks5://127.0.0.1:1080").into(),
            Hint::from("to go without a proxy: ").option("proxy", "none"),
        ],
        Error::SourceFamily { .. } => {
            let hint = Hint::from("leave out one of them: ").name("source").text(", ");
            let hint = hint.name("ipv4").text(", ").name("ipv6");
            vec![hint.either(", or their keys", "")]
        }
        Error::Line { file, line, .. } => {
            vec![format!("the line is shown by: sed -n {line}p {}", quoted(file)).into()]
        }
        Error::Computed { source, .. } => of_secret(source).map(Hint::from).into_iter().collect(),
        Error::OneName { .. } => {
            vec!["leave out --name, and edit the names where they are written".into()]
        }
        Error::TooLong { .. } | Error::Families { .. } | Error::Variable { .. } => Vec::new(),
    }
}

fn of_unknown(nearest: Option<&str>, names: &[String]) -> Vec<Hint> {
    if names.is_empty() {
        return vec![
            Hint::from("to try envoi without a server: ").either(
                "--server sink:",
                "envoi send --server sink: -f me@example.org me@example.org",
            ),
            "to add an account: envoi account add YOUR-ADDRESS".into(),
        ];
    }
    let all = if names.len() > FEW {
        "All of them: envoi account".to_owned()
    } else {
        format!("The accounts are {}", names.join(", "))
    };
    vec![meant(nearest, all).into()]
}

fn of_choice(names: &[String]) -> Vec<Hint> {
    let (text, names) = if names.len() > FEW {
        ("name one of those that envoi account lists: ", &["NAME".to_owned()][..])
    } else {
        ("name one: ", names)
    };
    let each = |before: &str| {
        let words = names.iter().map(|name| format!("{before}{}", shell_words::quote(name)));
        words.collect::<Vec<_>>().join(" or ")
    };
    vec![
        Hint::from(text).either(each("--account "), each("ENVOI_ACCOUNT=")),
        "or write default = \"NAME\" at the top of the configuration".into(),
    ]
}

/// What was probably meant, and what there is.
fn meant(nearest: Option<&str>, all: String) -> String {
    match nearest {
        Some(nearest) => format!("did you mean ‘{nearest}’? {all}"),
        None => all,
    }
}

fn readable(file: &Path) -> String {
    format!("check its name and who may read it: ls -l {}", quoted(file))
}

/// The command that closes a file to others.
fn close(file: &Path, fault: Fault) -> String {
    let file = quoted(file);
    match fault {
        Fault::Mode(_) => format!("chmod 600 {file}"),
        Fault::Owner(_) => format!("chown \"$(id -u)\" {file}; chmod 600 {file}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::{Accounts, Choice, Environment};

    fn failure(config: &str, named: Option<&str>) -> Failure {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("config.toml");
        std::fs::write(&file, config).unwrap();
        let environment = Environment::from([("HOME", "/home/alice")]);
        let accounts = match Accounts::load(Some(&file), &environment) {
            Ok(accounts) => accounts,
            Err(error) => return error.into(),
        };
        accounts.choose(Choice { named, ..Choice::default() }).unwrap_err().into()
    }

    #[test]
    fn a_wrong_configuration_is_78_and_says_what_to_try() {
        // SEC-9, checklist §19
        for (config, hint) in [
            ("", "--server sink:"),
            ("defualt = 1", "did you mean"),
            ("sevrer = 1", "The keys are accounts"),
            ("[accounts.a]\npassword = { value = 'p' }", "chmod 600 /"),
            ("[accounts.a]\n", "[accounts.a], write server"),
            ("[accounts.a]\n[accounts.b]\n", "--account a or --account b"),
        ] {
            let failure = failure(config, None);
            assert_eq!(failure.exit, Exit::Config, "{config}");
            assert!(
                failure.hints.iter().any(|it| it.to_string().contains(hint)),
                "{:?}",
                failure.hints
            );
        }
    }

    #[test]
    fn an_account_that_was_typed_wrong_is_78_too() {
        let failure = failure("[accounts.work]\n[accounts.home]\n", Some("wrok"));
        assert_eq!(failure.exit, Exit::Config);
        let hint = Hint::from("did you mean ‘work’? The accounts are home, work");
        assert_eq!(failure.hints, [hint]);
    }

    #[test]
    fn of_many_accounts_a_hint_names_none() {
        let many: String = (0..20).map(|number| format!("[accounts.a{number}]\n")).collect();
        let unchosen = failure(&many, None);
        let hint = "name one of those that envoi account lists: --account NAME";
        assert_eq!(unchosen.hints[0].to_string(), hint);
        let unknown = failure(&many, Some("a2O"));
        let hint = unknown.hints[0].to_string();
        assert!(hint.ends_with("? All of them: envoi account"), "{hint}");
    }
}
