//! What is done to a ready message, told one by one.

use super::rewrite::Rewrite;
use std::fmt;

/// One thing that was done to a ready message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// A field was added.
    Added(&'static str),
    /// A field was removed.
    Removed(&'static str),
    /// The line before the header by which mbox files part messages was
    /// removed.
    RemovedMboxLine,
    /// An address was rewritten.
    Rewrote(Rewrite),
    /// An empty line was put between header and body.
    Parted,
    /// This many line ends were LF.
    LineEnds(u64),
    /// This many CR stood elsewhere than before LF.
    StrayCr(u64),
    /// The last line had no end.
    Ended,
    /// Lines of the header were too long.
    Refolded,
    /// 8-bit text did not say in which charset it is.
    Labelled(&'static str),
    /// An 8-bit body did not say that it is one.
    Widened,
    /// This many parts were put into another transfer encoding.
    Reencoded(u64),
    /// Lines around the parts of a multipart, which nobody reads, were made fit.
    Around,
    /// Fields beyond US-ASCII were written in it.
    HeaderEncoded,
    /// The byte order mark before the header was removed.
    RemovedMark,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Change::Added(name) => write!(f, "added {name}"),
            Change::Removed(name) => write!(f, "removed {name}"),
            Change::RemovedMboxLine => f.write_str("removed the mbox line before the header"),
            Change::Rewrote(rewrite) => rewrite.fmt(f),
            Change::Parted => f.write_str("put an empty line between header and body"),
            Change::LineEnds(1) => f.write_str("turned 1 line end from LF into CRLF"),
            Change::LineEnds(count) => write!(f, "turned {count} line ends from LF into CRLF"),
            Change::StrayCr(1) => f.write_str("replaced 1 CR that ended no line"),
            Change::StrayCr(count) => write!(f, "replaced {count} CR that ended no line"),
            Change::Ended => f.write_str("ended the last line"),
            Change::Refolded => f.write_str("folded lines of the header that were too long"),
            Change::Labelled(charset) => write!(f, "labelled the 8-bit text as {charset}"),
            Change::Widened => f.write_str("labelled the body as 8bit"),
            Change::Reencoded(1) => f.write_str("encoded 1 part anew, which the way cannot carry"),
            Change::Reencoded(count) => {
                write!(f, "encoded {count} parts anew, which the way cannot carry")
            }
            Change::Around => f.write_str("changed lines around the parts, which nobody reads"),
            Change::RemovedMark => f.write_str("removed the byte order mark before the header"),
            Change::HeaderEncoded => f.write_str("wrote header fields anew, in US-ASCII"),
        }
    }
}

impl Change {
    /// More than line ends is no longer what somebody signed. That a field was
    /// missing is often signed as well (RFC 6376 §8.15).
    pub(super) fn breaks_signatures(&self) -> bool {
        match self {
            Change::Rewrote(rewrite) => !matches!(rewrite, Rewrite::Left { .. }),
            Change::Added(name) => !name.starts_with("Resent-"),
            Change::StrayCr(_)
            | Change::Refolded
            | Change::Labelled(_)
            | Change::Widened
            | Change::Reencoded(_)
            | Change::Around
            | Change::HeaderEncoded => true,
            Change::Removed(_)
            | Change::RemovedMboxLine
            | Change::RemovedMark
            | Change::Parted
            | Change::LineEnds(_)
            | Change::Ended => false,
        }
    }
}
