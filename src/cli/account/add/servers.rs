//! Where the account's mail goes: the server that was named, or those that are
//! found.

use super::Adding;
use crate::account::ServerUrl;
use crate::cli::Surroundings;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::net::{Endpoint, Host, Place, Security};

/// The servers of an account, and what was said with them.
pub(super) struct Way {
    pub(super) servers: Vec<ServerUrl>,
    /// The names that keyrings have them under, each once.
    pub(super) hosts: Vec<String>,
    pub(super) wants_sign_in: bool,
    /// Who signs in, where somebody said so.
    pub(super) user: Option<String>,
    /// What to call the provider.
    pub(super) provider: Option<String>,
    /// The name that certificates are good for, where that is not the host's.
    pub(super) tls_name: Option<Host>,
    /// What users of the provider have to know.
    pub(super) remark: Option<String>,
}

impl Way {
    /// Adds what users of the provider have to know.
    pub(super) fn with_remark(&self, failure: Failure) -> Failure {
        match &self.remark {
            Some(remark) => failure.hint(remark.clone()),
            None => failure,
        }
    }

    pub(super) fn what_is_asked(&self) -> &'static str {
        "Password"
    }
}

/// The servers that were named, else those that are found.
pub(super) fn find(
    adding: &Adding<'_>,
    surroundings: &mut Surroundings<'_>,
) -> Result<Way, Failure> {
    match &adding.typed.servers {
        Some(servers) => named(adding, servers),
        None => Err(Failure::say(Exit::Unavailable, "not yet")),
    }
}

fn named(adding: &Adding<'_>, servers: &[ServerUrl]) -> Result<Way, Failure> {
    let mut user = None;
    let mut hosts: Vec<String> = Vec::new();
    let mut is_open = true;
    for url in servers {
        let ServerUrl::Server(server) = url else {
            let sentence = "sink: is a receiver for one run, and needs no account";
            return Err(Failure::say(Exit::Usage, sentence)
                .hint("try it as it is: envoi send --server sink: …"));
        };
        user = user.or_else(|| server.user.clone());
        is_open &= takes_anybody(&server.endpoint);
        let host = server.endpoint.place.name();
        if !hosts.contains(&host) {
            hosts.push(host);
        }
    }
    let says_who = adding.typed.user.is_some() || user.is_some() || adding.typed.password.is_some();
    Ok(Way {
        servers: servers.iter().cloned().map(ServerUrl::without_user).collect(),
        hosts,
        wants_sign_in: !adding.args.no_sign_in && (says_who || !is_open),
        user,
        provider: None,
        tls_name: None,
        remark: None,
    })
}

/// Whether it is a server of the kind that is reached in clear, and knows its
/// clients by their place.
fn takes_anybody(endpoint: &Endpoint) -> bool {
    match endpoint.security {
        Security::Cleartext | Security::Opportunistic => true,
        Security::Implicit | Security::StartTls => matches!(endpoint.place, Place::Unix(_)),
    }
}
