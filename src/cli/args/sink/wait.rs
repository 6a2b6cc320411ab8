//! What ‘envoi sink wait’ takes.

use crate::account::duration;
use clap::Args;
use std::path::PathBuf;
use std::time::Duration;

/// Which message is waited for, and how long.
#[derive(Args, Clone, Debug)]
pub struct WaitArgs {
    /// It is for this address, whoever else gets it
    ///
    /// This and --from compare with the envelope; capitals do not count.
    #[arg(long, value_name = "ADDRESS")]
    pub to: Option<String>,

    /// It is from this address; '' is the sender of reports
    #[arg(long, value_name = "ADDRESS")]
    pub from: Option<String>,

    /// Its subject has this text in it
    #[arg(long, value_name = "TEXT")]
    pub subject: Option<String>,

    /// The Maildir to look in
    ///
    /// It need not be there yet. Default: the one of ‘envoi sink’. What a
    /// receiver with --memory caught cannot be found.
    #[arg(long, value_name = "DIR", group = "store")]
    pub dir: Option<PathBuf>,

    /// The mailbox to look in, that of --mbox of ‘envoi sink’
    #[arg(long, value_name = "FILE", group = "store")]
    pub mbox: Option<PathBuf>,

    /// The directory to look in, that of --eml of ‘envoi sink’
    #[arg(long, value_name = "DIR", group = "store")]
    pub eml: Option<PathBuf>,

    /// How long to wait
    ///
    /// A duration, such as 30s or 2m. Default: 10s.
    #[arg(
        long,
        value_name = "DURATION",
        value_parser = duration,
        default_value = "10s",
        hide_default_value = true
    )]
    pub timeout: Duration,
}
