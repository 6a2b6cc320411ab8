//! What `envoi` alone says: what this user can do next.

use crate::account::{Accounts, Choice};
use std::fmt::Write as _;
use std::path::Path;

/// The text, with its final line end.
pub(super) fn next(accounts: &Accounts) -> String {
    let mut text = String::new();
    let names: Vec<&str> = accounts.names().collect();
    if names.is_empty() && !accounts.environment_decides() {
        text.push_str(TRY_IT);
        text.push('\n');
        text.push_str(HOW_TO_ADD);
        text.push('\n');
        text.push_str(&how_to_configure(accounts));
    } else {
        text.push_str(&what_is_there(accounts, &names));
        text.push('\n');
        text.push_str(&how_to_send(accounts, &names));
    }
    text.push('\n');
    text.push_str(MORE);
    text
}

fn how_to_configure(accounts: &Accounts) -> String {
    let files = accounts.files();
    let file = files.only.as_deref().or(files.user.as_deref()).unwrap_or(&files.system);
    let state = if accounts.found().is_empty() { "There is no" } else { "No account is in the" };
    format!("{state} configuration. By hand, it is written to\n{}:\n\n{EXAMPLE}", shown(file))
}

fn what_is_there(accounts: &Accounts, names: &[&str]) -> String {
    let mut text = String::new();
    if accounts.environment_decides() {
        text.push_str("The environment (ENVOI_ACCOUNT, ENVOI_SERVER) says where mail goes.\n");
    }
    if names.is_empty() {
        return text;
    }
    let listed: Vec<_> = names
        .iter()
        .map(|&name| match accounts.default_name() {
            Some(default) if default == name => format!("{name} (default)"),
            _ => name.to_owned(),
        })
        .collect();
    let noun = if names.len() == 1 { "account is" } else { "accounts are" };
    // Writing into a String cannot fail.
    let _ = writeln!(text, "{} {noun} configured: {}.", names.len(), listed.join(", "));
    for file in accounts.found() {
        let _ = writeln!(text, "  {}", shown(file));
    }
    text
}

/// An example that works when pasted, but for the recipient.
fn how_to_send(accounts: &Accounts, names: &[&str]) -> String {
    let chosen =
        accounts.environment_decides() || accounts.default_name().is_some() || names.len() == 1;
    if accounts.choose(Choice::default()).is_ok_and(|account| account.servers.is_empty()) {
        return SEND_HERE.to_owned();
    }
    let option = match names {
        [first, ..] if !chosen => format!(" -A {}", quoted(first)),
        _ => String::new(),
    };
    let author = if accounts.has_author() { "" } else { " -f YOUR-ADDRESS" };
    format!("Send a message:\n  echo 'It works.' | envoi send{option}{author} -s Test RECIPIENT\n")
}

fn quoted(word: &str) -> String {
    shell_words::quote(word).into_owned()
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

const TRY_IT: &str = "\
Try envoi without a mail server; it catches the message itself:
  echo 'It works.' |
    envoi send --server sink: -f me@example.org -s Test me@example.org
";

const HOW_TO_ADD: &str = "\
Send through your mail server; envoi finds it by your address:
  envoi account add YOUR-ADDRESS
";

const EXAMPLE: &str = r#"  [accounts.main]
  from     = "Your Name <you@example.org>"
  server   = "smtps://mail.example.org"
  user     = "you@example.org"
  password = { prompt = true }    # or command = ["pass", "show", "mail"]
"#;

const SEND_HERE: &str = "\
Send a message to a user of this machine:
  echo 'It works.' | envoi sendmail root
";

const MORE: &str = "\
‘envoi check’ says what is wrong with an account; ‘envoi send --help’ describes every option.
";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::{Environment, Files};
    use crate::cli::args::Cli;
    use clap::Parser as _;

    fn said(config: Option<&str>, environment: &Environment) -> String {
        let directory = tempfile::tempdir().unwrap();
        let user = directory.path().join("config.toml");
        if let Some(config) = config {
            std::fs::write(&user, config).unwrap();
        }
        let files = Files { only: None, system: "/nowhere".into(), user: Some(user.clone()) };
        let text = next(&Accounts::read(files, environment).unwrap());
        text.replace(user.to_str().unwrap(), "CONFIG")
    }

    fn bare() -> Environment {
        Environment::from([("HOME", "/home/alice")])
    }

    #[test]
    fn a_newcomer_is_shown_the_sink_and_a_configuration() {
        assert_eq!(
            said(None, &bare()),
            "\
Try envoi without a mail server; it catches the message itself:
  echo 'It works.' |
    envoi send --server sink: -f me@example.org -s Test me@example.org

Send through your mail server; envoi finds it by your address:
  envoi account add YOUR-ADDRESS

There is no configuration. By hand, it is written to
CONFIG:

  [accounts.main]
  from     = \"Your Name <you@example.org>\"
  server   = \"smtps://mail.example.org\"
  user     = \"you@example.org\"
  password = { prompt = true }    # or command = [\"pass\", \"show\", \"mail\"]

‘envoi check’ says what is wrong with an account; ‘envoi send --help’ describes every option.
"
        );
    }

    #[test]
    fn the_configuration_that_is_shown_can_be_read() {
        let text = said(Some(EXAMPLE), &bare());
        assert!(text.starts_with("1 account is configured: main.\n  CONFIG\n"), "{text}");
        assert!(text.contains("envoi send -s Test RECIPIENT"), "{text}");
    }

    #[test]
    fn with_accounts_an_example_uses_the_one_that_would_be_chosen() {
        let two = "[accounts.a]\nserver = 'sink:'\nfrom = 'a@x'\n[accounts.b]\nserver = 'sink:'\n";
        let text = said(Some(two), &bare());
        assert!(text.starts_with("2 accounts are configured: a, b.\n"), "{text}");
        assert!(text.contains("envoi send -A a -s Test"), "{text}");
        let text = said(Some(&format!("default = 'b'\n{two}")), &bare());
        assert!(text.contains("a, b (default)"), "{text}");
        assert!(text.contains("envoi send -f YOUR-ADDRESS -s Test"), "{text}");
    }

    #[test]
    fn an_account_for_this_machine_alone_has_an_example_of_its_own() {
        let text = said(Some("[accounts.a]\nlocal = 'maildir:{home}/Maildir'\n"), &bare());
        assert!(text.contains("  echo 'It works.' | envoi sendmail root\n"), "{text}");
        assert!(!text.contains("| envoi send "), "{text}");
    }

    #[test]
    fn a_container_is_told_that_its_environment_decides() {
        let environment = Environment::from([("ENVOI_SERVER", "smtps://h"), ("ENVOI_FROM", "a@x")]);
        let text = said(None, &environment);
        assert!(text.starts_with("The environment"), "{text}");
        assert!(text.contains("| envoi send -s Test RECIPIENT"), "{text}");
    }

    #[test]
    fn the_example_for_newcomers_is_a_command_line() {
        let example = TRY_IT.split("|\n").nth(1).unwrap();
        let words = shell_words::split(example).unwrap();
        assert!(Cli::try_parse_from(words).is_ok());
    }
}
