//! Where ‘envoi sink’ puts messages.

use crate::cli::failure::Failure;
use crate::sink::Storage;
use clap::Args;
use std::path::PathBuf;

/// One store; without any, a Maildir below the state directory.
#[derive(Args, Clone, Debug)]
#[group(id = "store", multiple = false)]
pub struct StoreArgs {
    /// The Maildir for the messages
    ///
    /// It is made if it is missing, readable by its owner only. Each message
    /// has fields on top that say what its envelope was: Return-Path,
    /// Envelope-To, with all recipients, blind copies included, and Received.
    /// Default: ~/.local/state/envoi/sink, or envoi/sink below $XDG_STATE_HOME.
    /// One that is called wait is ./wait.
    #[arg(value_name = "DIR")]
    directory: Option<PathBuf>,

    /// Append the messages to this mailbox, in place of a Maildir
    ///
    /// An mbox, with From lines quoted as in mboxrd, under the lock that mail
    /// programs take (fcntl). The file is made if it is missing, readable by
    /// its owner only.
    #[arg(long, value_name = "FILE", help_heading = "Store")]
    mbox: Option<PathBuf>,

    /// Write each message to a file ID.eml in DIR, in place of a Maildir
    ///
    /// It has the octets as they came below the same fields as in a Maildir, all
    /// with lines ending in CRLF. DIR is made if it is missing, readable by its
    /// owner only.
    #[arg(long, value_name = "DIR", help_heading = "Store")]
    eml: Option<PathBuf>,

    /// Write no message to disk
    ///
    /// With --json, the line ‘stored’ has what was sent, as ‘message’, or as
    /// ‘messageBase64’ where it is not UTF-8; without, only who sent how much
    /// to whom is told. ‘envoi sink wait’ finds none of it.
    #[arg(long, help_heading = "Store")]
    memory: bool,
}

impl StoreArgs {
    /// The store; `default` gives the Maildir that is not named.
    pub fn storage(
        &self,
        default: impl FnOnce() -> Result<PathBuf, Failure>,
    ) -> Result<Storage, Failure> {
        Ok(match self {
            StoreArgs { memory: true, .. } => Storage::Memory,
            StoreArgs { mbox: Some(file), .. } => Storage::Mbox(file.clone()),
            StoreArgs { eml: Some(directory), .. } => Storage::Eml(directory.clone()),
            StoreArgs { directory, .. } => {
                Storage::Maildir(directory.clone().map_or_else(default, Ok)?)
            }
        })
    }
}
