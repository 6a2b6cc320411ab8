//! Where the account's mail goes: the server that was named, or those that are
//! found.

use super::password::Password;
use super::search::{self, Search};
use super::{Adding, step};
use crate::account::discover::providers::Passwords;
use crate::account::discover::{Candidate, Found, Trust};
use crate::account::{Server, ServerUrl};
use crate::cli::Surroundings;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::trial;
use crate::net::{Endpoint, Host, Place, Security};

/// The servers of an account, and what was said with them.
#[derive(Clone)]
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
    /// Which passwords it takes.
    pub(super) passwords: Passwords,
    /// Who gives tokens that it takes in place of a password.
    pub(super) issuer: Option<String>,
}

impl Way {
    /// The way to one server that was found.
    fn to(candidate: &Candidate) -> Self {
        let mut way = Way {
            servers: Vec::new(),
            hosts: Vec::new(),
            wants_sign_in: true,
            user: candidate.user.clone(),
            provider: None,
            tls_name: None,
            remark: candidate.remark.clone(),
            passwords: Passwords::Account,
            issuer: candidate.issuer.clone(),
        };
        way.add(candidate);
        way
    }

    fn add(&mut self, candidate: &Candidate) {
        let endpoint = candidate.endpoint.clone();
        let host = endpoint.place.name();
        if !self.hosts.contains(&host) {
            self.hosts.push(host);
        }
        self.servers.push(ServerUrl::Server(Server { endpoint, user: None, password: None }));
    }

    /// Adds what users of the provider have to know.
    pub(super) fn with_remark(&self, failure: Failure) -> Failure {
        match &self.remark {
            Some(remark) => failure.hint(remark.clone()),
            None => failure,
        }
    }

    /// What the user is asked for.
    pub(super) fn what_is_asked(&self) -> &'static str {
        match self.passwords {
            Passwords::App => "App password",
            Passwords::Account | Passwords::None => "Password",
        }
    }
}

/// The servers that were named, else those that are found.
pub(super) fn find(
    adding: &Adding<'_>,
    surroundings: &mut Surroundings<'_>,
) -> Result<Way, Failure> {
    match &adding.typed.servers {
        Some(servers) => named(adding, servers),
        None => found(adding, surroundings),
    }
}

/// The servers that somebody names, as far as they can be trusted.
fn found(adding: &Adding<'_>, surroundings: &mut Surroundings<'_>) -> Result<Way, Failure> {
    let Search { candidates, known } = search::run(adding, surroundings)?;
    let (first, others) = candidates
        .split_first()
        .ok_or_else(|| Failure::say(Exit::Unavailable, "nobody names a server that can be used"))?;
    let mut way = Way::to(first);
    way.wants_sign_in = !adding.args.no_sign_in;
    way.provider = known.as_ref().map(|known| known.provider.to_owned());
    way.passwords = known.as_ref().map_or(Passwords::Account, |known| known.passwords);
    let issuer = known.as_ref().and_then(|known| known.issuer).map(str::to_owned);
    way.issuer = way.issuer.or(issuer);
    for candidate in &candidates {
        step(surroundings, "server", &words(candidate))?;
    }
    if let Some(remark) = &way.remark {
        step(surroundings, "note", remark)?;
    }
    way.tls_name = vouched(first, &way, adding, surroundings)?;
    // Others that are as good, to fall back on.
    for other in others {
        let is_alike = (&other.user, &other.issuer, &other.trust)
            == (&first.user, &first.issuer, &first.trust);
        let is_known = way.tls_name.is_none()
            && (first.trust.is_good()
                || other.endpoint.place.host() == first.endpoint.place.host());
        if is_alike && is_known {
            way.add(other);
        }
    }
    Ok(way)
}

/// Whether the server may be given a password: somebody vouches for it, its
/// certificate is good for the domain of the address, or the user knows it
/// (RFC 6186 §6). Gives the name that its certificate must be good for, where
/// that is the domain.
fn vouched(
    candidate: &Candidate,
    way: &Way,
    adding: &Adding<'_>,
    surroundings: &mut Surroundings<'_>,
) -> Result<Option<Host>, Failure> {
    let host = candidate.endpoint.place.host().to_string();
    if candidate.trust.is_good() || adding.is_accepted(&host) || adding.is_own(&host) {
        return Ok(None);
    }
    let domain = adding.author.mailbox.domain().to_string();
    if let Trust::Elsewhere { domain: name } = &candidate.trust {
        let named = Way { tls_name: Some(name.clone()), ..way.clone() };
        let account = adding.account(&named, None, &Password::Unwanted)?;
        if trial::run(&account, adding.interrupt, surroundings).is_ok() {
            let good = format!("{host} has a certificate for {domain}");
            step(surroundings, "trust", &good)?;
            return Ok(Some(name.clone()));
        }
    }
    let is_known = confirmed(candidate, &host, &domain, adding)?;
    if is_known {
        return Ok(None);
    }
    let sentence = format!("{host} is not the server; nothing was written");
    Err(Failure::say(Exit::Usage, sentence).hint("name the server: --server smtps://HOST"))
}

/// Whether the user knows the server, who has to be there for that.
fn confirmed(
    candidate: &Candidate,
    host: &str,
    domain: &str,
    adding: &Adding<'_>,
) -> Result<bool, Failure> {
    let who = match candidate.found {
        // Whoever lets it be asked has chosen whom to believe.
        Found::Database { .. } => {
            let question = format!("Is {host} the server of your provider, as Mozilla says?");
            return Ok(adding.questions.yes(&question, true)?.unwrap_or(true));
        }
        Found::Document { .. } => "a document that is in another domain, too",
        Found::Srv { .. } | Found::Exchanger { .. } | Found::Table { .. } | Found::Guess => {
            "DNS without DNSSEC"
        }
    };
    let place = format!("{host} is in another domain than {domain}, and named by {who}");
    let question = format!("{place}. Is it the server of your provider?");
    adding.questions.yes(&question, false)?.ok_or_else(|| {
        let host = shell_words::quote(host).into_owned();
        Failure::say(Exit::Protocol, format!("{place}: it may be anybody's"))
            .hint(format!("if you know that it is your provider's: --accept {host}"))
    })
}

/// A server that was found, and how far that can be trusted.
fn words(candidate: &Candidate) -> String {
    let server = Server { endpoint: candidate.endpoint.clone(), user: None, password: None };
    let url = ServerUrl::Server(server);
    let said = match (&candidate.found, &candidate.trust) {
        (Found::Guess, _) => "a usual name",
        (_, Trust::Sure) => "sure",
        (_, Trust::OwnDomain) => "in the domain of the address",
        (_, Trust::ThirdParty) => "said by somebody else",
        (_, Trust::Elsewhere { .. }) => "in another domain, and nobody vouches for it",
    };
    format!("{url}  ({said})")
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
        passwords: Passwords::Account,
        issuer: None,
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
