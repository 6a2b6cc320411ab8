//! The search for the servers of an address: who is asked in turn, and what
//! each says. The first who names servers ends it.

use super::{Adding, say, step};
use crate::account::ProxyChoice;
use crate::account::discover::autoconfig;
use crate::account::discover::providers::{self, Known};
use crate::account::discover::{Candidate, Found, Services, Trust, exchangers, services};
use crate::cli::Surroundings;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::route;
use crate::dns::{self, Name, Stub};
use crate::net::{self, Deadline, Endpoint, Host, Http, Place, Roots, Security};
use crate::smtp::Protocol;
use std::time::Duration;

/// What the search came to.
pub(super) struct Search {
    /// The servers, the preferred first; at least one.
    pub(super) candidates: Vec<Candidate>,
    /// The provider, where it is one of the table.
    pub(super) known: Option<Known>,
}

impl From<Vec<Candidate>> for Search {
    fn from(candidates: Vec<Candidate>) -> Self {
        Search { candidates, known: None }
    }
}

/// Asks everybody who may know, from the surest to the least sure.
pub(super) fn run(
    adding: &Adding<'_>,
    surroundings: &mut Surroundings<'_>,
) -> Result<Search, Failure> {
    let address = &adding.author.mailbox;
    let Some(domain) = address.domain().name() else {
        let sentence = format!("{address} has no domain whose servers could be searched for");
        return Err(Failure::say(Exit::DataErr, sentence).hint(NAME_IT));
    };
    say(surroundings, &format!("Looking for the servers of {domain}"))?;
    if let Some(known) = providers::by_domain(address) {
        step(surroundings, "table", &format!("{}, which envoi knows", known.provider))?;
        return of_provider(known);
    }
    let typed = &adding.typed;
    let files = typed.tls_ca.as_deref().unwrap_or_default();
    let is_system = typed.tls_system_roots.unwrap_or(false);
    let mut searching = Searching {
        adding,
        domain: domain.to_owned(),
        resolver: Stub::of_system(),
        roots: route::roots(files, is_system, surroundings.environment)?,
        proxy: adding.proxy(),
        troubles: Vec::new(),
    };
    if let Some(search) = searching.services(surroundings)? {
        return Ok(search);
    }
    if let Some(search) = searching.documents(surroundings)? {
        return Ok(search);
    }
    if let Some(search) = searching.exchangers(surroundings)? {
        return Ok(search);
    }
    if let Some(search) = searching.database(surroundings)? {
        return Ok(search);
    }
    if adding.args.guess {
        step(surroundings, "guess", "the usual names")?;
        return Ok(guesses(&searching.domain).into());
    }
    Err(searching.nothing())
}

/// A search that goes on.
struct Searching<'a> {
    adding: &'a Adding<'a>,
    domain: String,
    resolver: Stub,
    roots: Roots,
    proxy: ProxyChoice,
    /// What could not be found out, and may be at another time.
    troubles: Vec<String>,
}

impl Searching<'_> {
    /// SRV records of the domain.
    fn services(&mut self, surroundings: &mut Surroundings<'_>) -> Result<Option<Search>, Failure> {
        let adding = self.adding;
        let name = self.name()?;
        let said = services(&self.resolver, &name, self.limit(), adding.interrupt);
        match said {
            Ok(Services::Servers(candidates)) => {
                let owner = candidates.first().map_or("", |candidate| match &candidate.found {
                    Found::Srv { owner } => owner,
                    _ => "",
                });
                step(surroundings, "SRV", &format!("{owner} names servers"))?;
                Ok(Some(candidates.into()))
            }
            Ok(Services::Absent { owners }) => {
                let sentence = format!(
                    "{} says by the SRV record of {} that it has no server for this",
                    self.domain,
                    owners.join(" and ")
                );
                Err(Failure::say(Exit::Unavailable, sentence).hint(NAME_IT))
            }
            Ok(Services::Unsaid) => {
                step(surroundings, "SRV", &format!("{name} names no servers"))?;
                Ok(None)
            }
            Err(error) => self.without(surroundings, "SRV", &error),
        }
    }

    /// Documents that the domain publishes.
    fn documents(
        &mut self,
        surroundings: &mut Surroundings<'_>,
    ) -> Result<Option<Search>, Failure> {
        let address = &self.adding.author.mailbox;
        let search = self.web(|http| autoconfig::published(address, http));
        self.told(surroundings, "document", search)
    }

    /// Mozilla's database, where that is wanted.
    fn database(&mut self, surroundings: &mut Surroundings<'_>) -> Result<Option<Search>, Failure> {
        let adding = self.adding;
        let question = format!(
            "Ask Mozilla's database of providers? It learns that somebody has an address at {}.",
            self.domain
        );
        let may = match adding.args.ispdb {
            Some(may) => may,
            None => adding.questions.yes(&question, true)?.unwrap_or(false),
        };
        if !may {
            return Ok(None);
        }
        let search = self.web(|http| autoconfig::database(&adding.author.mailbox, http));
        self.told(surroundings, "database", search)
    }

    /// Mail exchangers that tell whose customer the domain is.
    fn exchangers(
        &mut self,
        surroundings: &mut Surroundings<'_>,
    ) -> Result<Option<Search>, Failure> {
        let adding = self.adding;
        let name = self.name()?;
        let answer = match exchangers(&self.resolver, &name, self.limit(), adding.interrupt) {
            Ok(answer) => answer,
            Err(dns::Error::NoSuchName { .. }) => {
                let sentence = format!("the domain {} does not exist", self.domain);
                return Err(
                    Failure::say(Exit::NoHost, sentence).hint("check the spelling of the address")
                );
            }
            Err(error) => return self.without(surroundings, "MX", &error),
        };
        for exchanger in answer.records.iter().filter_map(|mx| mx.exchanger.as_ref()) {
            let exchanger = exchanger.to_string();
            let known =
                providers::by_exchanger(&exchanger, answer.authenticated, &adding.author.mailbox);
            if let Some(known) = known {
                let what = format!("{exchanger} takes the mail, which is {}'s", known.provider);
                step(surroundings, "MX", &what)?;
                return of_provider(known).map(Some);
            }
        }
        step(surroundings, "MX", "no provider that envoi knows takes the mail")?;
        Ok(None)
    }

    /// Goes on without what the name servers could have said, unless the user
    /// wants to stop.
    fn without(
        &mut self,
        surroundings: &mut Surroundings<'_>,
        kind: &str,
        error: &dns::Error,
    ) -> Result<Option<Search>, Failure> {
        if matches!(error, dns::Error::Interrupted) {
            return Err(self.interrupted());
        }
        if error.is_temporary() {
            self.troubles.push(error.to_string());
        }
        step(surroundings, kind, &error.to_string())?;
        Ok(None)
    }

    /// Says what each place answered.
    fn told(
        &mut self,
        surroundings: &mut Surroundings<'_>,
        kind: &str,
        search: autoconfig::Search,
    ) -> Result<Option<Search>, Failure> {
        if self.adding.interrupt.signal().is_some() {
            return Err(self.interrupted());
        }
        for asked in &search.asked {
            step(surroundings, kind, &format!("{}: {}", asked.url, asked.outcome))?;
        }
        let found = !search.candidates.is_empty();
        Ok(found.then(|| search.candidates.into()))
    }

    fn web<T>(&self, ask: impl FnOnce(&Http<'_>) -> T) -> T {
        let typed = &self.adding.typed;
        let proxy = |endpoint: &_| self.proxy.to(endpoint).map_err(Into::into);
        ask(&Http {
            roots: self.roots.clone(),
            least: typed.tls_min.unwrap_or_default(),
            proxy: &proxy,
            source: typed.source,
            family: match (typed.ipv4, typed.ipv6) {
                (Some(true), _) => net::Family::V4,
                (_, Some(true)) => net::Family::V6,
                _ => net::Family::Any,
            },
            deadline: self.limit(),
            interrupt: self.adding.interrupt,
        })
    }

    fn name(&self) -> Result<Name, Failure> {
        self.domain
            .parse()
            .map_err(|error: dns::Error| Failure::new(Exit::DataErr, error).hint(NAME_IT))
    }

    fn limit(&self) -> Deadline {
        Deadline::after(LIMIT).or_earlier(self.adding.deadline)
    }

    fn interrupted(&self) -> Failure {
        let signal = self.adding.interrupt.signal().and_then(|signal| u8::try_from(signal).ok());
        let exit = signal.map_or(Exit::TempFail, Exit::Signal);
        Failure::say(exit, format!("interrupted while looking for the servers of {}", self.domain))
    }

    /// Nobody names a server.
    fn nothing(&self) -> Failure {
        let domain = &self.domain;
        let (exit, sentence) = match self.troubles.first() {
            None => {
                (Exit::Unavailable, format!("nobody says which server takes the mail of {domain}"))
            }
            Some(trouble) => (
                Exit::TempFail,
                format!(
                    "it could not be found out which server takes the mail of {domain}: {trouble}"
                ),
            ),
        };
        let mut failure = Failure::say(exit, sentence).hint(NAME_IT);
        if self.adding.args.ispdb.is_none() {
            let hint =
                format!("ask Mozilla's database, which learns the name {domain}: --ispdb yes");
            failure = failure.hint(hint);
        }
        failure.hint(format!("try smtp.{domain} and mail.{domain}: --guess"))
    }
}

/// A provider of the table.
fn of_provider(known: Known) -> Result<Search, Failure> {
    if known.candidates.is_empty() {
        let sentence = format!("{} has no server for mail programs", known.provider);
        let failure = Failure::say(Exit::Unavailable, sentence);
        return Err(match known.remark {
            Some(remark) => failure.hint(remark),
            None => failure,
        });
    }
    Ok(Search { candidates: known.candidates.clone(), known: Some(known) })
}

/// The names that such servers usually have.
fn guesses(domain: &str) -> Vec<Candidate> {
    let at = |name: &str, security, port| Candidate {
        endpoint: Endpoint {
            place: Place::Tcp { host: Host::Name(format!("{name}.{domain}")), port },
            protocol: Protocol::Smtp,
            security,
        },
        user: None,
        issuer: None,
        found: Found::Guess,
        trust: Trust::OwnDomain,
        remark: None,
    };
    let names = ["smtp", "mail"];
    let implicit = names.map(|name| at(name, Security::Implicit, 465));
    let starttls = names.map(|name| at(name, Security::StartTls, 587));
    implicit.into_iter().chain(starttls).collect()
}

/// How long a part of the search may take.
const LIMIT: Duration = Duration::from_secs(30);

const NAME_IT: &str = "name the server: --server smtps://HOST, or smtp://HOST for STARTTLS";
