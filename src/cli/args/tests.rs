use super::*;
use crate::account::{Accounts, Environment, Error, Pipelining, SecretSource};
use crate::cli::Exit;
use crate::smtp::Chunking;
use clap::error::ErrorKind;

fn parse(words: &[&str]) -> Result<Cli, clap::Error> {
    Cli::try_parse_from([&["envoi"], words].concat())
}

fn send(words: &[&str]) -> SendArgs {
    let cli = parse(&[&["send"], words].concat()).unwrap_or_else(|error| panic!("{error}"));
    match cli.command {
        Some(Command::Send(send)) => *send,
        other => panic!("{other:?}"),
    }
}

fn refused(words: &[&str]) -> ErrorKind {
    parse(&[&["send"], words].concat()).unwrap_err().kind()
}

#[test]
fn the_definition_holds_together() {
    command().debug_assert();
}

#[test]
fn nothing_typed_is_no_command() {
    assert!(parse(&[]).unwrap().command.is_none());
}

#[test]
fn options_for_every_command_stand_before_or_after_it() {
    for words in [
        ["-A", "work", "-vv", "--json", "--color", "never", "send"],
        ["send", "-A", "work", "-vv", "--json", "--color", "never"],
    ] {
        let globals = parse(&words).unwrap().globals;
        assert_eq!((globals.account.as_deref(), globals.verbose), (Some("work"), 2));
        assert_eq!((globals.json, globals.color), (true, ColorChoice::Never));
    }
    assert_eq!(parse(&["-q", "-v"]).unwrap_err().kind(), ErrorKind::ArgumentConflict);
}

#[test]
fn a_mailx_command_line_is_understood() {
    let typed = send(&["-r", "a@x", "-s", "Hi", "-c", "c@x", "-b", "d@x", "-E", "b@x", "e@x"]);
    assert_eq!(typed.from.as_deref(), Some("a@x"));
    assert_eq!((typed.cc, typed.bcc), (vec!["c@x".to_owned()], vec!["d@x".to_owned()]));
    assert_eq!(typed.recipients, ["b@x", "e@x"]);
    assert!(typed.skip_empty);
}

#[test]
fn a_recipient_that_looks_like_an_option_stands_after_two_dashes() {
    // SEC-13
    assert_eq!(refused(&["-oQ/tmp@x"]), ErrorKind::UnknownArgument);
    assert_eq!(refused(&["--to", "-x@y"]), ErrorKind::UnknownArgument);
    assert_eq!(send(&["--", "-oQ/tmp@x"]).recipients, ["-oQ/tmp@x"]);
}

#[test]
fn a_finished_message_takes_nothing_that_composes() {
    for words in [
        &["-s", "x"][..],
        &["--reply-to", "x"],
        &["--body", "x"],
        &["--body-file", "x"],
        &["--html", "x"],
        &["-H", "x: y"],
        &["-E"],
        &["-a", "x"],
        &["--markdown", "x"],
        &["--inline", "x"],
        &["--flowed"],
        &["--in-reply-to", "x@y"],
        &["--references", "x@y"],
        &["--list-unsubscribe", "https://x"],
        &["--one-click"],
        &["--auto"],
        &["--priority", "high"],
    ] {
        let words = [words, &["--message", "m"]].concat();
        assert_eq!(refused(&words), ErrorKind::ArgumentConflict, "{words:?}");
    }
    assert_eq!(send(&["--message", "-", "-t", "a@x", "b@x"]).to, ["a@x"]);
    assert_eq!(send(&["--message", "-", "-f", "a@x"]).from.as_deref(), Some("a@x"));
    assert_eq!(refused(&["--body", "x", "--body-file", "y"]), ErrorKind::ArgumentConflict);
}

#[test]
fn stdin_is_the_text_only_when_nothing_else_is() {
    assert!(send(&["-a", "f", "b@x"]).body_is_stdin());
    for option in ["--body", "--body-file", "--html", "--markdown", "--message"] {
        let words = [option, "f"];
        assert!(!send(&words).body_is_stdin(), "{words:?}");
    }
}

#[test]
fn a_dry_run_imagines_a_server_that_can_everything_or_nothing() {
    assert_eq!(send(&["b@x"]).dry_run, None);
    assert_eq!(send(&["-n", "b@x"]).dry_run, Some(DryRun::EightBit));
    assert_eq!(send(&["--dry-run=7bit", "b@x"]).dry_run, Some(DryRun::SevenBit));
    assert_eq!(send(&["--dry-run", "7bit"]).recipients, ["7bit"]);
}

#[test]
fn a_name_belongs_to_the_attachment_before_it() {
    let attachment = |path: &str, name: Option<&str>, media_type: Option<&str>| Attachment {
        path: path.into(),
        name: name.map(str::to_owned),
        media_type: media_type.map(str::to_owned),
    };
    let typed = send(&[
        "-a",
        "one;1.txt",
        "--attach",
        "two;type=text/csv;charset=utf-8;name=2;b.csv",
        "-athree",
        "--attach-type",
        "text/plain",
        "--attach-name",
        "3;name=x",
        "-a",
        "-",
    ]);
    assert_eq!(
        typed.attachments.0,
        [
            attachment("one;1.txt", None, None),
            attachment("two", Some("2;b.csv"), Some("text/csv;charset=utf-8")),
            attachment("three", Some("3;name=x"), Some("text/plain")),
            attachment("-", None, None),
        ]
    );
}

#[test]
fn an_attachment_is_described_once_and_after_it_is_named() {
    for words in [
        &["--attach-name", "x", "-a", "f"][..],
        &["--attach-type", "x"],
        &["-a", "f", "--attach-name", "x", "--attach-name", "y"],
        &["-a", "f;name=x", "--attach-name", "y"],
        &["-a", "f;name=x;name=y"],
        &["-a", "f;type="],
        &["-a", ";name=x"],
    ] {
        assert_eq!(refused(words), ErrorKind::ValueValidation, "{words:?}");
    }
}

#[test]
fn markdown_is_the_whole_text() {
    for words in [["--body", "x"], ["--body-file", "x"], ["--html", "x"]] {
        let words = [&words[..], &["--markdown", "m"]].concat();
        assert_eq!(refused(&words), ErrorKind::ArgumentConflict, "{words:?}");
    }
    assert!(send(&["--html", "h", "--body", "x"]).content.markdown.is_none());
}

#[test]
fn an_inlined_file_is_described_as_an_attachment_is() {
    let typed = send(&["--html", "h", "--inline", "a b.png;type=image/x;name=c", "--inline", "-"]);
    let paths: Vec<_> = typed.content.inline.iter().map(|file| file.path.to_str()).collect();
    assert_eq!(paths, [Some("a b.png"), Some("-")]);
    assert_eq!(typed.content.inline[0].media_type.as_deref(), Some("image/x"));
    assert_eq!(typed.content.inline[0].name.as_deref(), Some("c"));
    for wrong in [";name=x", "f;type=", "f;name=a;name=b"] {
        assert_eq!(refused(&["--inline", wrong]), ErrorKind::ValueValidation, "{wrong}");
    }
}

#[test]
fn an_option_that_needs_another_says_so() {
    assert_eq!(refused(&["--one-click"]), ErrorKind::MissingRequiredArgument);
    assert_eq!(refused(&["--priority", "urgent"]), ErrorKind::InvalidValue);
    assert!(send(&["--resend", "--message", "m", "-c", "c@x", "-b", "d@x"]).resend);
}

#[test]
fn the_fields_of_options_are_these() {
    // 5322-3.6.4r, 2369, 8058, 3834
    let typed = send(&[
        "--in-reply-to",
        "2@x",
        "--references",
        " <1@x>  0@x ",
        "--list-unsubscribe",
        "https://x/u",
        "--list-unsubscribe",
        "<mailto:u@x>",
        "--one-click",
        "--auto",
        "--priority",
        "high",
    ]);
    let fields = typed.fields.fields().unwrap();
    let lines: Vec<_> = fields.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    assert_eq!(
        lines,
        [
            "In-Reply-To: <2@x>",
            "References: <1@x> <0@x> <2@x>",
            "List-Unsubscribe: <https://x/u>, <mailto:u@x>",
            "List-Unsubscribe-Post: List-Unsubscribe=One-Click",
            "Auto-Submitted: auto-generated",
            "X-Priority: 1 (Highest)",
            "Importance: high",
        ]
    );
    for words in [&[][..], &["--priority", "normal"]] {
        assert_eq!(send(words).fields.fields().unwrap(), [], "{words:?}");
    }
    for words in [
        &["--in-reply-to", ""][..],
        &["--in-reply-to", "x"],
        &["--references", "1@x 2"],
        &["--list-unsubscribe", "http://x/u"],
    ] {
        let failure = send(words).fields.fields().unwrap_err();
        assert_eq!(failure.exit, Exit::DataErr, "{words:?}");
        assert!(format!("{:#}", failure.error).starts_with(words[0]) && !failure.hints.is_empty());
    }
    let many = ["--one-click", "--list-unsubscribe", "mailto:u@x"];
    assert_eq!(send(&many).fields.fields().unwrap_err().exit, Exit::Usage);
}

#[test]
fn a_path_need_not_be_utf_8() {
    use std::os::unix::ffi::OsStrExt;
    let path = std::ffi::OsStr::from_bytes(b"\xff;name=x");
    let words = ["envoi", "send", "-a"].map(std::ffi::OsStr::new);
    let cli = Cli::try_parse_from([&words[..], &[path]].concat()).unwrap();
    let Some(Command::Send(send)) = cli.command else { panic!() };
    assert_eq!(send.attachments.0[0].path.as_os_str().as_bytes(), b"\xff");
}

#[test]
fn connection_options_become_settings() {
    let typed = send(&[
        "--server",
        "smtps://a.b",
        "--server",
        "smtp://c.d",
        "--user",
        "alice",
        "--password-from",
        "env:P",
        "--auth",
        "plain,LOGIN",
        "-4",
        "--timeout",
        "5m",
        "--pipelining",
        "off",
        "--chunking",
        "on",
        "--tls-verify",
        "no",
        "--tls-ca",
        "ca.pem",
        "--helo",
        "[192.0.2.1]",
        "--tls-name",
        "mx.b",
    ]);
    let settings = typed.connection.settings().unwrap();
    assert_eq!(settings.servers.unwrap().len(), 2);
    assert_eq!(settings.password, Some(SecretSource::Env("P".into())));
    assert_eq!(settings.auth, Some(vec!["PLAIN", "LOGIN"]));
    assert_eq!((settings.ipv4, settings.ipv6), (Some(true), None));
    assert_eq!(settings.timeout, Some(std::time::Duration::from_secs(300)));
    assert_eq!(settings.pipelining, Some(Pipelining::Off));
    assert_eq!(settings.chunking, Some(Chunking::On));
    assert_eq!((settings.tls_verify, settings.tls_system_roots), (Some(false), None));
    assert_eq!(settings.helo.unwrap().to_string(), "[192.0.2.1]");
}

#[test]
fn every_connection_option_is_a_key_of_the_configuration() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("config.toml");
    std::fs::write(&file, "[accounts.a]\nx = 1\n").unwrap();
    let environment = Environment::from([("HOME", "/")]);
    let Err(Error::UnknownKey { known, .. }) = Accounts::load(Some(&file), &environment) else {
        panic!()
    };
    let options = ConnectionArgs::augment_args(clap::Command::new("x"));
    for option in options.get_arguments().filter_map(|option| option.get_long()) {
        let key = if option == "password-from" { "password" } else { option };
        assert!(known.contains(&key), "{key}");
    }
}

#[test]
fn what_was_not_typed_says_nothing() {
    let settings = send(&["b@x"]).connection.settings().unwrap();
    assert_eq!(settings, crate::account::Settings::default());
}

#[test]
fn a_wrong_value_of_a_connection_option_is_refused() {
    for words in [
        ["--timeout", "x"],
        ["--deadline", "0"],
        ["--pipelining", "full"],
        ["--chunking", "yes"],
        ["--tls-verify", "maybe"],
        ["--tls-name", "a b"],
        ["--auth", "NTLM"],
        ["--helo", "a b"],
    ] {
        assert!(parse(&["send", words[0], words[1]]).is_err(), "{words:?}");
    }
    assert_eq!(refused(&["-4", "-6"]), ErrorKind::ArgumentConflict);
}

#[test]
fn a_password_typed_in_the_wrong_place_is_not_repeated() {
    // SEC-7
    for words in [
        ["--server", "smtps://alice:hunter2@h"],
        ["--server", "alice:hunter2@h"],
        ["--password-from", "hunter2"],
    ] {
        let failure = send(&words).connection.settings().unwrap_err();
        assert_eq!(failure.exit, Exit::Usage);
        assert!(!format!("{failure:?}").contains("hunter2"), "{failure:?}");
    }
}

#[test]
fn help_fits_80_columns_and_has_its_headings() {
    let mut command = command().term_width(80);
    command.build();
    let send = command.find_subcommand_mut("send").unwrap();
    for help in [send.render_help(), send.render_long_help()] {
        let help = help.to_string();
        let mut at = 0;
        for heading in [MESSAGE, ENVELOPE, SERVER, TLS, SIGN_IN, DELIVERY, DEBUGGING] {
            let found =
                help.find(&format!("\n{heading}:\n")).unwrap_or_else(|| panic!("{heading}"));
            assert!(found > at, "{heading}");
            at = found;
        }
        for line in help.lines() {
            assert!(line.chars().count() <= 80, "{line}");
        }
    }
}

#[test]
fn completions_are_for_known_shells() {
    let shell = |name| match parse(&["completions", name]).ok()?.command {
        Some(Command::Completions { shell }) => Some(shell),
        _ => None,
    };
    assert_eq!(shell("zsh"), Some(Shell::Zsh));
    assert_eq!(shell("powershell"), Some(Shell::PowerShell));
    assert_eq!(shell("csh"), None);
}

#[test]
fn nothing_is_shown_of_a_conversation_that_there_is_not() {
    for option in ["--transcript", "--events"] {
        for other in ["--dry-run", "--queue-only"] {
            assert_eq!(refused(&[option, "x", other]), ErrorKind::ArgumentConflict);
        }
        assert!(send(&[option, "x", "--queue"]).queue);
    }
}
