//! `sendmail`: the command line that programs have called for forty years. One
//! table says what each option takes and means; it is read by [`read`], and
//! help, manual and completions come from it.
//!
//! clap cannot read it: values are glued to letters that stand in groups, and
//! what is unknown must often be harmless.

use super::super::exit::Exit;
use super::super::failure::Failure;
use crate::smtp::{DsnRequest, NotRet, Ret};
use clap::{Arg, ArgAction, Command};
use std::ffi::OsString;
use std::fmt::Display;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// What was typed, as far as it means something.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SendmailArgs {
    /// Recipients: address lists.
    pub recipients: Vec<String>,
    /// `-t`: those of the header, too.
    pub from_header: bool,
    /// `-i`, `-oi`: a line with a single dot is text.
    pub dots_are_text: bool,
    /// `-f`, `-r`: the sender of the envelope.
    pub sender: Option<String>,
    /// `-F`: the full name of the sender.
    pub full_name: Option<String>,
    /// `-L`: what the log calls the caller.
    pub tag: Option<String>,
    /// `-N`, `-R`, `-V`: what is asked about reports.
    pub dsn: DsnRequest,
    /// `-O` and `-o` with what nobody needs: they have no effect, but whoever
    /// smuggles options in tries these.
    pub ignored: Vec<String>,
    /// `-odq`: the message is kept, and not tried now.
    pub queue_only: bool,
    /// `-v`, as often as it was given.
    pub verbose: u8,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sendmail {
    /// A message is submitted.
    Deliver(SendmailArgs),
    /// `-bs`: SMTP is spoken, and each message submitted.
    Dialogue(SendmailArgs),
    /// `-bv`: what would become of the recipients is said, and nothing sent.
    Verify(SendmailArgs),
    /// `-bp`, and the name `mailq`: the queue is listed.
    List,
    /// `-q`: everything in the queue is tried, or what is named.
    Flush(Option<String>),
    /// `-bi`: aliases are read afresh each time, so that there is nothing to
    /// do.
    Aliases,
    /// `--help`.
    Help,
    /// `--version`.
    Version,
}

/// What stands behind the letter of an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Takes {
    Nothing,
    /// A value, glued to the letter or in the next word.
    Value(&'static str),
    /// A value from a closed list; another next word is none.
    OneOf(&'static str, &'static [&'static str]),
    /// A value only if it is glued to the letter.
    Glued(&'static str),
}

/// What an option does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Means {
    FromHeader,
    DotsAreText,
    Sender,
    FullName,
    Tag,
    /// `-N`, `-R`, `-V`: what is asked about reports.
    Notify,
    Return,
    EnvelopeId,
    Verbose,
    /// `-b`, whose value says what is to be done.
    Mode,
    /// `-o`, whose value is an option of its own.
    Sub,
    Aliases,
    /// Without effect, as `Nothing`, but logged.
    Unlisted,
    /// `-q`, whose value may say which message.
    Flush,
    /// Taken for the sake of callers, without effect.
    Nothing,
}

struct Flag {
    /// One.
    letter: &'static str,
    takes: Takes,
    means: Means,
    help: &'static str,
}

const fn flag(letter: &'static str, takes: Takes, means: Means, help: &'static str) -> Flag {
    Flag { letter, takes, means, help }
}

use Takes::{Glued, OneOf, Value};

const FLAGS: &[Flag] = &[
    flag(
        "t",
        Takes::Nothing,
        Means::FromHeader,
        "Send to those whom To, Cc and Bcc name, and to the recipients on the command line; \
         of a message with Resent fields, to those of the Resent fields that stand highest",
    ),
    flag(
        "f",
        Value("ADDRESS"),
        Means::Sender,
        "The sender of the envelope; '' and '<>' are the one that wants no reports of failure",
    ),
    flag("r", Value("ADDRESS"), Means::Sender, "The same as -f"),
    flag(
        "F",
        Value("NAME"),
        Means::FullName,
        "The full name of the sender, for a From that is added",
    ),
    flag(
        "i",
        Takes::Nothing,
        Means::DotsAreText,
        "A line with a single dot does not end the message; it never does unless the message \
         is typed at a terminal",
    ),
    flag(
        "N",
        Value("WHEN"),
        Means::Notify,
        "When reports come back: never; or failure, delay and success, one or more with commas",
    ),
    flag(
        "R",
        Value("WHAT"),
        Means::Return,
        "How much of the message a report of failure has in it: full or hdrs",
    ),
    flag(
        "V",
        Value("ENVID"),
        Means::EnvelopeId,
        "A name for the message, to know it by in reports",
    ),
    flag(
        "v",
        Takes::Nothing,
        Means::Verbose,
        "Show the conversation with the server on standard error; twice, in full",
    ),
    flag(
        "b",
        Value("MODE"),
        Means::Mode,
        "m, the default: send the message on standard input. s: speak SMTP on standard input \
         and output. v: say who the recipients are, and send nothing. i: the same as \
         newaliases, which has nothing to do. p: list the queue, as mailq does. q: keep the \
         message in the queue, and do not try it now",
    ),
    flag(
        "o",
        Value("OPTION"),
        Means::Sub,
        "i is the same as -i. dq keeps the message in the queue and does not try it now; db and \
         di, the default, try it first. Others, such as em, eq and 7, have no effect; the log has \
         those that callers do not usually give",
    ),
    flag("I", Takes::Nothing, Means::Aliases, "The same as -bi"),
    flag(
        "q",
        Glued("TIME"),
        Means::Flush,
        "Try everything in the queue, once, whatever time is given; -qIID, only that message",
    ),
    flag("A", OneOf("c|m", &["c", "m"]), Means::Nothing, "No effect"),
    flag(
        "B",
        OneOf("TYPE", &["7BIT", "8BITMIME"]),
        Means::Nothing,
        "7BIT or 8BITMIME; no effect: what the body is, is seen",
    ),
    flag("C", Value("FILE"), Means::Nothing, "No effect: no caller chooses the configuration"),
    flag("D", Value("FILE"), Means::Nothing, "No effect"),
    flag("d", Glued("LEVEL"), Means::Nothing, "No effect"),
    flag("c", Takes::Nothing, Means::Nothing, "No effect"),
    flag("e", Glued("MODE"), Means::Nothing, "No effect: errors are told at once"),
    flag("G", Takes::Nothing, Means::Nothing, "No effect"),
    flag("h", Value("HOPS"), Means::Nothing, "No effect"),
    flag("L", Value("TAG"), Means::Tag, "What the log calls the caller"),
    flag("M", Value("ID"), Means::Nothing, "No effect"),
    flag("m", Takes::Nothing, Means::Nothing, "No effect"),
    flag("n", Takes::Nothing, Means::Nothing, "No effect: aliases are always expanded"),
    flag("O", Value("OPTION=VALUE"), Means::Unlisted, "No effect; the log has it"),
    flag("p", Value("PROTOCOL"), Means::Nothing, "No effect"),
    flag("U", Takes::Nothing, Means::Nothing, "No effect"),
    flag("x", Takes::Nothing, Means::Nothing, "No effect"),
    flag("X", Value("FILE"), Means::Nothing, "No effect: no file is written"),
];

/// What callers give behind `-o`, and what harms nobody if it has no effect
/// (SEC-12).
const HARMLESS: &[&str] = &["i", "m", "em", "ep", "eq", "db", "di", "dq", "7", "8"];

/// Reads the words behind the program's name. `name` is what the program was
/// called as: `mailq` and `newaliases` are modes of their own.
pub fn read(name: &str, words: Vec<OsString>) -> Result<Sendmail, Failure> {
    let mode = match name {
        "newaliases" => Mode::Aliases,
        "mailq" => Mode::List,
        _ => Mode::Deliver,
    };
    let mut reader = Reader { args: SendmailArgs::default(), mode, only: None };
    let mut words = words.into_iter().peekable();
    while let Some(word) = words.next() {
        match word.as_bytes() {
            b"--" => {
                reader.args.recipients.extend(words.map(|word| text(word.as_bytes())));
                break;
            }
            b"--help" => return Ok(Sendmail::Help),
            b"--version" => return Ok(Sendmail::Version),
            octets if is_option(octets) => reader.group(octets, &mut words)?,
            octets if octets.starts_with(b"-") => return Err(unknown(octets)),
            octets => reader.args.recipients.push(text(octets)),
        }
    }
    let mut addresses = reader.args.recipients.iter().chain(&reader.args.sender);
    if let Some(broken) = addresses.find(|it| it.contains(char::REPLACEMENT_CHARACTER)) {
        return Err(not_text(broken));
    }
    Ok(match reader.mode {
        Mode::List => Sendmail::List,
        Mode::Flush => Sendmail::Flush(reader.only),
        Mode::Deliver => Sendmail::Deliver(reader.args),
        Mode::Dialogue => Sendmail::Dialogue(reader.args),
        Mode::Verify => Sendmail::Verify(reader.args),
        Mode::Aliases => Sendmail::Aliases,
    })
}

/// What is no UTF-8 stops nothing where it has no effect.
fn text(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).into_owned()
}

/// A name of a person: in Latin-1, as old entries of passwd(5) are, where it is
/// no UTF-8. What is a control character there is none in any charset of names.
fn name_in(octets: &[u8]) -> String {
    let latin = |&octet: &u8| match octet {
        0x80..=0x9f => char::REPLACEMENT_CHARACTER,
        octet => char::from(octet),
    };
    std::str::from_utf8(octets)
        .map_or_else(|_| octets.iter().map(latin).collect(), ToOwned::to_owned)
}

fn is_option(octets: &[u8]) -> bool {
    octets.len() > 1 && octets.starts_with(b"-")
}

struct Reader {
    args: SendmailArgs,
    mode: Mode,
    /// `-qI`: the message to try.
    only: Option<String>,
}

/// What `-b` says. The last one counts.
#[derive(Clone, Copy)]
enum Mode {
    Deliver,
    Dialogue,
    Verify,
    Aliases,
    List,
    Flush,
}

impl Reader {
    /// A word of letters behind one `-`, each an option, up to one that takes
    /// the rest of the word as its value.
    fn group(
        &mut self,
        word: &[u8],
        words: &mut std::iter::Peekable<std::vec::IntoIter<OsString>>,
    ) -> Result<(), Failure> {
        let mut rest = &word[1..];
        while let Some((&letter, behind)) = rest.split_first() {
            rest = behind;
            let known = FLAGS.iter().find(|flag| flag.letter.as_bytes() == [letter]);
            let flag = known.ok_or_else(|| unknown(word))?;
            let glued = Some(rest).filter(|rest| !rest.is_empty()).map(<[u8]>::to_vec);
            // What looks like an option is no value: a caller whose variable
            // was empty meant the option.
            let mut next = |fits: &dyn Fn(&[u8]) -> bool| {
                let word =
                    words.next_if(|word| !is_option(word.as_bytes()) && fits(word.as_bytes()));
                word.map(OsString::into_vec)
            };
            let value = match flag.takes {
                Takes::Nothing => {
                    self.mean(flag, None)?;
                    continue;
                }
                Glued(_) => glued,
                Value(_) => glued.or_else(|| next(&|_| true)),
                OneOf(_, known) => glued.or_else(|| {
                    next(&|word| {
                        known.iter().any(|known| word.eq_ignore_ascii_case(known.as_bytes()))
                    })
                }),
            };
            return self.mean(flag, value.as_deref());
        }
        Ok(())
    }

    fn mean(&mut self, flag: &Flag, octets: Option<&[u8]>) -> Result<(), Failure> {
        let value = octets.map(text);
        match flag.means {
            Means::FromHeader => self.args.from_header = true,
            Means::DotsAreText => self.args.dots_are_text = true,
            Means::Verbose => self.args.verbose = self.args.verbose.saturating_add(1),
            Means::Aliases => self.mode = Mode::Aliases,
            Means::Nothing => {}
            Means::FullName => self.args.full_name = octets.map(name_in),
            Means::Tag => self.args.tag = value,
            Means::Sender => {
                let lacking = || {
                    let sentence = format!("-{} stands without an address", flag.letter);
                    Failure::say(Exit::Usage, sentence).hint("the null sender is written: -f '<>'")
                };
                self.args.sender = Some(value.ok_or_else(lacking)?);
            }
            Means::Notify => self.args.dsn.notify = Some(read_as(flag, value, str::parse)?),
            Means::Return => {
                let named = |name: &str| Ret::named(name).ok_or(NotRet);
                self.args.dsn.ret = Some(read_as(flag, value, named)?);
            }
            Means::EnvelopeId => self.args.dsn.envid = Some(read_as(flag, value, str::parse)?),
            Means::Sub => self.sub(&value.unwrap_or_default()),
            Means::Unlisted => {
                self.args.ignored.push(format!("-O{}", value.unwrap_or_default()));
            }
            Means::Mode => return self.mode(&value.unwrap_or_default()),
            Means::Flush => return self.flush(&value.unwrap_or_default()),
        }
        Ok(())
    }

    /// SEC-12.
    fn sub(&mut self, option: &str) {
        match option {
            "i" => self.args.dots_are_text = true,
            "dq" => self.args.queue_only = true,
            "db" | "di" => self.args.queue_only = false,
            _ => {}
        }
        if !HARMLESS.contains(&option) {
            self.args.ignored.push(format!("-o{option}"));
        }
    }

    /// A time has no effect; -qR, -qS and the like say which messages are meant.
    fn flush(&mut self, value: &str) -> Result<(), Failure> {
        self.mode = Mode::Flush;
        match value.strip_prefix('I') {
            Some(id) => self.only = Some(id.to_owned()),
            None if value.starts_with(|c: char| c.is_ascii_digit()) || value.is_empty() => {}
            None => {
                let sentence = format!("-q{value} names messages in a way that is not known here");
                return Err(Failure::say(Exit::Usage, sentence)
                    .hint("everything: sendmail -q; one message: envoi queue run ID"));
            }
        }
        Ok(())
    }

    fn mode(&mut self, mode: &str) -> Result<(), Failure> {
        self.mode = match mode {
            "m" => Mode::Deliver,
            "s" => Mode::Dialogue,
            "v" => Mode::Verify,
            "i" => Mode::Aliases,
            "p" => Mode::List,
            "q" => {
                self.args.queue_only = true;
                Mode::Deliver
            }
            mode => {
                let sentence = format!("there is no mode -b{mode}: envoi is no daemon");
                return Err(Failure::say(Exit::Usage, sentence)
                    .hint("to send the message on standard input, leave it out"));
            }
        };
        Ok(())
    }
}

/// The value of an option, as what it stands for.
fn read_as<T, E: Display>(
    flag: &Flag,
    value: Option<String>,
    read: impl Fn(&str) -> Result<T, E>,
) -> Result<T, Failure> {
    let Flag { letter, .. } = flag;
    let lacking = || Failure::say(Exit::Usage, format!("-{letter} stands without a value"));
    let value = value.ok_or_else(lacking)?;
    read(&value).map_err(|why| {
        Failure::say(Exit::Usage, format!("-{letter}: ‘{value}’ does not fit here: {why}"))
    })
}

fn unknown(word: &[u8]) -> Failure {
    Failure::say(Exit::Usage, format!("there is no option ‘{}’", text(word)))
        .hint("a recipient that begins with - stands behind --; every option: sendmail --help")
}

fn not_text(word: &str) -> Failure {
    Failure::say(Exit::Usage, format!("‘{word}’ is not UTF-8 text"))
}

/// The definition for help, manual and completions.
pub(super) fn described() -> Command {
    // Options that other commands have in common mean other things here, or
    // nothing: those of this table bear their names, so that clap adds none.
    let shadowing = |letter| match letter {
        "A" => "account",
        "C" => "config",
        "D" => "color",
        "X" => "json",
        "h" => "help",
        "q" => "quiet",
        "v" => "verbose",
        letter => letter,
    };
    let flags = FLAGS.iter().map(|flag| {
        let arg = Arg::new(shadowing(flag.letter)).short(flag.letter.chars().next());
        let arg = arg.help(flag.help);
        match flag.takes {
            Takes::Nothing => arg.action(ArgAction::SetTrue),
            Value(name) | OneOf(name, _) => arg.value_name(name),
            Glued(name) => arg.value_name(name).num_args(0..=1).require_equals(false),
        }
    });
    Command::new("sendmail")
        .about("Send a message as sendmail(1) does, for programs that call that")
        .long_about(ABOUT)
        .override_usage(
            "sendmail [OPTIONS] [RECIPIENT]...\n       envoi sendmail [OPTIONS] [RECIPIENT]...",
        )
        .disable_help_flag(true)
        .args(flags)
        .arg(Arg::new("recipient").value_name("RECIPIENT").num_args(0..).help(
            "Who gets the message: addresses, names of this machine, aliases. One that begins \
             with - must stand behind --",
        ))
}

const ABOUT: &str = "\
Send a message as sendmail(1) does, for programs that call that

The message on standard input is submitted through the account of the
configuration, like one of ‘envoi send --message -’. Called as ‘sendmail’, by a
link of that name, envoi takes these options and no others.

Names without a domain are given one, and aliases become what they stand for, in
the header as in the envelope: ‘[rewrite]’ of the configuration says how. Where
From is missing, it is the sender of -f, else what ENVOI_FROM or the account
says, else the user who runs the program.

Nothing is printed unless something is wrong. What cannot be sent now is not
kept: the exit status is then 75.";

#[cfg(test)]
mod tests;
