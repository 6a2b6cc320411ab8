//! What a file of the directory is, by its name.

use super::disk::UNFINISHED;
use super::{Id, LAST_RUN, journal, room, take_over, trouble};

/// Of an entry that is damaged.
pub(super) const BAD: &str = ".bad";
const STATE: &str = ".state";
const COPY: &str = ".copy";

pub(super) enum Kind {
    Entry(Id),
    State(Id),
    /// An entry, or its state.
    SetAside(Id),
    Copy(Id),
    Unfinished,
    Own,
    Foreign,
}

pub(super) fn kind(name: &str) -> Kind {
    if let Ok(id) = name.parse() {
        return Kind::Entry(id);
    }
    if let Some(name) = name.strip_suffix(BAD)
        && let Ok(id) = name.strip_suffix(STATE).unwrap_or(name).parse()
    {
        return Kind::SetAside(id);
    }
    if let Some(id) = name.strip_suffix(STATE).and_then(|id| id.parse().ok()) {
        return Kind::State(id);
    }
    if let Some(id) = name.strip_suffix(COPY).and_then(|id| id.parse().ok()) {
        return Kind::Copy(id);
    }
    if name.ends_with(UNFINISHED) {
        return Kind::Unfinished;
    }
    let is_own = name == LAST_RUN
        || journal::is_ours(name)
        || room::is_ours(name)
        || trouble::is_ours(name)
        || take_over::is_ours(name);
    if is_own { Kind::Own } else { Kind::Foreign }
}

pub(super) fn state_name(id: &Id) -> String {
    format!("{id}{STATE}")
}

/// Of a copy of what a user handed in.
pub(super) fn copy_name(id: &Id) -> String {
    format!("{id}{COPY}")
}
