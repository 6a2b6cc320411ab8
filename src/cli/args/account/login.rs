//! What ‘envoi account login’ and ‘envoi account logout’ take.

use super::IssuerArgs;
use crate::cli::args::{ConnectionArgs, SIGN_IN};
use clap::Args;

/// What `envoi account login` takes.
#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES)]
pub struct LoginArgs {
    /// The account; the same as --account
    ///
    /// Without a name, the account that a message would be sent through.
    #[arg(value_name = "NAME")]
    pub name: Option<String>,

    /// Who issues the tokens.
    #[command(flatten)]
    pub issuer: IssuerArgs,

    /// Keep the tokens in STORE
    ///
    /// STORE is keyring, the default, or file:PATH, a file that is closed to
    /// others.
    #[arg(long, value_name = "STORE", help_heading = SIGN_IN)]
    pub store: Option<String>,

    /// How to reach a server.
    #[command(flatten)]
    pub connection: ConnectionArgs,
}

/// What `envoi account logout` takes.
#[derive(Args, Clone, Debug)]
#[command(after_help = LOGOUT_EXAMPLES)]
pub struct LogoutArgs {
    /// The account; the same as --account
    ///
    /// Without a name, the account that a message would be sent through.
    #[arg(value_name = "NAME")]
    pub name: Option<String>,

    /// How to reach a server.
    #[command(flatten)]
    pub connection: ConnectionArgs,
}

const EXAMPLES: &str = "\
Examples:
  Log in as the account says, with a browser or with a code:
    envoi account login work

  The first time, at Microsoft, from a machine without a display:
    envoi account login work --device --issuer microsoft --client-id ID

  At the issuer of an organization, the tokens in a file:
    envoi account login work --issuer https://id.example.org --client-id ID \\
      --store file:/var/lib/mail/tokens";

const LOGOUT_EXAMPLES: &str = "\
Examples:
  envoi account logout work";
