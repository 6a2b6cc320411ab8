//! What a composed message says, of `envoi send`.

use super::attachments::described;
use super::{Attachment, MESSAGE};
use clap::Args;
use clap::builder::{OsStringValueParser, TypedValueParser as _};
use std::path::PathBuf;

/// The text, and what goes with it.
#[derive(Clone, Debug, Args)]
pub struct ContentArgs {
    /// The text of the message
    ///
    /// Without --body, --body-file, --html, --markdown and --message the text
    /// is read from standard input. --body '' sends a message without text.
    #[arg(
        long,
        value_name = "TEXT",
        conflicts_with_all = ["body_file", "message"],
        help_heading = MESSAGE
    )]
    pub body: Option<String>,

    /// Read the text of the message from FILE; ‘-’ is standard input
    #[arg(long, value_name = "FILE", conflicts_with = "message", help_heading = MESSAGE)]
    pub body_file: Option<PathBuf>,

    /// Read an HTML form of the text from FILE; ‘-’ is standard input
    ///
    /// The message has both forms, and who reads it sees the one that suits.
    /// Without --body and --body-file, the plain form is made from the HTML,
    /// its links in a list at the end; --body '' sends the HTML alone. FILE is
    /// UTF-8.
    #[arg(long, value_name = "FILE", conflicts_with = "message", help_heading = MESSAGE)]
    pub html: Option<PathBuf>,

    /// Read the text in Markdown from FILE; ‘-’ is standard input
    ///
    /// The message has both forms: the text as it was typed, and the HTML made
    /// of it. Markdown is CommonMark with tables, ~~strikethrough~~ and
    /// footnotes. HTML in it is shown as it was typed.
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["body", "body_file", "html", "message"],
        help_heading = MESSAGE
    )]
    pub markdown: Option<PathBuf>,

    /// Send a file that the HTML shows, such as a picture; may be repeated
    ///
    /// Where the HTML names this file as a picture, a background or in a style,
    /// by its path or by its last part, it then shows what was sent along. The
    /// path may be followed by ;type=TYPE and ;name=NAME, as after --attach.
    /// No file is read that is not named here; of one that the HTML names there
    /// is a warning.
    #[arg(
        long,
        value_name = "PATH",
        value_parser = OsStringValueParser::new().try_map(|typed| described("inline", &typed)),
        conflicts_with = "message",
        help_heading = MESSAGE
    )]
    pub inline: Vec<Attachment>,

    /// Let the paragraphs of the text flow to the width of a window
    ///
    /// Each line of the text is a paragraph, sent as format=flowed (RFC 3676).
    /// A line that begins with ‘>’ is quoted. Blanks at the end of a line are
    /// left out.
    #[arg(long, conflicts_with = "message", help_heading = MESSAGE)]
    pub flowed: bool,
}
