//! What ‘envoi account’ takes.

mod add;
mod import;
mod issuer;
mod login;

pub use add::{AddArgs, RemoveArgs, Store};
pub use import::ImportArgs;
pub use issuer::IssuerArgs;
pub use login::{LoginArgs, LogoutArgs};

use super::ConnectionArgs;
use clap::{Args, Subcommand};

/// What `envoi account` takes.
#[derive(Args, Clone, Debug)]
#[command(
    subcommand_help_heading = "Commands",
    disable_help_subcommand = true,
    after_help = EXAMPLES
)]
pub struct AccountArgs {
    /// What to do; nothing typed lists the accounts.
    #[command(subcommand)]
    pub command: Option<AccountCommand>,
}

/// What to do with accounts.
#[derive(Clone, Debug, Subcommand)]
pub enum AccountCommand {
    /// Find the servers of a mail address, sign in, and write the account
    ///
    /// Asks in turn the table of large providers that comes with envoi, the SRV
    /// records of the domain (RFC 6186, RFC 8314), its documents for mail
    /// programs (in Thunderbird's form, over HTTPS), and its mail exchangers,
    /// which may be a large provider's. What was found is shown, and how far it
    /// can be trusted. Then envoi signs in as a message would; only if that
    /// goes well is anything written.
    ///
    /// Each question has an option; where there is no terminal, nothing is
    /// asked.
    Add(Box<AddArgs>),
    /// List the accounts that are configured
    ///
    /// Of each it tells the senders that it is for, its servers, who signs in,
    /// where the password is, and the file and line where it begins; then which
    /// one is used where nothing else chooses one.
    List,
    /// Log in at whoever issues tokens for an account
    ///
    /// Large providers let nobody sign in with a password: they issue tokens,
    /// after a login in a browser (OAuth 2.0). This is that login. What comes of
    /// it is kept in the keyring or a file, and every message of the account is
    /// sent with it; a token that has expired is renewed without a word. What
    /// the options say and the account does not is written into the account.
    Login(Box<LoginArgs>),
    /// Remove the tokens of a login
    ///
    /// They are given back to the issuer, too, where it takes them back.
    Logout(Box<LogoutArgs>),
    /// Show what an account says, and where each value comes from
    ///
    /// Every key of an account is shown with the value that applies: what the
    /// account says, what the accounts say that it extends, what variables and
    /// options say, and the default. No password is fetched or shown; but it is
    /// looked whether its source is there, and whether the files that the
    /// account names are any good. The exit status is 78 if a message could not
    /// be sent through the account.
    Show(Box<ShowArgs>),
    /// Remove an account from the configuration
    ///
    /// The rest of the file stays as it is. An account that others extend is
    /// not removed.
    Remove(RemoveArgs),
    /// Take over accounts from msmtp, ssmtp, dma or nullmailer
    ///
    /// The configuration of another program is read, and of each of its lines
    /// it is told what it means here, or why that cannot be had. Then comes
    /// what would be written. Nothing is written without --write, and no
    /// password is shown. The programs that ‘eval’ names in an msmtprc are run
    /// as msmtp runs them.
    Import(ImportArgs),
}

/// What `envoi account show` takes.
#[derive(Args, Clone, Debug)]
#[command(after_help = SHOW_EXAMPLES)]
pub struct ShowArgs {
    /// The account; the same as --account
    ///
    /// Without a name, the account that a message would be sent through.
    #[arg(value_name = "NAME")]
    pub name: Option<String>,

    /// Show the account for messages from ADDRESS
    ///
    /// It is chosen as ‘envoi send’ does, and the first line says why.
    #[arg(long = "for", value_name = "ADDRESS")]
    pub sender: Option<String>,

    /// How to reach a server.
    #[command(flatten)]
    pub connection: ConnectionArgs,
}

const EXAMPLES: &str = "\
Examples:
  envoi account
  envoi account add alice@example.org
  envoi account login work
  envoi account import ~/.msmtprc
  envoi account show work
  envoi account show --for alice@example.org
  envoi account import ~/.msmtprc";

const SHOW_EXAMPLES: &str = "\
Examples:
  Which server does the account use, for a script:
    envoi account show --json work | jq -r '.servers[0].url'

  Through which account would a message from alice@example.org go, and why:
    envoi account show --for alice@example.org";
