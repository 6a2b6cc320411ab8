//! What a composed message says: the files and standard input that its text, its
//! HTML and its attachments come from.

use super::Surroundings;
use super::args::{self, SendArgs};
use super::exit::Exit;
use super::failure::{Failure, not_text, quoted};
use super::input::{Content, Input};
use crate::message::{Attachment, Draft, Error, Source, Warning, html_of, text_of};
use std::io;
use std::path::Path;

/// Reads it all into the draft. Returns what is probably not meant.
pub(super) fn fill(
    draft: &mut Draft,
    args: &SendArgs,
    input: &mut Input,
    surroundings: &mut Surroundings<'_>,
) -> Result<Vec<Warning>, Failure> {
    let typed = &args.content;
    if !typed.inline.is_empty() && typed.html.is_none() && typed.markdown.is_none() {
        return Err(Failure::say(
            Exit::Usage,
            "--inline is for what HTML shows, and there is none",
        )
        .hint("give the HTML, --html FILE or --markdown FILE; or attach the file: --attach FILE"));
    }
    draft.attachments = files(&args.attachments.0, Role::Attachment, input, surroundings)?;
    draft.inline = files(&typed.inline, Role::Inline, input, surroundings)?;
    draft.is_flowed = typed.flowed;
    if let Some(path) = &typed.markdown {
        let markdown = utf8("--markdown", path, input, surroundings)?;
        draft.html = Some(html_of(&markdown));
        draft.text = Some(markdown.into_bytes());
        return Ok(Vec::new());
    }
    draft.html = match &typed.html {
        Some(path) => Some(utf8("--html", path, input, surroundings)?),
        None => None,
    };
    draft.text = text(args, input, surroundings)?;
    let Some(html) = &draft.html else { return Ok(Vec::new()) };
    let mut warnings = Vec::new();
    if draft.text.is_none() {
        draft.text = text_of(html).map(String::into_bytes);
        warnings.extend(draft.text.is_none().then_some(Warning::NoPlainForm));
    }
    // A text that is empty on purpose says that there shall be none.
    draft.text.take_if(|text| text.trim_ascii().is_empty());
    Ok(warnings)
}

/// True if nobody would see anything.
pub(super) fn is_blank(draft: &Draft) -> bool {
    let has_text = draft.text.as_ref().is_some_and(|text| !text.trim_ascii().is_empty());
    !has_text && draft.html.is_none() && draft.attachments.is_empty()
}

/// What a file is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Message,
    Attachment,
    Inline,
}

impl Role {
    /// What standard input is wanted for.
    fn purpose(self) -> &'static str {
        match self {
            Role::Message => "the message",
            Role::Attachment => "an attachment",
            Role::Inline => "a file that the HTML shows",
        }
    }

    /// The option that names it.
    fn option(self) -> &'static str {
        match self {
            Role::Message => "--message",
            Role::Attachment => "--attach",
            Role::Inline => "--inline",
        }
    }
}

/// A file, or standard input for `-`.
pub(super) fn source(
    path: &Path,
    role: Role,
    input: &mut Input,
    surroundings: &mut Surroundings<'_>,
) -> Result<Source, Failure> {
    if path != Path::new("-") {
        return Source::open(path).map_err(|error| match way_in(&error, role) {
            Some(hint) => Failure { hints: vec![hint.into()], ..Failure::from(error) },
            None => Failure::from(error),
        });
    }
    match input.content(role.purpose(), surroundings.err)? {
        Content::Memory(octets) => Ok(Source::held(octets, "standard input")),
        Content::File(file) => Ok(Source::file(file, "standard input")?),
    }
}

/// How a file that cannot be taken as it is may be taken all the same.
fn way_in(error: &Error, role: Role) -> Option<String> {
    match error {
        Error::Directory(path) if role == Role::Attachment => {
            let name = path.file_name().map_or("archive".into(), |name| name.to_string_lossy());
            let archive = quoted(Path::new(&format!("{name}.tar.gz")));
            Some(format!("pack it and attach the archive: tar -czf {archive} {}", quoted(path)))
        }
        Error::NotAFile(path) => {
            Some(format!("let standard input give it: {} - < {}", role.option(), quoted(path)))
        }
        _ => None,
    }
}

fn files(
    typed: &[args::Attachment],
    role: Role,
    input: &mut Input,
    surroundings: &mut Surroundings<'_>,
) -> Result<Vec<Attachment>, Failure> {
    let mut files = Vec::new();
    for args::Attachment { path, name, media_type } in typed {
        let source = source(path, role, input, surroundings)?;
        files.push(Attachment { source, name: name.clone(), media_type: media_type.clone() });
    }
    Ok(files)
}

/// The octets of a text file, or of standard input for `-`.
fn octets(
    path: &Path,
    input: &mut Input,
    surroundings: &mut Surroundings<'_>,
) -> Result<Vec<u8>, Failure> {
    if path == Path::new("-") {
        return input.text(surroundings.err);
    }
    let unreadable = |reason: io::Error| match reason.kind() {
        io::ErrorKind::IsADirectory => Error::Directory(path.to_owned()),
        _ => Error::Unreadable { path: path.to_owned(), reason },
    };
    Ok(std::fs::read(path).map_err(unreadable)?)
}

/// The same, as text.
fn utf8(
    option: &'static str,
    path: &Path,
    input: &mut Input,
    surroundings: &mut Surroundings<'_>,
) -> Result<String, Failure> {
    let octets = octets(path, input, surroundings)?;
    let text = String::from_utf8(octets);
    let text = text.map_err(|error| not_text(option, path, error.as_bytes()))?;
    // The mark that some editors write at the start of UTF-8 is no text.
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

/// The text: as typed, from a file, or from standard input when nothing else
/// gives one.
fn text(
    args: &SendArgs,
    input: &mut Input,
    surroundings: &mut Surroundings<'_>,
) -> Result<Option<Vec<u8>>, Failure> {
    match (&args.content.body, &args.content.body_file) {
        (Some(text), _) => Ok(Some(text.clone().into_bytes())),
        (None, Some(path)) => octets(path, input, surroundings).map(Some),
        (None, None) if args.body_is_stdin() => {
            octets(Path::new("-"), input, surroundings).map(Some)
        }
        (None, None) => Ok(None),
    }
}
