//! From an account to a route: what the servers are, and where their passwords
//! come from.

use super::Surroundings;
use super::escape::Escaped;
use super::exit::Exit;
use super::failure::{Failure, of_secret};
use super::sink::default_directory;
use super::terminal::ask;
use crate::account::{
    self, Account, ClientCertificateFiles, Environment, Pipelining, SecretSource, Server, ServerUrl,
};
use crate::delivery::{Hop, Route, Secrets, SignIn, Unavailable};
use crate::message::random_word;
use crate::net::{
    Deadline, Endpoint, Family, Host, Interrupt, Place, Roots, Security, SessionCache, SystemPaths,
    TlsSettings, Verification,
};
use crate::sasl::{Proof, Secret};
use crate::sink::{Settings, Sink};
use crate::smtp::{Protocol, Timeouts};
use std::cell::RefCell;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A route, what fetches its passwords, and the receiver that listens for as
/// long as this value lives, if the route leads to one.
pub(super) struct Prepared<'e> {
    pub(super) route: Route,
    pub(super) passwords: Passwords<'e>,
    pub(super) sink: Option<Sink>,
}

/// Fetches passwords and tokens when a server is about to be given one. Each is
/// fetched once: a pipe gives it only once, and who has typed it in would not
/// know why to do it again for another mechanism or address.
pub(super) struct Passwords<'e> {
    environment: &'e Environment,
    interrupt: Interrupt,
    timeout: Option<Duration>,
    deadline: Option<Deadline>,
    known: Vec<(Endpoint, account::SignIn)>,
    fetched: RefCell<Vec<Fetched>>,
}

/// A secret that was had.
struct Fetched {
    source: SecretSource,
    /// The user and the host, where the source has more than one secret.
    whose: Option<(String, String)>,
    secret: Secret,
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
            return Err(Unavailable { reason, way_out: None, is_temporary: false });
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
        may_differ.then(|| {
            self.fetched.borrow_mut().retain(|fetched| fetched.source != *source);
            self.read("token", source, server, user)
        })
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
        let world = account::World {
            environment: self.environment,
            ask: &|question| ask(&Escaped(question).to_string(), self.deadline, &self.interrupt),
            interrupt: &self.interrupt,
            timeout: self.timeout,
            deadline: self.deadline,
        };
        let host = server.place.name();
        let whose = account::Whose { user: user.unwrap_or_default(), host: &host };
        let key = source.depends_on_whose().then(|| (whose.user.to_owned(), host.clone()));
        let is_it = |it: &&Fetched| it.source == *source && it.whose == key;
        if let Some(fetched) = self.fetched.borrow().iter().find(is_it) {
            return Ok(fetched.secret.clone());
        }
        let secret = source.read(whose, world).map_err(|error| {
            let is_temporary = error.is_temporary();
            let way_out = of_secret(&error);
            let error = anyhow::Error::new(error).context(format!("the {what} cannot be had"));
            Unavailable { reason: format!("{error:#}"), way_out, is_temporary }
        })?;
        let fetched = Fetched { source: source.clone(), whose: key, secret: secret.clone() };
        self.fetched.borrow_mut().push(fetched);
        Ok(secret)
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
    let timeout = account.timeout;
    let deadline = account.deadline.map(Deadline::after);
    let mut prepared = Prepared {
        route: Route { hops: Vec::new() },
        passwords: Passwords {
            environment,
            interrupt: interrupt.clone(),
            timeout,
            deadline,
            known: Vec::new(),
            fetched: RefCell::default(),
        },
        sink: None,
    };
    let tls = tls(account, environment)?;
    for url in &account.servers {
        let mut hop = match url {
            ServerUrl::Server(server) => to_server(account, server, &tls, &mut prepared.passwords)?,
            ServerUrl::Sink(directory) => to_sink(account, directory.as_deref(), &mut prepared)?,
        };
        hop.hello.clone_from(&account.helo);
        hop.timeouts = Timeouts { cap: timeout };
        hop.deadline = deadline;
        hop.all_or_nothing = all_or_nothing;
        hop.pipelining = account.pipelining == Pipelining::Standard;
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
        Failure::new(Exit::OsFile, error).hint("--tls-ca takes a file of certificates in PEM form")
    })
}

fn to_server(
    account: &Account,
    server: &Server,
    tls: &TlsSettings,
    passwords: &mut Passwords<'_>,
) -> Result<Hop, Failure> {
    let sign_in = account.sign_in(server);
    passwords.known.extend(sign_in.clone().map(|sign_in| (server.endpoint.clone(), sign_in)));
    Ok(Hop {
        proxy: account.proxy.to(&server.endpoint)?.cloned(),
        source: account.source,
        // Each server has sessions of its own.
        tls: TlsSettings { sessions: SessionCache::default(), ..tls.clone() },
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
    let host = Host::Address(IpAddr::V4(Ipv4Addr::LOCALHOST));
    let endpoint = Endpoint {
        place: Place::Tcp { host, port: sink.address().port() },
        protocol: Protocol::Smtp,
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
