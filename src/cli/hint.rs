//! What to try, in words that work where they are read. `envoi send` takes the
//! options of a connection; `sendmail` takes none of them, but each has a key of
//! the same name in the configuration.

use serde::{Serialize, Serializer};
use std::fmt::{self, Display};
use toml_edit::Value;

/// One line that says what to try. Its text is for who types options;
/// `in_configuration` makes it one for who cannot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    /// The file of aliases.
    Aliases,
    Choice {
        /// For who types options.
        typed: String,
        /// For who cannot.
        otherwise: String,
        /// That is a key of an account, or the value of one.
        is_key: bool,
    },
}

/// Where that is configured which nobody can type.
#[derive(Clone, Debug)]
pub(super) struct Written {
    /// The table of the account, and its file.
    pub(super) account: String,
    /// The file of aliases.
    pub(super) aliases: String,
}

impl Default for Written {
    /// Where it is not known which account is meant.
    fn default() -> Self {
        Written { account: "the account".to_owned(), aliases: ALIASES.to_owned() }
    }
}

/// Where the aliases of a machine usually are.
const ALIASES: &str = "/etc/aliases";

impl Hint {
    /// Adds words that are right for everybody.
    pub(super) fn text(mut self, text: impl Into<String>) -> Self {
        self.0.push(Part::Text(text.into()));
        self
    }

    /// Adds the name of the file of aliases.
    pub(super) fn aliases(mut self) -> Self {
        self.0.push(Part::Aliases);
        self
    }

    /// Adds an option with this value: `--tls-min 1.2`, `tls-min = "1.2"`.
    pub(super) fn option(self, key: &str, value: impl Display) -> Self {
        let text = value.to_string();
        self.setting(format!("--{key} {text}"), format!("{key} = {}", Value::from(text)))
    }

    /// Adds an option that has no value: `--ipv4`, `ipv4 = true`.
    pub(super) fn flag(self, key: &str) -> Self {
        self.setting(format!("--{key}"), format!("{key} = true"))
    }

    /// Adds the name of an option: `--user`, `user`.
    pub(super) fn name(self, key: &str) -> Self {
        self.setting(format!("--{key}"), key)
    }

    /// Adds what is typed, or stands in the table of an account.
    pub(super) fn setting(mut self, typed: impl Into<String>, key: impl Into<String>) -> Self {
        let (typed, otherwise) = (typed.into(), key.into());
        self.0.push(Part::Choice { typed, otherwise, is_key: true });
        self
    }

    /// Adds what is typed as an option, or what does the same in another way.
    pub(super) fn either(mut self, typed: impl Into<String>, other: impl Into<String>) -> Self {
        let (typed, otherwise) = (typed.into(), other.into());
        self.0.push(Part::Choice { typed, otherwise, is_key: false });
        self
    }

    /// The same for who cannot type options.
    #[must_use]
    pub(super) fn in_configuration(&self, written: &Written) -> Self {
        let words = self.0.iter().map(|part| match part {
            Part::Text(text) => text.as_str(),
            Part::Aliases => &written.aliases,
            Part::Choice { otherwise, .. } => otherwise,
        });
        let has_key = self.0.iter().any(|part| matches!(part, Part::Choice { is_key: true, .. }));
        let place = if has_key { format!(" (in {})", written.account) } else { String::new() };
        Hint::from(words.collect::<String>() + &place)
    }
}

impl Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|part| match part {
            Part::Text(text) => f.write_str(text),
            Part::Aliases => f.write_str(ALIASES),
            Part::Choice { typed, .. } => f.write_str(typed),
        })
    }
}

impl From<String> for Hint {
    fn from(text: String) -> Self {
        Hint(vec![Part::Text(text)])
    }
}

impl From<&str> for Hint {
    fn from(text: &str) -> Self {
        Hint::from(text.to_owned())
    }
}

impl Serialize for Hint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::{Accounts, Choice, Environment, account_keys};
    use crate::cli::args::command;
    use std::fs;
    use std::path::{Path, PathBuf};

    #[test]
    fn who_cannot_type_options_is_told_the_key_and_where_it_stands() {
        let hint = Hint::from("if TLS 1.2 is good enough: ").option("tls-min", "1.2");
        assert_eq!(hint.to_string(), "if TLS 1.2 is good enough: --tls-min 1.2");
        let account = "[accounts.main] of /etc/envoi/config.toml".to_owned();
        let place = &Written { account, ..Written::default() };
        let written = "if TLS 1.2 is good enough: tls-min = \"1.2\" \
                       (in [accounts.main] of /etc/envoi/config.toml)";
        assert_eq!(hint.in_configuration(place).to_string(), written);
        let alone = Hint::from("try it again");
        assert_eq!(alone.in_configuration(place), alone);
    }

    #[test]
    fn what_is_written_for_the_configuration_is_read_there() {
        let hint = Hint::from("server = 'smtps://h'\n")
            .option("auth", "scram-sha-256")
            .text("\n")
            .option("proxy", "none")
            .text("\n")
            .option("tls-ca", "a \"file\"")
            .text("\n")
            .option("tls-min", "1.2")
            .text("\n")
            .option("tls-name", "mail.example.org")
            .text("\n")
            .option("tls-verify", "no")
            .text("\n")
            .option("user", "NAME")
            .text("\n")
            .option("save-sent", "DIR")
            .text("\n")
            .flag("allow-cleartext-auth")
            .text("\n")
            .flag("tls-system-roots");
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.toml");
        let text = hint.in_configuration(&Written::default()).to_string();
        let text = text.replace(" (in the account)", "");
        fs::write(&file, format!("[accounts.a]\n{text}\n")).unwrap();
        let accounts = Accounts::load(Some(&file), &Environment::from([("HOME", "/")])).unwrap();
        let account = accounts.choose(Choice::default()).unwrap();
        assert_eq!(account.auth, ["SCRAM-SHA-256"]);
        assert!(!account.tls.verify && account.tls.system_roots && account.allow_cleartext_auth);
        assert_eq!(account.tls.ca, [folder.path().join("a \"file\"")]);
    }

    /// Whoever reads what these print has typed options.
    const TYPED: &[&str] =
        &["account", "args", "failure/typed.rs", "next.rs", "questions.rs", "sink", "sink.rs"];

    #[test]
    fn no_hint_that_sendmail_may_give_names_an_option_of_a_connection_as_mere_text() {
        let command = command();
        let send = command.find_subcommand("send").unwrap();
        let options = send.get_arguments().filter_map(clap::Arg::get_long);
        let keys = account_keys().filter(|key| *key != "from").chain(["account", "password-from"]);
        let keys: Vec<&str> = keys.collect();
        let options: Vec<String> =
            options.filter(|it| keys.contains(it)).map(|it| format!("--{it}")).collect();
        assert!(options.len() > 20, "{options:?}");
        let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/cli");
        let mut mistakes = Vec::new();
        for file in sources(&top) {
            let name = file.strip_prefix(&top).unwrap().to_owned();
            if TYPED.iter().any(|typed| name.starts_with(typed)) || name == Path::new("account.rs")
            {
                continue;
            }
            let text = fs::read_to_string(&file).unwrap();
            let text = text.split("#[cfg(test)]").next().unwrap_or_default();
            for option in &options {
                let places = text.match_indices(option.as_str()).map(|(at, _)| at);
                for at in places.filter(|&at| is_mere_text(text, at, option)) {
                    let line = text[..at].lines().count();
                    mistakes.push(format!("{}:{line}: {option}", name.display()));
                }
            }
        }
        assert!(mistakes.is_empty(), "{}", mistakes.join("\n"));
    }

    /// Not in a comment, nor behind a whole command, nor as one half of a choice.
    fn is_mere_text(text: &str, at: usize, option: &str) -> bool {
        let (before, after) = text.split_at(at);
        let is_whole =
            !after[option.len()..].starts_with(|c: char| c.is_ascii_alphanumeric() || c == '-');
        let line = before.rsplit('\n').next().unwrap_or_default();
        let statement =
            before.rsplit(';').flat_map(|it| it.rsplit("=>")).next().unwrap_or_default();
        let is_said_otherwise =
            [".either(", ".setting(", "envoi ", "{login} "].iter().any(|it| statement.contains(it));
        is_whole && !line.trim_start().starts_with("//") && !is_said_otherwise
    }

    fn sources(directory: &Path) -> Vec<PathBuf> {
        let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
        let (directories, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
        files.into_iter().chain(directories.iter().flat_map(|it| sources(it))).collect()
    }
}
