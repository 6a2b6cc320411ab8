//! `[queue]`: when messages are kept, where, and for how long.

use std::path::PathBuf;
use std::time::Duration;

/// `[queue]` of a file: `None` is not said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueueSettings {
    /// When messages are kept.
    pub when: Option<When>,
    /// Where.
    pub directory: Option<PathBuf>,
    /// How long `sendmail` tries before it keeps a message.
    pub patience: Option<Duration>,
    /// The least time between two tries.
    pub min_retry: Option<Duration>,
    /// The most.
    pub max_retry: Option<Duration>,
    /// How long a message is tried.
    pub max_age: Option<Duration>,
    /// The most octets of one message.
    pub max_message: Option<u64>,
    /// The most octets of all.
    pub max_total: Option<u64>,
    /// How much of the file system stays free, in hundredths.
    pub keep_free: Option<u8>,
    /// The same as the file of the system alone says it, where that was read.
    pub of_system: Option<Box<QueueSettings>>,
}

/// When messages are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum When {
    /// Only if an option says so.
    Never,
    /// `sendmail` keeps what could not be sent.
    #[default]
    Sendmail,
    /// Every message is kept first.
    Always,
}

impl When {
    /// Each with its name.
    pub const ALL: [(&'static str, When); 3] =
        [("never", When::Never), ("sendmail", When::Sendmail), ("always", When::Always)];
}

impl QueueSettings {
    /// Lays `self` over `below`, key by key.
    pub(super) fn over(self, below: QueueSettings) -> QueueSettings {
        QueueSettings {
            when: self.when.or(below.when),
            directory: self.directory.or(below.directory),
            patience: self.patience.or(below.patience),
            min_retry: self.min_retry.or(below.min_retry),
            max_retry: self.max_retry.or(below.max_retry),
            max_age: self.max_age.or(below.max_age),
            max_message: self.max_message.or(below.max_message),
            max_total: self.max_total.or(below.max_total),
            keep_free: self.keep_free.or(below.keep_free),
            of_system: self.of_system.or(below.of_system),
        }
    }
}
