//! `--attach`, and the two options that describe the attachment before them.
//!
//! Written by hand where the others are derived: which `--attach` a name
//! belongs to is told only by the order in which they were typed.

use super::MESSAGE;
use clap::error::ErrorKind;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches, value_parser};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

/// What to attach, in the order typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attachments(pub Vec<Attachment>);

/// One file to attach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// The file; `-` is standard input.
    pub path: PathBuf,
    /// The name that the recipient sees, where it is not the file's.
    pub name: Option<String>,
    /// The media type, where it is not to be guessed. Not checked here.
    pub media_type: Option<String>,
}

impl Args for Attachments {
    fn augment_args(command: Command) -> Command {
        let option = |id: &'static str| {
            Arg::new(id).long(id).action(ArgAction::Append).help_heading(MESSAGE)
        };
        command
            .arg(
                option(ATTACH)
                    .short('a')
                    .value_name("PATH")
                    .value_parser(value_parser!(OsString))
                    .help("Attach a file; may be repeated")
                    .long_help(ATTACH_HELP),
            )
            .arg(
                option(NAME)
                    .value_name("NAME")
                    .help("The name of the attachment before this option")
                    .long_help(
                        "The name of the attachment before this option, as the recipient sees \
                         it. Without it, the name of the file.",
                    ),
            )
            .arg(
                option(TYPE)
                    .value_name("TYPE")
                    .help("The media type of the attachment before this option")
                    .long_help(
                        "The media type of the attachment before this option, such as \
                         application/pdf. Without it, it is guessed from the name.",
                    ),
            )
    }

    fn augment_args_for_update(command: Command) -> Command {
        Attachments::augment_args(command)
    }
}

impl FromArgMatches for Attachments {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut attachments = Vec::new();
        for (path, at) in typed::<OsString>(matches, ATTACH) {
            attachments.push((at, described(ATTACH, path).map_err(|sentence| wrong(&sentence))?));
        }
        for (name, at) in typed::<String>(matches, NAME) {
            describe(&mut attachments, at, NAME, |it| &mut it.name, name)?;
        }
        for (media_type, at) in typed::<String>(matches, TYPE) {
            describe(&mut attachments, at, TYPE, |it| &mut it.media_type, media_type)?;
        }
        Ok(Attachments(attachments.into_iter().map(|(_, attachment)| attachment).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Attachments::from_arg_matches(matches)?;
        Ok(())
    }
}

/// The values of an option, each with its place on the command line.
fn typed<'m, T: Clone + Send + Sync + 'static>(
    matches: &'m ArgMatches,
    id: &str,
) -> impl Iterator<Item = (&'m T, usize)> {
    let values = matches.get_many(id).into_iter().flatten();
    values.zip(matches.indices_of(id).into_iter().flatten())
}

/// Says something about the last attachment before this place.
fn describe(
    attachments: &mut [(usize, Attachment)],
    at: usize,
    option: &str,
    field: fn(&mut Attachment) -> &mut Option<String>,
    value: &str,
) -> Result<(), clap::Error> {
    let Some((_, attachment)) = attachments.iter_mut().rev().find(|(attach, _)| *attach < at)
    else {
        return Err(wrong(&format!(
            "--{option} stands before any --attach; it describes the one before it"
        )));
    };
    let field = field(attachment);
    if field.is_some() {
        return Err(wrong(&format!(
            "--{option} says again what was already said of the attachment ‘{}’",
            attachment.path.display()
        )));
    }
    *field = Some(value.to_owned());
    Ok(())
}

/// Reads `PATH[;type=…][;name=…]`, or says what is wrong with it. A semicolon
/// that begins neither belongs to the path.
pub(super) fn described(option: &str, written: &OsStr) -> Result<Attachment, String> {
    let octets = written.as_bytes();
    let end = first_description(octets).unwrap_or(octets.len());
    let (path, mut rest) = octets.split_at(end);
    if path.is_empty() {
        return Err(format!("--{option} names no file"));
    }
    let path = PathBuf::from(OsString::from_vec(path.to_owned()));
    let mut attachment = Attachment { path, name: None, media_type: None };
    while let Some(description) = rest.strip_prefix(b";") {
        let end = first_description(description).unwrap_or(description.len());
        let (this, next) = description.split_at(end);
        rest = next;
        let Ok(text) = std::str::from_utf8(this) else {
            return Err(format!("what follows the path after --{option} is not UTF-8 text"));
        };
        let (field, value) = match text.strip_prefix("type=") {
            Some(value) => (&mut attachment.media_type, value),
            None => (&mut attachment.name, text.trim_start_matches("name=")),
        };
        if value.is_empty() || field.is_some() {
            return Err(format!("‘;{text}’ after --{option} says nothing, or says it again"));
        }
        *field = Some(value.to_owned());
    }
    Ok(attachment)
}

/// Where `;type=` or `;name=` begins.
fn first_description(octets: &[u8]) -> Option<usize> {
    (0..octets.len()).find(|&at| DESCRIPTIONS.iter().any(|it| octets[at..].starts_with(it)))
}

fn wrong(sentence: &str) -> clap::Error {
    clap::Error::raw(ErrorKind::ValueValidation, sentence)
}

const ATTACH: &str = "attach";
const NAME: &str = "attach-name";
const TYPE: &str = "attach-type";
const DESCRIPTIONS: [&[u8]; 2] = [b";type=", b";name="];

const ATTACH_HELP: &str = "\
Attach a file; may be repeated. ‘-’ is standard input.

The path may be followed by ;type=TYPE and ;name=NAME, which say the media \
type and the name that the recipient sees. --attach-type and --attach-name \
after it say the same, for paths and names with any character.";
