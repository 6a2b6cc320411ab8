//! From an account to a route: what the servers are, and where their passwords
//! come from.

mod passwords;

pub(super) use passwords::{Passwords, in_world};

use super::Surroundings;
use super::exit::Exit;
use super::failure::Failure;
use super::hint::Hint;
use super::sink::default_directory;
use crate::account::oauth::Web;
use crate::account::{
    self, Account, ClientCertificateFiles, Environment, Pipelining, SecretSource, Server, ServerUrl,
};
use crate::delivery::{Hop, Route, SignIn};
use crate::message::random_word;
use crate::net::{
    Deadline, Endpoint, Family, Host, Interrupt, Place, Roots, Security, SessionCache, SystemPaths,
    TlsSettings, Verification,
};
use crate::sasl::{Proof, Secret};
use crate::session::Steering;
use crate::sink::{Settings, Sink};
use crate::smtp::{Chunking, Protocol, Timeouts};
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};

/// A route, what fetches its passwords, and the receiver that listens for as
/// long as this value lives, if the route leads to one.
pub(super) struct Prepared<'e> {
    pub(super) route: Route,
    pub(super) passwords: Passwords<'e>,
    pub(super) sink: Option<Sink>,
}

/// How whoever issues tokens for an account is reached.
pub(super) fn web(account: &Account, roots: Roots, interrupt: &Interrupt) -> Web {
    Web {
        roots,
        least: account.tls.least,
        proxy: account.proxy.clone(),
        source: account.source,
        family: family(account),
        timeout: account.timeout,
        deadline: [account.deadline, account.patience]
            .into_iter()
            .flatten()
            .min()
            .map(Deadline::after),
        interrupt: interrupt.clone(),
    }
}

/// Makes the route of an account.
pub(super) fn prepare<'e>(
    account: &Account,
    all_or_nothing: bool,
    interrupt: &Interrupt,
    surroundings: &mut Surroundings<'e>,
) -> Result<Prepared<'e>, Failure> {
    let environment = surroundings.environment;
    let tls = tls(account, environment)?;
    let web = web(account, tls.roots.clone(), interrupt);
    let (timeout, deadline) = (web.timeout, account.deadline.map(Deadline::after));
    let mut prepared = Prepared {
        route: Route { hops: Vec::new() },
        passwords: Passwords::of(account.name.clone(), web, environment),
        sink: None,
    };
    for url in &account.servers {
        let mut hop = match url {
            ServerUrl::Server(server) => to_server(account, server, &tls, &mut prepared.passwords)?,
            ServerUrl::Sink(directory) => to_sink(account, directory.as_deref(), &mut prepared)?,
        };
        hop.hello.clone_from(&account.helo);
        hop.timeouts = Timeouts { cap: timeout };
        hop.deadline = deadline;
        hop.patience = account.patience.map(Deadline::after);
        hop.all_or_nothing = all_or_nothing;
        hop.pipelining = account.pipelining == Pipelining::Standard;
        hop.chunking = account.chunking;
        hop.max_recipients = account.max_recipients.map(Into::into);
        prepared.route.hops.push(hop);
    }
    Ok(prepared)
}

/// What TLS is to be like. Reads every file that it needs, so that one that is
/// no good is found before anybody is asked.
pub(super) fn tls(account: &Account, environment: &Environment) -> Result<TlsSettings, Failure> {
    let trust = &account.tls;
    let roots = roots(&trust.ca, trust.system_roots, environment)?;
    let client = account.client_certificate.as_ref().map(ClientCertificateFiles::read);
    Ok(TlsSettings {
        roots,
        pins: trust.pins.clone(),
        verification: if trust.verify { Verification::Required } else { Verification::Noted },
        name: trust.name.clone(),
        sni: trust.sni.clone(),
        least: trust.least,
        most: None,
        suites: Vec::new(),
        client: client.transpose()?,
        sessions: SessionCache::default(),
    })
}

/// Whom to trust: these files, or what the system trusts, or the built-in ones.
pub(super) fn roots(
    files: &[PathBuf],
    system: bool,
    environment: &Environment,
) -> Result<Roots, Failure> {
    let directories = environment.get("SSL_CERT_DIR");
    let system_paths = SystemPaths {
        file: environment.get("SSL_CERT_FILE").map(PathBuf::from),
        directories: directories.iter().flat_map(std::env::split_paths).collect(),
    };
    let roots = Roots { files: files.to_vec(), system, system_paths, given: Vec::new() };
    roots.read().map_err(|error| {
        let hint = Hint::from("").name("tls-ca").text(" takes a file of certificates in PEM form");
        Failure::new(Exit::OsFile, error).hint(hint)
    })
}

fn family(account: &Account) -> Family {
    match account.family {
        None => Family::Any,
        Some(account::Family::V4) => Family::V4,
        Some(account::Family::V6) => Family::V6,
    }
}

fn to_server(
    account: &Account,
    server: &Server,
    tls: &TlsSettings,
    passwords: &mut Passwords<'_>,
) -> Result<Hop, Failure> {
    let sign_in = account.sign_in(server);
    if let Some(sign_in) = &sign_in {
        passwords.know(server.endpoint.clone(), sign_in.clone());
    }
    Ok(Hop {
        proxy: account.proxy.to(&server.endpoint)?.cloned(),
        source: account.source,
        // Each server has sessions of its own.
        tls: TlsSettings { sessions: SessionCache::default(), ..tls.clone() },
        family: family(account),
        sign_in: sign_in.map(|sign_in| SignIn {
            proof: sign_in.proof(),
            user: sign_in.user,
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
        None => default_directory(prepared.passwords.environment())?,
    };
    let cannot = |error: anyhow::Error| {
        let sentence = format!("cannot start the receiver for {}", directory.display());
        Failure::caused(Exit::CantCreat, sentence, error)
            .hint(Hint::from("name another directory: ").option("server", "sink:DIR"))
    };
    let password = random_word(16).map_err(|e| cannot(e.into()))?;
    let secret = Secret::new(password);
    let settings = Settings::for_one_run(directory.clone(), NEWCOMER, secret.clone());
    let sink = Sink::start(settings).map_err(|e| cannot(e.into()))?;
    let host = Host::Address(IpAddr::V4(Ipv4Addr::LOCALHOST));
    let endpoint = Endpoint {
        place: Place::Tcp { host, port: sink.address().port() },
        protocol: Protocol::Smtp,
        security: Security::StartTls,
    };
    let password = SecretSource::Value(secret);
    let user = Some(NEWCOMER.to_owned());
    let known = account::SignIn { user, password, token: None, oauth2: None };
    prepared.passwords.know(endpoint.clone(), known);
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

pub(super) fn plain_hop(endpoint: Endpoint) -> Hop {
    Hop {
        endpoint,
        tls: TlsSettings::default(),
        proxy: None,
        source: None,
        family: Family::Any,
        hello: None,
        sign_in: None,
        pipelining: true,
        chunking: Chunking::default(),
        max_recipients: None,
        all_or_nothing: false,
        timeouts: Timeouts::default(),
        deadline: None,
        patience: None,
        steering: Steering::default(),
        proxy_header: None,
    }
}
