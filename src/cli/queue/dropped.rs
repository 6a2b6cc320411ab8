//! What lies in the drop directory, for root's list.

use super::{place, take_over};
use crate::cli::Surroundings;
use crate::cli::escape::Escaped;
use crate::cli::failure::quoted;
use crate::queue::{Id, Left, Queue, check_drop, names_in_drop};
use std::collections::BTreeSet;
use std::io;
use std::path::Path;

/// What lies there. Nothing where nobody hands in, or another takes it over.
#[derive(Default)]
pub(super) struct Dropped {
    /// The messages that nobody has taken over yet.
    pub(super) waiting: BTreeSet<Id>,
    /// What cannot be taken over, as the last run found it, and is still there.
    pub(super) left: Vec<Left>,
    /// Why nothing is taken over, and what root does about it.
    pub(super) fault: Option<String>,
}

impl Dropped {
    /// Looks at the drop directory of this queue, if root has made one. A
    /// take-over may have been stopped that had these copies.
    pub(super) fn beside(queue: Option<&Queue>, copies: &[Id]) -> Self {
        let Some(drop) = place::taken_over().or_else(|| place::missed(copies)) else {
            return Dropped::default();
        };
        let names = names_in_drop(drop).unwrap_or_default();
        let mut left = queue.map(Queue::left_in_drop).unwrap_or_default();
        left.retain(|left| names.contains(&left.name));
        let stays = |id: &Id| left.iter().any(|left| left.name == id.as_str());
        let waits = names.iter().filter_map(|name| name.parse().ok()).filter(|id| !stays(id));
        let mut waiting: BTreeSet<Id> = waits.collect();
        waiting.extend(copies.iter().cloned());
        let fault = check_drop(drop).err();
        Dropped {
            waiting,
            left,
            fault: fault.map(|fault| format!("{fault}; {}", place::how_to_mend_drop(&fault))),
        }
    }

    /// Says it to people.
    pub(super) fn tell(&self, surroundings: &mut Surroundings<'_>) -> io::Result<()> {
        let out = &mut *surroundings.out;
        match self.waiting.len() {
            0 => {}
            1 => writeln!(out, "1 message that a user handed in waits {TO_BE_TAKEN}")?,
            count => writeln!(out, "{count} messages that users handed in wait {TO_BE_TAKEN}")?,
        }
        if let Some(fault) = &self.fault {
            writeln!(out, "nothing is taken over: {}", Escaped(fault))?;
        }
        let drop = place::taken_over().unwrap_or(Path::new("/"));
        for left in &self.left {
            writeln!(out, "{}", take_over::words(left, drop))?;
        }
        if let Some(Left { name, .. }) = self.left.first() {
            let path = drop.join(name);
            let hint = format!("remove what nobody wants of it: rm -r {}", quoted(&path));
            writeln!(surroundings.err, "hint: {}", Escaped(hint))?;
        }
        Ok(())
    }
}

const TO_BE_TAKEN: &str = "to be taken over: envoi queue run";
