//! What ‘envoi account add’ takes.

use super::IssuerArgs;
use crate::account::SecretSource;
use crate::cli::args::{ConnectionArgs, MESSAGE, SIGN_IN};
use clap::Args;
use std::str::FromStr;

/// What `envoi account add` takes.
#[derive(Args, Clone, Debug)]
#[command(
    after_help = EXAMPLES,
    mut_arg("server", |arg| arg.help("Use this server, and search for none; repeat it for others \
        to fall back on")),
    mut_arg("user", |arg| arg.help("Sign in as NAME").long_help("Sign in as NAME\n\nWithout it, \
        whoever was found with the server, else the address, else what stands before its @.")),
    mut_arg("password_from", |arg| arg.help("Take the password from SOURCE, now and from now on")),
)]
pub struct AddArgs {
    /// Your mail address, with or without your name: 'Alice <alice@example.org>'
    #[arg(value_name = "ADDRESS")]
    pub address: Option<String>,

    /// Call the account NAME
    ///
    /// Without it, the account is called as its provider, or as the domain of
    /// the address.
    #[arg(long, value_name = "NAME", help_heading = ACCOUNT)]
    pub name: Option<String>,

    /// Put this name before the address in From
    #[arg(long, value_name = "NAME", help_heading = MESSAGE)]
    pub full_name: Option<String>,

    /// Use it where nothing else chooses an account
    ///
    /// The first account becomes the default without it.
    #[arg(long, help_heading = ACCOUNT)]
    pub default: bool,

    /// Put it in the place of an account of the same name
    #[arg(long, help_heading = ACCOUNT)]
    pub replace: bool,

    /// Find and test, and print what would be written; write nothing
    #[arg(short = 'n', long, help_heading = ACCOUNT)]
    pub dry_run: bool,

    /// Write the account without signing in first
    #[arg(long, help_heading = ACCOUNT)]
    pub no_test: bool,

    /// Take HOST, though it is in another domain and nobody vouches for it
    ///
    /// What DNS says without DNSSEC anybody on the way could have changed. A
    /// server outside the domain of the address is therefore taken only if its
    /// certificate is good for that domain, too, or if you know that it is the
    /// right one and say so.
    #[arg(long, value_name = "HOST", help_heading = FINDING)]
    pub accept: Vec<String>,

    /// Whether to ask Mozilla's database of providers: yes or no
    ///
    /// It is asked only if the domain itself says nothing, and is told the
    /// domain, not the address. Without a terminal it is not asked unless this
    /// says so.
    #[arg(long, value_name = "YES|NO", value_parser = yes_or_no, help_heading = FINDING)]
    pub ispdb: Option<bool>,

    /// Where nobody names a server, try the usual names
    ///
    /// These are smtp.DOMAIN and mail.DOMAIN, on ports 465 and 587.
    #[arg(long, help_heading = FINDING)]
    pub guess: bool,

    /// Where the password, or the tokens, are kept from now on
    ///
    ///   keyring     in the keyring of the desktop
    ///   file:PATH   in a file of its own, closed to others
    ///   config      in the configuration, which is closed to others then
    ///   nowhere     it is asked for each time
    ///
    /// Without it, --password-from is written down as it is; a password that
    /// was typed goes into the keyring, and where there is none, you are asked.
    /// Tokens go into the keyring, or into a file.
    #[arg(long, value_name = "PLACE", help_heading = SIGN_IN, verbatim_doc_comment)]
    pub store: Option<Store>,

    /// The server takes mail from here without a sign-in
    #[arg(
        long,
        conflicts_with_all = ["store", "user", "password_from", "auth"],
        help_heading = SIGN_IN
    )]
    pub no_sign_in: bool,

    /// Who issues tokens in place of a password.
    #[command(flatten)]
    pub issuer: IssuerArgs,

    /// How to reach a server, if it is not to be searched for.
    #[command(flatten)]
    pub connection: ConnectionArgs,
}

/// Where a password is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Store {
    /// Where envoi can put it.
    Source(SecretSource),
    /// In the configuration itself.
    Config,
    /// Nowhere: it is asked for.
    Nowhere,
}

impl FromStr for Store {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const KNOWN: &str = "it is keyring, file:PATH, config or nowhere";
        match text {
            "config" => Ok(Store::Config),
            "nowhere" => Ok(Store::Nowhere),
            text => match text.parse() {
                // Behind a colon the shell leaves it alone.
                Ok(SecretSource::File(path)) if path.starts_with("~") => {
                    Err("write $HOME in place of ~")
                }
                Ok(source @ (SecretSource::Keyring | SecretSource::File(_))) => {
                    Ok(Store::Source(source))
                }
                _ => Err(KNOWN),
            },
        }
    }
}

/// What `envoi account remove` takes.
#[derive(Args, Clone, Debug)]
#[command(after_help = REMOVE_EXAMPLES)]
pub struct RemoveArgs {
    /// The account; the same as --account
    #[arg(value_name = "NAME")]
    pub name: Option<String>,

    /// Remove its password and tokens, too
    ///
    /// From the keyring and from files that hold nothing else. Without it they
    /// stay where they are.
    #[arg(long)]
    pub forget: bool,
}

fn yes_or_no(text: &str) -> Result<bool, &'static str> {
    match text {
        "yes" => Ok(true),
        "no" => Ok(false),
        _ => Err("it is yes or no"),
    }
}

const ACCOUNT: &str = "Account";
const FINDING: &str = "Finding the server";

const EXAMPLES: &str = "\
Examples:
  From an address to an account; what is not known is asked:
    envoi account add alice@example.org

  Without a person at the keyboard, the password in a file of its own:
    envoi account add 'Alice <alice@example.org>' --name work \\
      --password-from env:MAIL_PASSWORD --store file:/etc/envoi/work.password

  With a server that is known:
    envoi account add alice@example.org --server smtps://mail.example.org \\
      --password-from 'command:pass show mail/work'";

const REMOVE_EXAMPLES: &str = "\
Examples:
  envoi account remove work
  envoi account remove work --forget";
