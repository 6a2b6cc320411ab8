//! What ‘envoi account import’ takes.

use crate::account::import::Format;
use clap::Args;
use clap::builder::PossibleValuesParser;
use clap::builder::TypedValueParser;
use std::path::PathBuf;

/// What `envoi account import` takes.
#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES)]
pub struct ImportArgs {
    /// The file to read
    ///
    /// Without one the usual places are looked at: ~/.msmtprc,
    /// ~/.config/msmtp/config, /etc/msmtprc, /etc/ssmtp/ssmtp.conf,
    /// /etc/dma/dma.conf and /etc/nullmailer/remotes; the first that is there
    /// is read.
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,

    /// The program whose file it is, where its name does not tell
    #[arg(long, value_name = "PROGRAM", value_parser = formats())]
    pub format: Option<Format>,

    /// Write the accounts into the configuration
    ///
    /// It is --config, else ENVOI_CONFIG, else that of the user. What stands in
    /// it stays; it appears whole or not at all.
    #[arg(long)]
    pub write: bool,

    /// Let the accounts take the place of those with the same names
    ///
    /// Likewise the keys of the table ‘rewrite’, which stay as they are otherwise.
    #[arg(long, requires = "write")]
    pub replace: bool,

    /// What to call the account, if there is one only
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
}

fn formats() -> impl TypedValueParser<Value = Format> {
    let names = Format::ALL.map(|(name, _)| name);
    PossibleValuesParser::new(names).map(|name| {
        let known = Format::ALL.iter().find(|(known, _)| *known == name);
        known.map_or(Format::Msmtp, |(_, format)| *format)
    })
}

const EXAMPLES: &str = "\
Examples:
  What would become of the configuration of msmtp:
    envoi account import

  Write it down:
    envoi account import --write

  The file of another program under another name:
    envoi account import old.conf --format ssmtp --name relay --write";
