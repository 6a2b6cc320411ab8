//! What `envoi check` takes.

use super::{CHECKS, ConnectionArgs, OUTPUT};
use clap::{Arg, Args};
use std::str::FromStr;

/// What `envoi check` takes.
#[derive(Args, Clone, Debug)]
#[command(
    after_help = EXAMPLES,
    mut_arg("server", looked_at),
    mut_arg("deadline", |arg| arg.help("Stop looking after this time, whatever is going on").long_help(
        "Stop looking after this time, whatever is going on\n\nWhat was not looked at by then is \
         told as unknown.")),
    mut_arg("timeout", |arg| arg.long_help(
        "Wait no longer than this for any one thing\n\nA bare number is seconds; 90s, 5m, 1h30m and \
         2d are other ways to write it. Without it, that is a minute, and ten seconds at ports that \
         the account does not name.")),
    // They are about messages. Who types the same options for every command may have them.
    mut_arg("pipelining", |arg| arg.hide(true)),
    mut_arg("chunking", |arg| arg.hide(true)),
)]
pub struct CheckArgs {
    /// The account; the same as --account
    ///
    /// Without a name, the account that a message would be sent through.
    #[arg(value_name = "ACCOUNT")]
    pub name: Option<String>,

    /// Look at these other ports of the server, too
    ///
    /// A list with commas, or ‘none’. On port 465 TLS is spoken from the start,
    /// on others STARTTLS. Without it, those are 465, 587 and 25; of this
    /// machine none. Nobody signs in there.
    #[arg(long, value_name = "PORT,…", help_heading = CHECKS)]
    pub ports: Option<Ports>,

    /// Once signed in, try every other mechanism that the server offers
    ///
    /// Each has a connection of its own. The first refusal ends it, so that
    /// nobody is locked out.
    #[arg(long, help_heading = CHECKS)]
    pub all_mechanisms: bool,

    /// Warn of certificates that expire within so many days
    #[arg(long, value_name = "N", default_value_t = 21, help_heading = CHECKS)]
    pub warn_days: u32,

    /// Look at what DOMAIN publishes for its mail
    ///
    /// MX, SPF, DKIM, DMARC, MTA-STS with its policy, TLSRPT and DANE, as the name
    /// servers of this machine tell them. Port 25 of each host that takes its mail
    /// is connected to, once, to see its TLS. Where neither an account nor a server
    /// is named, nothing else is looked at.
    #[arg(long, value_name = "DOMAIN", help_heading = CHECKS)]
    pub domain: Option<String>,

    /// Look for the DKIM key of this name
    ///
    /// May be repeated. Without it, those that the account signs with.
    #[arg(long, value_name = "NAME", requires = "domain", help_heading = CHECKS)]
    pub selector: Vec<String>,

    /// Print one line and end as a plug-in of Nagios does
    ///
    /// The line says OK, WARNING, CRITICAL or UNKNOWN, the worst of what was
    /// found, and behind | how long things took and how many days are left of
    /// the certificate. The status is 0, 1, 2 or 3.
    #[arg(long, conflicts_with = "json", help_heading = OUTPUT)]
    pub monitor: bool,

    /// How to reach a server.
    #[command(flatten)]
    pub connection: ConnectionArgs,
}

/// `--server` of `envoi send`, whose kinds of URL are the same.
fn looked_at(arg: Arg) -> Arg {
    const WHAT: &str = "Look at this server; repeat it for others";
    let long = arg.get_long_help().map(ToString::to_string).unwrap_or_default();
    let kinds = long.split_once("\n\n").map_or("", |(_, kinds)| kinds);
    let long = format!("{WHAT}\n\n{kinds}");
    arg.help(WHAT).long_help(long)
}

/// Ports of a host, in the order in which they are looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ports(pub Vec<u16>);

impl FromStr for Ports {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "none" {
            return Ok(Ports(Vec::new()));
        }
        let port = |word: &str| word.trim().parse().ok().filter(|port| *port > 0);
        let ports: Option<Vec<u16>> = text.split(',').map(port).collect();
        ports.map(Ports).ok_or("it is neither ‘none’ nor a list of ports with commas")
    }
}

const EXAMPLES: &str = "\
Examples:
  Is the account all right, and what does its server offer:
    envoi check work

  A server, without signing in, and on one more port:
    envoi check --server smtp://mail.example.org --ports 465,2525

  What stands in DNS for the mail of a domain:
    envoi check --domain example.org --selector mail

  For Nagios, Icinga and others, with a warning 30 days ahead, after 30 seconds at most:
    envoi check --monitor --warn-days 30 --deadline 30 work";
