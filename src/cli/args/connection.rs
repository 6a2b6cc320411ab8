//! How to reach a server, what to trust, and who signs in: the options that
//! every command with a connection has. Each has a key of the same name in the
//! configuration.

use super::{SERVER, SIGN_IN, TLS};
use crate::account::{
    self, DurationError, Origin, Pipelining, ProxyChoice, SecretSource, ServerUrl, Settings,
    SourceError,
};
use crate::cli::exit::Exit;
use crate::cli::failure::{Failure, of_proxy, of_server};
use crate::net::{Host, Pin, PinError, TlsVersion};
use crate::sasl;
use crate::smtp::{Chunking, EhloName};
use clap::Args;
use clap::builder::{NonEmptyStringValueParser, PossibleValuesParser, TypedValueParser};
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Options that say how to reach a server.
#[derive(Clone, Debug, Default, Args)]
#[allow(rustdoc::broken_intra_doc_links, reason = "[DIR] is what may be typed")]
pub struct ConnectionArgs {
    /// Submit to this server; repeat it for others to fall back on
    ///
    /// The URL says how the connection is protected:
    ///
    ///   smtps://HOST               TLS from the start, port 465
    ///   smtp://HOST                STARTTLS or nothing, port 587
    ///   smtp+notls://HOST          no protection, port 25
    ///   smtp+opportunistic://HOST  STARTTLS if offered, unverified, port 25
    ///   lmtp://HOST:PORT           LMTP, STARTTLS or nothing
    ///   lmtp+notls://HOST:PORT     LMTP, no protection
    ///   lmtp+unix:/PATH            LMTP, over a socket of this machine
    ///   sink:[DIR]                 the receiver inside envoi, for a try
    ///
    /// HOST may be followed by :PORT and preceded by USER@; a password in it
    /// is refused. An IPv6 address stands in square brackets. A server of
    /// LMTP answers for each recipient when the message has come. DIR is a
    /// Maildir, by default ~/.local/state/envoi/sink. With --server no
    /// account of the configuration is used unless --account names one.
    #[arg(long, value_name = "URL", help_heading = SERVER, verbatim_doc_comment)]
    pub server: Vec<String>,

    /// Call ourselves NAME when greeting the server
    ///
    /// NAME is a host name, or an address in square brackets. Without it, it is
    /// the full name of this machine, else the address of this end of the
    /// connection, which the server may write into the message.
    #[arg(long, value_name = "NAME", help_heading = SERVER)]
    pub helo: Option<EhloName>,

    /// Connect to servers through this proxy
    ///
    ///   socks5://HOST   SOCKS5; socks5h:// and socks:// mean the same
    ///   http://HOST     HTTP, by CONNECT
    ///   none            no proxy, whatever an account or ALL_PROXY says
    ///
    /// The port is 1080 unless :PORT follows HOST. USER@ may stand before it; a
    /// password is refused here, but not in a configuration file that is closed
    /// to others, nor in ALL_PROXY. The proxy looks the name of the server up.
    /// TLS goes through it to the server.
    #[arg(long, value_name = "URL", help_heading = SERVER, verbatim_doc_comment)]
    pub proxy: Option<String>,

    /// Connect from ADDRESS, one of this machine's
    ///
    /// Addresses of servers that are of the other family, IPv4 or IPv6, are left
    /// out. With --proxy it is the connection to the proxy that begins there.
    #[arg(long, value_name = "ADDRESS", value_parser = address, help_heading = SERVER)]
    pub source: Option<IpAddr>,

    /// Use IPv4 only
    #[arg(short = '4', long, conflicts_with = "ipv6", help_heading = SERVER)]
    pub ipv4: bool,

    /// Use IPv6 only
    #[arg(short = '6', long, help_heading = SERVER)]
    pub ipv6: bool,

    /// Wait no longer than this for any one thing
    ///
    /// A bare number is seconds; 90s, 5m, 1h30m and 2d are other ways to write
    /// it. Each step has a limit of its own, up to ten minutes for the last
    /// answer, as RFC 5321 asks; this shortens those that are longer.
    #[arg(
        long,
        value_name = "DURATION",
        value_parser = duration,
        help_heading = SERVER
    )]
    pub timeout: Option<Duration>,

    /// Stop sending after this time, whatever is going on
    ///
    /// It is counted from the moment when the message is ready. Recipients
    /// that no server has answered for are then deferred.
    #[arg(
        long,
        value_name = "DURATION",
        value_parser = duration,
        help_heading = SERVER
    )]
    pub deadline: Option<Duration>,

    /// Send several commands at once, or not
    ///
    /// ‘standard’ sends sender, recipients and DATA together where the server
    /// offers it; ‘off’ waits for each answer.
    #[arg(
        long,
        value_name = "LEVEL",
        value_parser = pipelining(),
        help_heading = SERVER
    )]
    pub pipelining: Option<Pipelining>,

    /// Send the message in chunks (BDAT) instead of by DATA, or not
    ///
    /// ‘auto’ does so only for what DATA cannot carry, ‘on’ wherever the server
    /// offers CHUNKING, ‘off’ never (RFC 3030).
    #[arg(
        long,
        value_name = "WHEN",
        value_parser = chunking(),
        help_heading = SERVER
    )]
    pub chunking: Option<Chunking>,

    /// Trust the certificates in FILE instead of the built-in ones
    ///
    /// FILE holds certificates in PEM form. May be repeated.
    #[arg(long, value_name = "FILE", help_heading = TLS)]
    pub tls_ca: Vec<PathBuf>,

    /// Trust what the system trusts instead of the built-in certificates
    ///
    /// These are in $SSL_CERT_FILE and $SSL_CERT_DIR where one of them is set.
    #[arg(long, help_heading = TLS)]
    pub tls_system_roots: bool,

    /// With ‘no’, accept any certificate (warns every time)
    ///
    /// The connection is then protected from those who listen, but not from
    /// those who pretend to be the server. No password is sent over it unless
    /// --allow-cleartext-auth is given too.
    #[arg(
        long,
        value_name = "yes|no",
        value_parser = yes_or_no(),
        hide_possible_values = true,
        help_heading = TLS
    )]
    pub tls_verify: Option<bool>,

    /// Expect NAME in the certificate instead of the server's name
    #[arg(long, value_name = "NAME", value_parser = host, help_heading = TLS)]
    pub tls_name: Option<Host>,

    /// Accept this certificate or key of the server, and no other
    ///
    /// PIN is sha256: and the SHA-256 fingerprint of the certificate in
    /// hexadecimal digits, or spki-sha256: and that of its public key in base64,
    /// which stays the same when a certificate is renewed for the same key. It
    /// replaces the signature of an authority, the name and the dates. May be
    /// repeated; any of them will do. With it, smtp+opportunistic:// sends
    /// nothing in clear.
    #[arg(long, value_name = "PIN", value_parser = pin, help_heading = TLS)]
    pub tls_pin: Vec<Pin>,

    /// Say who we are by the certificate in FILE
    ///
    /// FILE holds it in PEM form, those that vouch for it behind it. Servers
    /// that ask for none are not shown it.
    #[arg(long, value_name = "FILE", help_heading = TLS)]
    pub tls_cert: Option<PathBuf>,

    /// The key of that certificate is in FILE
    ///
    /// Without it, it is in the file of the certificate. Nobody else may read
    /// it, and no password may lock it.
    #[arg(long, value_name = "FILE", help_heading = TLS)]
    pub tls_key: Option<PathBuf>,

    /// Speak no older version of TLS than this
    ///
    /// Without it, 1.2; older ones are never spoken.
    #[arg(long, value_name = "VERSION", value_parser = version(), help_heading = TLS)]
    pub tls_min: Option<TlsVersion>,

    /// Ask the server for NAME, if it has several
    ///
    /// Without it, that is the name expected in the certificate. An address is
    /// never sent.
    #[arg(long, value_name = "NAME", value_parser = name, help_heading = TLS)]
    pub tls_sni: Option<String>,

    /// Sign in as USER
    ///
    /// Without it, ‘user’ of the account, else nobody signs in.
    #[arg(
        long,
        value_name = "USER",
        value_parser = NonEmptyStringValueParser::new(),
        help_heading = SIGN_IN
    )]
    pub user: Option<String>,

    /// Take the password from SOURCE
    ///
    /// SOURCE is one of:
    ///
    ///   env:NAME         an environment variable
    ///   file:PATH        the first line of a file that is closed to others
    ///   command:WORDS    the first line that a program prints; no shell
    ///   fd:N             the first line from an open file descriptor
    ///   credential:NAME  a systemd credential
    ///   keyring          the keyring of the desktop
    ///   netrc[:PATH]     an entry of ~/.netrc, or of another file like it
    ///   prompt           asked for at the terminal
    ///
    /// Without it, the password of the account; where there is none, it is
    /// asked for at the terminal. There is no option for the password
    /// itself: other users of the machine could read it.
    #[arg(long, value_name = "SOURCE", help_heading = SIGN_IN, verbatim_doc_comment)]
    pub password_from: Option<String>,

    /// Sign in by one of these mechanisms, in this order
    ///
    /// May be repeated, or a list with commas. Without it, the best that the
    /// server offers: with a password one of the SCRAM family, bound to the TLS
    /// connection if that is possible, else PLAIN, else LOGIN; with a token
    /// OAUTHBEARER, else XOAUTH2. The others are used only when they are named:
    /// CRAM-MD5; EXTERNAL, for which the certificate of --tls-cert speaks and
    /// --user is whom to act for; ANONYMOUS, for which --user is the trace to
    /// leave. If a mechanism for tokens is named and the account has no token,
    /// the password is the token.
    #[arg(
        long,
        value_name = "MECHANISM",
        value_delimiter = ',',
        value_parser = PossibleValuesParser::new(sasl::MECHANISMS.iter().map(|entry| entry.name)),
        ignore_case = true,
        help_heading = SIGN_IN
    )]
    pub auth: Vec<String>,

    /// Allow a password to be sent over an unprotected connection
    ///
    /// Everybody on the way can read it there. Meant for a server on the same
    /// machine or a network of one's own. SCRAM and CRAM-MD5, which do not show
    /// it, need no leave. A connection with --tls-verify no
    /// counts as unprotected; one by smtp+opportunistic:// is never given a
    /// password unless its certificate happens to be good.
    #[arg(long, help_heading = SIGN_IN)]
    pub allow_cleartext_auth: bool,
}

impl ConnectionArgs {
    /// What was typed, to lay over an account. A URL or a source that is no
    /// good is told without repeating it: a password may stand in it.
    pub fn settings(&self) -> Result<Settings, Failure> {
        let yes = |flag: bool| flag.then_some(true);
        let url = |text: &String| {
            ServerUrl::parse(text, Origin::CommandLine)
                .map_err(|error| of_server("--server", &error))
        };
        let servers: Vec<_> = self.server.iter().map(url).collect::<Result<_, _>>()?;
        let source = |text: &String| text.parse::<SecretSource>().map_err(not_a_source);
        if self.tls_verify == Some(false) && !self.tls_pin.is_empty() {
            return Err(Failure::say(
                Exit::Usage,
                "--tls-pin and --tls-verify no exclude each other: \
                 a pin that is not checked is none",
            )
            .hint("leave out --tls-verify no"));
        }
        let auth: Vec<_> = self.auth.iter().filter_map(|name| account::mechanism(name)).collect();
        Ok(Settings {
            from: None,
            matches: None,
            masquerade: None,
            servers: (!servers.is_empty()).then_some(servers),
            user: self.user.clone(),
            password: self.password_from.as_ref().map(source).transpose()?,
            token: None,
            oauth2: None,
            auth: (!auth.is_empty()).then_some(auth),
            allow_cleartext_auth: yes(self.allow_cleartext_auth),
            helo: self.helo.clone(),
            ipv4: yes(self.ipv4),
            ipv6: yes(self.ipv6),
            proxy: self.proxy.as_deref().map(proxy).transpose()?,
            source: self.source,
            timeout: self.timeout,
            deadline: self.deadline,
            pipelining: self.pipelining,
            chunking: self.chunking,
            local: None,
            dsn: None,
            dsn_return: None,
            save_sent: None,
            log: None,
            dkim: None,
            tls_ca: (!self.tls_ca.is_empty()).then(|| self.tls_ca.clone()),
            tls_system_roots: yes(self.tls_system_roots),
            tls_verify: self.tls_verify,
            tls_name: self.tls_name.clone(),
            tls_pin: (!self.tls_pin.is_empty()).then(|| self.tls_pin.clone()),
            tls_cert: self.tls_cert.clone(),
            tls_key: self.tls_key.clone(),
            tls_min: self.tls_min,
            tls_sni: self.tls_sni.clone(),
        })
    }
}

fn not_a_source(error: SourceError) -> Failure {
    Failure::say(Exit::Usage, format!("--password-from: {error}"))
        .hint("to type the password: --password-from prompt")
}

fn proxy(text: &str) -> Result<ProxyChoice, Failure> {
    ProxyChoice::parse(text, Origin::CommandLine).map_err(|error| of_proxy("--proxy", &error))
}

fn address(text: &str) -> Result<IpAddr, &'static str> {
    text.parse().map_err(|_| "it is not an IPv4 or IPv6 address")
}

fn duration(text: &str) -> Result<Duration, DurationError> {
    account::duration(text)
}

fn host(text: &str) -> Result<Host, &'static str> {
    account::host(text).map_err(|_| "it is neither a host name nor an address")
}

fn name(text: &str) -> Result<String, &'static str> {
    account::name(text).ok_or("it is not a host name")
}

fn pin(text: &str) -> Result<Pin, PinError> {
    text.parse()
}

pub(super) fn version() -> impl TypedValueParser<Value = TlsVersion> {
    PossibleValuesParser::new(TlsVersion::ALL.map(|(name, _)| name)).try_map(|name| {
        let known = TlsVersion::ALL.iter().find(|(known, _)| *known == name);
        known.map(|(_, version)| *version).ok_or("there is no such version")
    })
}

fn pipelining() -> impl TypedValueParser<Value = Pipelining> {
    PossibleValuesParser::new(Pipelining::ALL.map(|(name, _)| name))
        .try_map(|name| Pipelining::named(&name).ok_or("there is no such level"))
}

fn chunking() -> impl TypedValueParser<Value = Chunking> {
    PossibleValuesParser::new(Chunking::ALL.map(|(name, _)| name))
        .try_map(|name| Chunking::named(&name).ok_or("there is no such choice"))
}

fn yes_or_no() -> impl TypedValueParser<Value = bool> {
    PossibleValuesParser::new(["yes", "no"]).map(|word| word == "yes")
}
