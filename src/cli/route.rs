//! From an account to a route: what the servers are, and where their passwords
//! come from.

use super::Surroundings;
use super::escape::Escaped;
use super::exit::Exit;
use super::failure::{Failure, of_secret};
use super::input::ask;
use super::sink::default_directory;
use crate::account::{self, Account, Environment, Pipelining, SecretSource, Server, ServerUrl};
use crate::delivery::{Hop, Route, Secrets, SignIn, Unavailable};
use crate::message::random_word;
use crate::net::{Deadline, Endpoint, Family, Host, Roots, Security, TlsSettings, Verification};
use crate::sasl::{Proof, Secret};
use crate::sink::{Settings, Sink};
use crate::smtp::Timeouts;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};

/// A route, what fetches its passwords, and the receiver that listens for as
/// long as this value lives, if the route leads to one.
pub(super) struct Prepared<'e> {
    pub(super) route: Route,
    pub(super) passwords: Passwords<'e>,
    pub(super) sink: Option<Sink>,
}

/// Fetches passwords and tokens when a server is about to be given one.
pub(super) struct Passwords<'e> {
    environment: &'e Environment,
    known: Vec<(Endpoint, account::SignIn)>,
}

impl Secrets for Passwords<'_> {
    fn secret(
        &self,
        server: &Endpoint,
        user: Option<&str>,
        proof: Proof,
    ) -> Result<Secret, Unavailable> {
        let Some(sign_in) = self.sign_in(server, user) else {
            let reason = format!("nothing is known of who signs in at {server}");
            return Err(Unavailable { reason, is_temporary: false });
        };
        // Whoever names a mechanism for tokens means what is configured, be it
        // called a password.
        match (proof, &sign_in.token) {
            (Proof::Token, Some(token)) => self.read("token", token, server, user),
            _ => self.read("password", &sign_in.password, server, user),
        }
    }

    fn renewed(
        &self,
        server: &Endpoint,
        user: Option<&str>,
    ) -> Option<Result<Secret, Unavailable>> {
        let sign_in = self.sign_in(server, user)?;
        let source = sign_in.token.as_ref().unwrap_or(&sign_in.password);
        let may_differ = matches!(source, SecretSource::Command(_));
        may_differ.then(|| self.read("token", source, server, user))
    }
}

impl Passwords<'_> {
    fn sign_in(&self, server: &Endpoint, user: Option<&str>) -> Option<&account::SignIn> {
        let mut known = self.known.iter();
        let known =
            known.find(|(known, sign_in)| known == server && sign_in.user.as_deref() == user);
        known.map(|(_, sign_in)| sign_in)
    }

    fn read(
        &self,
        what: &str,
        source: &SecretSource,
        server: &Endpoint,
        user: Option<&str>,
    ) -> Result<Secret, Unavailable> {
        let world = account::World { environment: self.environment, ask: &ask };
        let whose = format!("{}@{}", Escaped(user.unwrap_or_default()), server.host);
        source.read(&whose, world).map_err(|error| {
            let way_out = of_secret(&error).map(|hint| format!("; {hint}"));
            let error = anyhow::Error::new(error).context(format!("the {what} cannot be had"));
            let reason = format!("{error:#}{}", way_out.unwrap_or_default());
            Unavailable { reason, is_temporary: false }
        })
    }
}

/// Makes the route of an account.
pub(super) fn prepare<'e>(
    account: &Account,
    all_or_nothing: bool,
    surroundings: &mut Surroundings<'e>,
) -> Result<Prepared<'e>, Failure> {
    let environment = surroundings.environment;
    let mut prepared = Prepared {
        route: Route { hops: Vec::new() },
        passwords: Passwords { environment, known: Vec::new() },
        sink: None,
    };
    let deadline = account.deadline.map(Deadline::after);
    let roots = Roots { files: account.tls.ca.clone(), ..Roots::default() };
    roots.check().map_err(|error| {
        Failure::new(Exit::OsFile, error).hint("--tls-ca takes a file of certificates in PEM form")
    })?;
    for url in &account.servers {
        let mut hop = match url {
            ServerUrl::Smtp(server) => to_server(account, server, &mut prepared.passwords)?,
            ServerUrl::Sink(directory) => to_sink(account, directory.as_deref(), &mut prepared)?,
        };
        hop.hello.clone_from(&account.helo);
        hop.timeouts = Timeouts { cap: account.timeout };
        hop.deadline = deadline;
        hop.all_or_nothing = all_or_nothing;
        hop.pipelining = account.pipelining == Pipelining::Standard;
        hop.max_recipients = account.max_recipients.map(Into::into);
        prepared.route.hops.push(hop);
    }
    Ok(prepared)
}

fn to_server(
    account: &Account,
    server: &Server,
    passwords: &mut Passwords<'_>,
) -> Result<Hop, Failure> {
    let trust = &account.tls;
    let sign_in = account.sign_in(server);
    passwords.known.extend(sign_in.clone().map(|sign_in| (server.endpoint.clone(), sign_in)));
    Ok(Hop {
        proxy: account.proxy.to(&server.endpoint)?.cloned(),
        source: account.source,
        tls: TlsSettings {
            roots: Roots { files: trust.ca.clone(), system: trust.system_roots, given: Vec::new() },
            verification: if trust.verify { Verification::Required } else { Verification::Noted },
            name: trust.name.clone(),
        },
        family: match account.family {
            None => Family::Any,
            Some(account::Family::V4) => Family::V4,
            Some(account::Family::V6) => Family::V6,
        },
        sign_in: sign_in.map(|sign_in| SignIn {
            user: sign_in.user,
            proof: if sign_in.token.is_some() { Proof::Token } else { Proof::Password },
            mechanisms: named(account),
            allow_cleartext: account.allow_cleartext_auth,
        }),
        ..plain_hop(server.endpoint.clone())
    })
}

/// The mechanisms that the account names.
fn named(account: &Account) -> Vec<String> {
    account.auth.iter().map(|&name| name.to_owned()).collect()
}

/// The name that signs in to a receiver of our own.
const NEWCOMER: &str = "envoi";

/// Starts the receiver, with a certificate and a password of its own, so that
/// the first message goes through everything that a real one does.
fn to_sink(
    account: &Account,
    directory: Option<&Path>,
    prepared: &mut Prepared<'_>,
) -> Result<Hop, Failure> {
    let directory: PathBuf = match directory {
        Some(directory) => directory.to_owned(),
        None => default_directory(prepared.passwords.environment)?,
    };
    let cannot = |error: anyhow::Error| {
        let sentence = format!("cannot start the receiver for {}", directory.display());
        Failure::caused(Exit::CantCreat, sentence, error)
            .hint("name another directory: --server sink:DIR")
    };
    let password = random_word(16).map_err(|e| cannot(e.into()))?;
    let secret = Secret::new(password);
    let settings = Settings::for_one_run(directory.clone(), NEWCOMER, secret.clone());
    let sink = Sink::start(settings).map_err(|e| cannot(e.into()))?;
    let endpoint = Endpoint {
        host: Host::Address(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        port: sink.address().port(),
        security: Security::StartTls,
    };
    let password = SecretSource::Value(secret);
    let known = account::SignIn { user: Some(NEWCOMER.to_owned()), password, token: None };
    prepared.passwords.known.push((endpoint.clone(), known));
    let given = vec![sink.ca().clone()];
    prepared.sink = Some(sink);
    Ok(Hop {
        tls: TlsSettings { roots: Roots { given, ..Roots::default() }, ..TlsSettings::default() },
        sign_in: Some(SignIn {
            user: Some(NEWCOMER.to_owned()),
            proof: Proof::Password,
            mechanisms: named(account),
            allow_cleartext: false,
        }),
        ..plain_hop(endpoint)
    })
}

fn plain_hop(endpoint: Endpoint) -> Hop {
    Hop {
        endpoint,
        tls: TlsSettings::default(),
        proxy: None,
        source: None,
        family: Family::Any,
        hello: None,
        sign_in: None,
        pipelining: true,
        max_recipients: None,
        all_or_nothing: false,
        timeouts: Timeouts::default(),
        deadline: None,
    }
}
