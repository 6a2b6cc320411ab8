//! Where it is logged what came of each message.

use crate::net::Facility;
use std::fmt;
use std::path::PathBuf;

/// Where it is logged what came of each message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Log {
    /// Nowhere.
    #[default]
    Nowhere,
    /// In a file, a line for each server that was asked.
    File(PathBuf),
    /// In the system's log.
    Syslog(Facility),
}

impl Log {
    /// Takes `none`, `syslog`, `syslog:FACILITY` and `journal`; `None` for any
    /// other text, which is the path of a file. The error is a clause about the
    /// value.
    pub(super) fn named(text: &str) -> Result<Option<Self>, String> {
        if let Some(facility) = text.strip_prefix("syslog:") {
            let unknown = || {
                let known: Vec<_> = Facility::ALL.iter().map(|(name, _)| *name).collect();
                format!("‘{facility}’ is none of the facilities {}", known.join(", "))
            };
            return Facility::named(facility)
                .map(|facility| Some(Log::Syslog(facility)))
                .ok_or_else(unknown);
        }
        match text {
            "none" => Ok(Some(Log::Nowhere)),
            // The journal listens where programs look for syslog.
            "syslog" | "journal" => Ok(Some(Log::Syslog(Facility::Mail))),
            "-" => Err("it is a file, \"syslog\" or \"none\"; the standard output of envoi \
                        is /dev/stdout"
                .to_owned()),
            _ => Ok(None),
        }
    }
}

impl fmt::Display for Log {
    /// As it is written in a configuration.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Log::Nowhere => f.write_str("none"),
            Log::File(path) => path.display().fmt(f),
            Log::Syslog(Facility::Mail) => f.write_str("syslog"),
            Log::Syslog(facility) => write!(f, "syslog:{facility}"),
        }
    }
}
