//! Header fields of a composed message that have options of their own, of
//! `envoi send`.

use super::MESSAGE;
use crate::cli::failure::Failure;
use crate::message::{
    Error, Priority, Thread, UnsubscribeUrl, automatic_fields, unsubscribe_fields,
};
use clap::{Args, ValueEnum};
use std::str::FromStr;

/// What the message answers, and what programs are to know of it.
#[derive(Clone, Debug, Args)]
pub struct FieldArgs {
    /// The Message-ID of the message that this one answers
    ///
    /// With or without its angle brackets. It is added to the References, too.
    #[arg(long, value_name = "ID", conflicts_with = "message", help_heading = MESSAGE)]
    pub in_reply_to: Vec<String>,

    /// The Message-IDs of the conversation before, the first one first
    ///
    /// With or without angle brackets, and blanks between them; may be
    /// repeated.
    #[arg(long, value_name = "IDS", conflicts_with = "message", help_heading = MESSAGE)]
    pub references: Vec<String>,

    /// Where to unsubscribe, an https: or mailto: URL; may be repeated
    ///
    /// Only who runs a list should say so. The one to be preferred stands
    /// first.
    #[arg(long, value_name = "URL", conflicts_with = "message", help_heading = MESSAGE)]
    pub list_unsubscribe: Vec<String>,

    /// Say that a POST to the https: URL unsubscribes, without further questions
    ///
    /// The web site must do so (RFC 8058). There must be exactly one https: URL
    /// in --list-unsubscribe.
    #[arg(
        long,
        requires = "list_unsubscribe",
        conflicts_with = "message",
        help_heading = MESSAGE
    )]
    pub one_click: bool,

    /// Say that no person wrote the message, so that no program answers it
    ///
    /// The field is Auto-Submitted: auto-generated (RFC 3834).
    #[arg(long, conflicts_with = "message", help_heading = MESSAGE)]
    pub auto: bool,

    /// How urgent the message is to who reads it: high, normal or low
    ///
    /// The fields are X-Priority and Importance; ‘normal’ writes none.
    #[arg(
        long,
        value_name = "LEVEL",
        hide_possible_values = true,
        conflicts_with = "message",
        help_heading = MESSAGE
    )]
    pub priority: Option<Level>,
}

/// How urgent a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Level {
    /// More than others.
    High,
    /// As others.
    Normal,
    /// Less than others.
    Low,
}

impl FieldArgs {
    /// The fields. A value that cannot stand there is an error (65), and so are
    /// URLs that one click does not fit (64).
    pub(in crate::cli) fn fields(&self) -> Result<Vec<(&'static str, String)>, Failure> {
        let thread = Thread {
            in_reply_to: parsed("--in-reply-to", &self.in_reply_to)?,
            references: parsed("--references", &self.references)?,
        };
        let urls: Vec<UnsubscribeUrl> = parsed("--list-unsubscribe", &self.list_unsubscribe)?;
        let mut fields = thread.fields();
        fields.extend(unsubscribe_fields(&urls, self.one_click)?);
        if self.auto {
            fields.extend(automatic_fields());
        }
        fields.extend(self.priority.map(Priority::from).into_iter().flat_map(Priority::fields));
        Ok(fields)
    }
}

impl From<Level> for Priority {
    fn from(level: Level) -> Self {
        match level {
            Level::High => Priority::High,
            Level::Normal => Priority::Normal,
            Level::Low => Priority::Low,
        }
    }
}

/// The values of an option, each of which may be several with blanks between
/// them, as when a field is pasted.
fn parsed<T: FromStr<Err = Error>>(
    option: &'static str,
    typed: &[String],
) -> Result<Vec<T>, Failure> {
    let mut values = Vec::new();
    for text in typed {
        let text = text.trim_matches([' ', '\t']);
        for word in text.split([' ', '\t']) {
            // Several blanks part two values as well as one does.
            if !word.is_empty() || text.is_empty() {
                values.push(word.parse().map_err(|error| Failure::from(error).at(option))?);
            }
        }
    }
    Ok(values)
}
