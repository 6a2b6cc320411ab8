//! What is probably not meant in a message that can be sent all the same.

use std::path::PathBuf;

/// What is probably not meant in a message. The `Display` form is a sentence
/// without its full stop.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Warning {
    /// The HTML refers to a file that only its writer has.
    #[error("the HTML shows ‘{reference}’, which is not sent along")]
    NotSentAlong {
        /// As the HTML has it.
        reference: String,
        /// The file that is probably meant.
        path: PathBuf,
    },
    /// A file is sent for the HTML, which does not refer to it.
    #[error("the HTML does not show ‘{}’, which is sent along", .0.display())]
    NotShown(PathBuf),
    /// HTML that is sent without a plain form, for one would take long to make.
    #[error("the HTML is larger than 4 MiB, so that no plain form was made of it")]
    NoPlainForm,
    /// Text of which no charset is known.
    #[error("the text is not UTF-8, so that readers must guess its characters")]
    UnknownCharset,
    /// A file that is not in the charset of its type.
    #[error("‘{}’ is not {charset}, as its type says", path.display())]
    Charset {
        /// The file.
        path: PathBuf,
        /// The charset, as it was given.
        charset: String,
    },
    /// A signature that is in the message already.
    #[error("the message is signed, and its signature may no longer hold: it was changed")]
    BrokenSignature,
    /// A field that may stand once (RFC 5322 §3.6).
    #[error("the message has more than one {0}, and who reads it may take any of them")]
    Twice(&'static str),
}
