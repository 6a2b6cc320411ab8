//! What happened to each entry, a line each: what is left to read when an
//! entry is gone. No promise hangs on it, so it is not synced, and a journal
//! that cannot be written stops nothing.

use super::{Id, Queue};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::io::{self, BufRead as _, BufReader};

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Line {
    /// When.
    pub at: Timestamp,
    /// To which entry.
    pub id: String,
    /// What.
    pub what: Happening,
    /// To whom it applies, if not to all alike.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub to: Vec<String>,
    /// What was answered, or why. Not escaped.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
}

/// What can happen to an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Happening {
    /// It was put into the queue.
    Kept,
    /// The next hop took it for these.
    Accepted,
    /// Not now.
    Deferred,
    /// Not ever.
    Failed,
    /// The sender was told.
    Reported,
    /// It was told to wait.
    Held,
    /// It was told to wait no more.
    Released,
    /// It was taken out.
    Removed,
    /// It is damaged, and was set aside.
    SetAside,
    /// A user put it into the drop directory, and it stays there.
    LeftInDrop,
}

const LOG: &str = "log";
const OLDER: &str = "log.1";
/// A journal of this size becomes the older one.
const LARGE: u64 = 4 * 1024 * 1024;

pub(super) fn is_ours(name: &str) -> bool {
    name == LOG || name == OLDER
}

impl Queue {
    /// Adds a line.
    pub fn record(&self, line: &Line) {
        let Ok(mut octets) = serde_json::to_vec(line) else { return };
        octets.push(b'\n');
        if self.disk.length(LOG).is_ok_and(|length| length > LARGE) {
            let _ = self.disk.rename(LOG, OLDER);
        }
        let _ = self.disk.append(LOG, &octets);
    }

    /// The lines about one entry, or all, oldest first. What is no line is left
    /// out.
    pub fn journal(&self, about: Option<&Id>) -> io::Result<Vec<Line>> {
        let mut lines = Vec::new();
        for name in [OLDER, LOG] {
            let Ok(file) = self.open(name) else { continue };
            for octets in BufReader::new(file).split(b'\n') {
                let Ok(line) = serde_json::from_slice::<Line>(&octets?) else { continue };
                if about.is_none_or(|id| id.as_str() == line.id) {
                    lines.push(line);
                }
            }
        }
        Ok(lines)
    }
}
