//! Accounts that do not work, and servers that cannot be reached: one message
//! finds it out, and the others need not (checklist ).

use super::disk::replace;
use super::{Answer, Queue, retry};
use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use std::io::{self, Read as _};

/// Why an account is not used for now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Trouble {
    /// Since when.
    pub since: Timestamp,
    /// Until when it is not tried.
    pub until: Timestamp,
    /// How often it was found since then.
    pub failures: u32,
    /// What was answered, or went wrong.
    pub answer: Answer,
}

const PREFIX: &str = "account.";
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_');
const LARGEST: u64 = 1024 * 1024;

pub(super) fn is_ours(name: &str) -> bool {
    name.starts_with(PREFIX)
}

fn file_name(account: &str) -> String {
    format!("{PREFIX}{}", utf8_percent_encode(account, ESCAPED))
}

impl Queue {
    /// What is wrong with an account, as far as somebody found out. Who cannot
    /// be read says nothing.
    pub fn trouble(&self, account: &str) -> Option<Trouble> {
        let mut octets = Vec::new();
        self.open(&file_name(account)).ok()?.take(LARGEST).read_to_end(&mut octets).ok()?;
        serde_json::from_slice(&octets).ok()
    }

    /// Every account that something is wrong with.
    pub fn troubles(&self) -> io::Result<Vec<(String, Trouble)>> {
        let names = self.disk.names()?;
        let encoded = names.iter().filter_map(|name| name.strip_prefix(PREFIX));
        let accounts = encoded.map(|name| percent_decode_str(name).decode_utf8_lossy());
        let mut troubles: Vec<_> = accounts
            .filter_map(|account| Some((account.to_string(), self.trouble(&account)?)))
            .collect();
        troubles.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(troubles)
    }

    /// Whether the account is not to be tried now. What lies further ahead than
    /// any pause was put there by another clock.
    pub fn rests(&self, account: &str, now: Timestamp) -> Option<Trouble> {
        self.trouble(account).filter(|trouble| !self.policy.is_due(trouble.until, now))
    }

    /// Remembers that an account did not work.
    pub(super) fn note_trouble(
        &self,
        account: &str,
        answer: &Answer,
        now: Timestamp,
        dice: f64,
    ) -> io::Result<()> {
        let known = self.trouble(account);
        let failures = known.as_ref().map_or(1, |known| known.failures.saturating_add(1));
        let setback = retry::Setback::Unreached;
        let trouble = Trouble {
            since: known.map_or(now, |known| known.since),
            until: self.policy.next(now, failures, setback, dice),
            failures,
            answer: answer.clone(),
        };
        let octets = serde_json::to_vec(&trouble).map_err(io::Error::other)?;
        replace(&*self.disk, &file_name(account), &octets)
    }

    /// Forgets it: the account works.
    pub(super) fn forget_trouble(&self, account: &str) -> io::Result<()> {
        match self.disk.remove(&file_name(account)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            Ok(()) | Err(_) => Ok(()),
        }
    }
}
