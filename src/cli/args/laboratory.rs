//! The laboratory: options that show a conversation, and that steer it.

use super::DEBUGGING;
use clap::Args;
use std::path::PathBuf;

/// Options for whoever wants to see what a server does, and what it would do.
#[derive(Clone, Debug, Default, Args)]
pub struct LaboratoryArgs {
    /// Write the conversation with the server to FILE
    ///
    /// It is written as -vv shows it, the message included, whether or not
    /// that is given. Passwords are left out. A FILE that exists is replaced.
    #[arg(long, value_name = "FILE", help_heading = DEBUGGING)]
    pub transcript: Option<PathBuf>,
}
