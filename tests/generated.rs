//! `man/` and `completions/` say what the definition of the command line says.
//!
//! Whole folders are compared, so that a page of a command that is gone fails
//! as well. `ENVOI_BLESS=1 cargo test --test generated` rewrites them.
//!
//! What the definition cannot say stands in `tests/generated/PAGE.man`: the
//! sections behind the options, with a line `@EXIT STATUS@` or `@EXAMPLES@`
//! where those go that come from [`Exit::ALL`] and from the help text.
//! `man/envoi-config.5` is written by hand; its keys are held against those
//! that the reader of configurations knows. So is `man/envoi-swaks.7`, whose
//! options are held against those that there are; `tests/interop/swaks.rs` has
//! the rest of it.

#![expect(clippy::disallowed_methods, reason = "one variable says that the files be rewritten")]

use clap_complete::{Generator, Shell};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};
use envoi::account::{Accounts, Environment, Error};
use envoi::cli::Exit;
use envoi::cli::args::command;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

/// Files by name.
type Folder = BTreeMap<String, String>;

const BY_HAND: &str = "envoi-config.5";
const FOR_SWAKS_USERS: &str = "envoi-swaks.7";

#[test]
fn the_manual_is_current() {
    hold("man", &all_pages());
}

#[test]
fn the_completions_are_current() {
    let scripts = [Shell::Bash, Shell::Elvish, Shell::Fish, Shell::PowerShell, Shell::Zsh];
    let script = |shell: Shell| {
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut command(), "envoi", &mut script);
        (shell.file_name("envoi"), String::from_utf8(script).unwrap())
    };
    hold("completions", &scripts.into_iter().map(script).collect());
}

#[test]
fn the_page_on_the_configuration_has_every_key_and_no_other() {
    let page = by_hand(BY_HAND);
    for (table, heading) in [
        ("%", "THE FILE"),
        ("[message]\n%", "THE TABLE [message]"),
        ("[queue]\n%", "THE TABLE [queue]"),
        ("[rewrite]\n%", "THE TABLE [rewrite]"),
        ("[accounts.a]\n%", "ACCOUNTS"),
        ("[accounts.a]\npassword = { % }", "PASSWORDS"),
        ("[accounts.a]\noauth2 = { % }", "TOKENS OF A LOGIN"),
        ("[accounts.a]\ndkim = { % }", "SIGNATURES"),
    ] {
        let known = known_keys(table);
        let (_, section) = page
            .split_once(&format!(".SH \"{heading}\"\n"))
            .or_else(|| page.split_once(&format!(".SH {heading}\n")))
            .unwrap_or_else(|| panic!("{BY_HAND} has no section {heading}"));
        let section = section.split("\n.SH ").next().unwrap();
        // What is described is tagged: `.TP`, then `.B` or `.BR` and the key.
        let described: BTreeSet<String> = section
            .split(".TP\n")
            .skip(1)
            .filter_map(|tagged| tagged.split_whitespace().nth(1))
            .map(|key| key.replace('\\', ""))
            .collect();
        assert_eq!(described, known, "{BY_HAND}, {heading}");
    }
}

#[test]
fn every_option_that_swaks_users_are_told_of_exists() {
    let page = by_hand(FOR_SWAKS_USERS).replace('\\', "");
    let lines = page.lines();
    // Behind `.B` stands what swaks has.
    let lines = lines.filter(|line| !line.starts_with(".B --") && !line.starts_with("swaks "));
    let words = lines.flat_map(|line| line.split(|c: char| !c.is_ascii_alphanumeric() && c != '-'));
    let told: BTreeSet<&str> = words.filter_map(|word| word.strip_prefix("--")).collect();
    let mut whole = command();
    whole.build();
    let send = whole.find_subcommand("send").unwrap();
    let known: BTreeSet<&str> = send
        .get_arguments()
        .flat_map(|arg| arg.get_long().into_iter().chain(arg.get_all_aliases().unwrap_or_default()))
        .chain(["version"])
        .collect();
    assert!(told.len() > 40, "{told:?}");
    let unknown: Vec<_> = told.difference(&known).collect();
    assert!(unknown.is_empty(), "{FOR_SWAKS_USERS} tells of {unknown:?}");
}

#[test]
fn the_readme_has_every_exit_status() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    for (exit, name, meaning) in Exit::ALL {
        let name = if name.is_empty() { String::new() } else { format!(" EX_{name}") };
        let row = format!("| {} |{name} | {meaning} |\n", exit.status());
        assert!(readme.contains(&row), "README.md lacks {row}");
    }
}

#[test]
fn a_page_that_is_referred_to_exists() {
    let pages = all_pages();
    for (name, page) in &pages {
        for line in page.lines().filter_map(|line| line.strip_prefix(".BR envoi")) {
            let Some((rest, section)) = line.split_once(" (") else { continue };
            let section = section.split(')').next().unwrap();
            let referred = format!("envoi{}.{section}", rest.replace('\\', ""));
            assert!(pages.contains_key(&referred), "{name} refers to {referred}");
        }
    }
}

/// Compares a folder of the repository with what should be in it, or rewrites
/// it.
fn hold(folder: &str, expected: &Folder) {
    let folder = root().join(folder);
    let names = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name());
    let found: Folder = names
        .map(|name| name.into_string().unwrap())
        .map(|name| (name.clone(), fs::read_to_string(folder.join(name)).unwrap()))
        .collect();
    let names: BTreeSet<&String> = found.keys().chain(expected.keys()).collect();
    let different: Vec<&String> =
        names.into_iter().filter(|&name| found.get(name) != expected.get(name)).collect();
    if std::env::var_os("ENVOI_BLESS").is_some() {
        for name in different {
            match expected.get(name) {
                Some(content) => fs::write(folder.join(name), content).unwrap(),
                None => fs::remove_file(folder.join(name)).unwrap(),
            }
        }
        return;
    }
    assert!(
        different.is_empty(),
        "{}: {different:?} are not current; to rewrite them: ENVOI_BLESS=1 cargo test --test generated",
        folder.display()
    );
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn by_hand(name: &str) -> String {
    fs::read_to_string(root().join("man").join(name)).unwrap()
}

/// Every page, also those that are written by hand.
fn all_pages() -> Folder {
    let by_hand = [BY_HAND, FOR_SWAKS_USERS].map(|name| (name.to_owned(), by_hand(name)));
    pages().into_iter().chain(by_hand).collect()
}

/// The keys that may stand at `%`, as the error about a wrong one lists them.
fn known_keys(table: &str) -> BTreeSet<String> {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("config.toml");
    fs::write(&file, table.replace('%', "no-such-key = 1")).unwrap();
    match Accounts::load(Some(&file), &Environment::from([("HOME", "/")])) {
        Err(Error::UnknownKey { known, .. }) => known.into_iter().map(str::to_owned).collect(),
        other => panic!("{other:?}"),
    }
}

/// Every generated page with its file name.
fn pages() -> Vec<(String, String)> {
    let mut whole = command();
    whole.build();
    let of = |command: &clap::Command| {
        let name = command.get_display_name().unwrap_or_else(|| command.get_name()).to_owned();
        let page = page(&name, command);
        (format!("{name}.1"), page)
    };
    let faces = whole.get_subcommands();
    let below = whole.get_subcommands().flat_map(clap::Command::get_subcommands);
    std::iter::once(&whole).chain(faces).chain(below).map(of).collect()
}

fn page(name: &str, command: &clap::Command) -> String {
    let usage = command.clone().render_usage().to_string();
    let described = command
        .clone()
        .mut_args(for_paper)
        .override_usage(usage.trim_start_matches("Usage: ").to_owned())
        .long_about(long_about(command))
        .subcommand_help_heading("COMMANDS");
    let man = Man::new(described);
    let title = name.to_uppercase();
    // Written here, since clap_mangen loses a date that is empty. Words are not
    // divided: half an option name is none.
    let source = concat!("envoi ", env!("CARGO_PKG_VERSION"));
    let mut octets =
        format!(".TH {title} 1 \"\" \"{source}\" \"User Commands\"\n.nh\n.ad l\n").into_bytes();
    man.render_name_section(&mut octets).unwrap();
    man.render_synopsis_section(&mut octets).unwrap();
    man.render_description_section(&mut octets).unwrap();
    man.render_options_section(&mut octets).unwrap();
    if command.has_subcommands() {
        man.render_subcommands_section(&mut octets).unwrap();
    }
    let rest = root().join("tests/generated").join(name).with_extension("man");
    let rest =
        fs::read_to_string(&rest).unwrap_or_else(|error| panic!("{}: {error}", rest.display()));
    let rest = rest.replace("@EXIT STATUS@\n", &exit_status());
    let rest = rest.replace("@EXAMPLES@\n", &examples(command));
    tidy(&(String::from_utf8(octets).unwrap() + &rest))
}

/// What help says of a command behind its first sentence, which the manual has
/// under NAME.
fn long_about(command: &clap::Command) -> String {
    let [long, short] = [command.get_long_about(), command.get_about()]
        .map(|about| about.map(ToString::to_string).unwrap_or_default());
    let rest = long.strip_prefix(&short).unwrap_or(&long);
    let rest = rest.trim_start_matches(['.', '\n']);
    if rest.is_empty() { short } else { rest.to_owned() }
}

/// An argument as the manual shows it: positional ones under a heading of their
/// own, the possible values in a sentence.
fn for_paper(arg: clap::Arg) -> clap::Arg {
    let arg = if arg.is_positional() { arg.help_heading("Arguments") } else { arg };
    let values: Vec<_> = arg.get_possible_values();
    let takes_values = arg.get_num_args().is_some_and(|range| range.takes_values());
    if arg.is_hide_possible_values_set() || !takes_values || values.is_empty() {
        return arg;
    }
    let values: Vec<&str> = values.iter().map(clap::builder::PossibleValue::get_name).collect();
    let help = arg.get_long_help().or(arg.get_help()).map(ToString::to_string).unwrap_or_default();
    arg.long_help(format!("{help}\n\nPossible values: {}.", values.join(", ")))
        .hide_possible_values(true)
}

fn exit_status() -> String {
    let mut roff = Roff::new();
    roff.control("SH", ["EXIT STATUS"]);
    for (exit, name, meaning) in Exit::ALL {
        roff.control("TP", ["20"]);
        let name = if name.is_empty() { String::new() } else { format!(" EX_{name}") };
        roff.text([bold(exit.status().to_string()), roman(name)]);
        roff.text([roman(format!("{meaning}."))]);
    }
    roff.control("TP", ["20"]).text([bold("128 + "), roman("n")]);
    roff.text([roman("Interrupted by the signal n before every recipient was accepted.")]);
    roff.to_roff()
}

/// The examples of the help text: a title ends in a colon, everything else
/// below "Examples:" is to be typed.
fn examples(command: &clap::Command) -> String {
    let help = command.get_after_long_help().or(command.get_after_help());
    let help = help.map(ToString::to_string).unwrap_or_default();
    let lines = help.lines().skip_while(|line| *line != "Examples:").skip(1);
    let mut roff = Roff::new();
    roff.control("SH", ["EXAMPLES"]);
    let (mut typing, mut titled) = (false, false);
    for line in lines.take_while(|line| line.is_empty() || line.starts_with(' ')) {
        let is_title = line.ends_with(':');
        if typing && (is_title || line.is_empty()) {
            roff.control("EE", []).control("RE", []);
            typing = false;
        }
        if line.is_empty() {
            continue;
        }
        if is_title {
            if titled {
                roff.control("PP", []);
            }
            titled = true;
            roff.text([roman(line.trim())]).control("sp", []);
        } else {
            if !typing {
                roff.control("RS", ["4"]).control("EX", []);
                typing = true;
            }
            let line = line.strip_prefix("    ").or(line.strip_prefix("  ")).unwrap_or(line);
            roff.text([roman(line)]);
        }
    }
    if typing {
        roff.control("EE", []).control("RE", []);
    }
    roff.to_roff()
}

/// What `clap_mangen` leaves to be done: the definition of the apostrophe once,
/// tables line by line, blank lines said aloud, and ASCII only, which every
/// formatter reads alike.
fn tidy(roff: &str) -> String {
    let mut page = format!(".\\\" Written by tests/generated.rs; change that.\n{APOSTROPHE}");
    let (mut tabular, mut typed) = (false, false);
    let is_apostrophe = |line: &&str| APOSTROPHE.lines().any(|known| known == *line);
    for line in roff.lines().filter(|line| !is_apostrophe(line)) {
        typed = line == ".EX" || (typed && line != ".EE");
        let is_table = line.starts_with("  ") && !typed;
        if is_table != tabular {
            page.push_str(if is_table { ".nf\n" } else { ".fi\n" });
            tabular = is_table;
        }
        // A blank line after a table would stand inside it.
        let line = if line.is_empty() { ".sp" } else { line.trim_end() };
        // Writing into a String cannot fail.
        let _ = writeln!(page, "{line}");
    }
    for (character, escape) in ESCAPES {
        page = page.replace(character, escape);
    }
    assert!(page.is_ascii(), "a character in {page} has no escape in ESCAPES");
    page
}

const APOSTROPHE: &str = ".ie \\n(.g .ds Aq \\(aq\n.el .ds Aq '\n";

const ESCAPES: [(&str, &str); 5] =
    [("\\\\", "\\e"), ("‘", "\\(oq"), ("’", "\\(cq"), ("…", "..."), ("→", "\\(->")];
