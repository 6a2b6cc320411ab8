//! `envoi queue`.

use clap::{Args, Subcommand};

/// What `envoi queue` takes.
#[derive(Clone, Debug, Args)]
#[command(
    override_usage = "envoi queue [OPTIONS]\n       envoi queue COMMAND [OPTIONS] [ID]...",
    after_help = EXAMPLES
)]
pub struct QueueArgs {
    /// What to do; nothing typed lists the queue.
    #[command(subcommand)]
    pub command: Option<QueueCommand>,
}

/// What to do with a queue.
#[derive(Clone, Debug, Subcommand)]
pub enum QueueCommand {
    /// List what is in the queue
    ///
    /// For each message its identifier, when it was kept, how large it is and
    /// who sends it; below that each recipient who does not have it yet, with
    /// what was answered last. Messages that failed stay in the list until
    /// somebody removes them.
    List,
    /// Show one message, and everything that is known about it
    Show(OneId),
    /// Try what is due
    ///
    /// What is due is tried now, over a few connections, each used for many
    /// messages. It is tried again later where it fails for now; its sender is
    /// told where it fails for good. Something has to call this every few
    /// minutes, such as a timer of systemd or a job of cron.
    Run(RunArgs),
    /// Let messages wait until they are released
    Hold(Ids),
    /// Let messages that were held go on, due now
    Release(Ids),
    /// Take messages out of the queue, unsent
    Remove(TakeOutArgs),
    /// Show what happened to messages, those that are gone included
    Log(OptionalId),
}

/// One identifier.
#[derive(Clone, Debug, Args)]
pub struct OneId {
    /// The identifier, or its beginning
    #[arg(value_name = "ID")]
    pub id: String,
}

/// One identifier, or none.
#[derive(Clone, Debug, Args)]
pub struct OptionalId {
    /// The identifier, or its beginning; of messages that are gone, all of it
    #[arg(value_name = "ID")]
    pub id: Option<String>,
}

/// One identifier at least.
#[derive(Clone, Debug, Args)]
pub struct Ids {
    /// Identifiers, or their beginnings
    #[arg(value_name = "ID", required = true)]
    pub ids: Vec<String>,
}

/// What `envoi queue remove` takes.
#[derive(Clone, Debug, Args)]
#[command(override_usage = "envoi queue remove [OPTIONS] ID...\n       \
                      envoi queue remove --failed | --all")]
pub struct TakeOutArgs {
    /// Identifiers, or their beginnings
    #[arg(value_name = "ID", required_unless_present_any = ["failed", "all"])]
    pub ids: Vec<String>,

    /// Remove every message that failed for all who do not have it
    #[arg(long, conflicts_with = "ids")]
    pub failed: bool,

    /// Remove every message, and those that were set aside
    #[arg(long, conflicts_with_all = ["ids", "failed"])]
    pub all: bool,
}

/// What `envoi queue run` takes.
#[derive(Clone, Debug, Args)]
pub struct RunArgs {
    /// Try these only, due or not, held or not: identifiers, or their beginnings
    #[arg(value_name = "ID", conflicts_with = "all")]
    pub ids: Vec<String>,

    /// Try everything that is not held, due or not
    ///
    /// Accounts that were found not to work are tried, too.
    #[arg(long)]
    pub all: bool,

    /// Stay, and try what is due when it is due
    ///
    /// What is changed in the configuration meanwhile counts from the next look
    /// on, ten seconds later at most.
    #[arg(long, conflicts_with = "ids")]
    pub watch: bool,

    /// The most connections at a time
    #[arg(
        long,
        value_name = "NUMBER",
        default_value_t = CONNECTIONS,
        value_parser = clap::value_parser!(u8).range(1..=64)
    )]
    pub connections: u8,
}

/// How many connections a run has at a time, where nobody says.
pub const CONNECTIONS: u8 = 4;

const EXAMPLES: &str = "\
Examples:
  See what waits, and why:
    envoi queue

  Keep a message, whatever the network does, and try what is due:
    envoi send --queue -s Report --body '' -a report.pdf bob@example.org
    envoi queue run

  Try everything now, the account having been mended:
    envoi queue run --all

  Have it tried every five minutes, by cron:
    */5 * * * * envoi queue run --quiet";
