//! The laboratory: options that show a conversation, and that steer it.

use super::LABORATORY;
use crate::net::{NotProxyHeader, ProxyHeader, TlsVersion, cipher_suites};
use crate::session::{Expectation, NotExpectation, Stage};
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use std::path::PathBuf;

/// Options for whoever wants to see what a server does, and what it would do.
#[derive(Clone, Debug, Default, Args)]
#[allow(rustdoc::broken_intra_doc_links, reason = "[UNAVAILABLE] is what may be typed")]
pub struct LaboratoryArgs {
    /// Write the conversation with the server to FILE
    ///
    /// It is written as -vv shows it, the message included, whether or not
    /// that is given. Passwords are left out. A FILE that exists is replaced.
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["dry_run", "queue_only"],
        help_heading = LABORATORY
    )]
    pub transcript: Option<PathBuf>,

    /// Write what happens to FILE, for programs: JSON, one object a line
    ///
    /// Each says what happened, and how many milliseconds after the beginning.
    /// The message is told by its length. Passwords are left out. A FILE that
    /// exists is replaced.
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["dry_run", "queue_only"],
        help_heading = LABORATORY
    )]
    pub events: Option<PathBuf>,

    /// With -v or --transcript: show the octets of the wire, too
    ///
    /// They are shown sixteen a line, as hexadecimal digits and as characters.
    /// Those of a sign-in are left out; those of the message are shown where
    /// the message is.
    #[arg(long, help_heading = LABORATORY)]
    pub raw: bool,

    /// With -v, --transcript or --events: show passwords and tokens
    ///
    /// Nothing of a sign-in is left out then. A file that is made is for its
    /// owner alone.
    #[arg(long, help_heading = LABORATORY)]
    pub show_secrets: bool,

    /// Say QUIT when this stage is over, and send nothing
    ///
    /// The stages are, in their order: connect, banner, first-helo, xclient,
    /// starttls, tls, helo, auth, mail and rcpt. After connect and starttls, where
    /// no QUIT can be said, the connection is dropped. With smtps://, tls comes
    /// before banner. Where a stage does not come, as starttls with a server that does
    /// not offer it to smtp+opportunistic://, the session ends before a message
    /// would begin. The status is 0 unless something was refused.
    #[arg(
        long,
        value_name = "STAGE",
        value_parser = stage(),
        hide_possible_values = true,
        help_heading = LABORATORY
    )]
    pub stop_after: Option<Stage>,

    /// Drop the connection without a word when this stage is over
    ///
    /// The stages are those of --stop-after, and data and dot. After dot the
    /// message has been answered, and what was answered counts.
    #[arg(
        long,
        value_name = "STAGE",
        value_parser = stage(),
        conflicts_with = "stop_after",
        hide_possible_values = true,
        help_heading = LABORATORY
    )]
    pub drop_after: Option<Stage>,

    /// Drop the connection when this was said, and before it is answered
    ///
    /// The stages are first-helo, helo, xclient, starttls, auth, mail, rcpt, data
    /// and dot. After dot the server may have the message, and nobody knows.
    #[arg(
        long,
        value_name = "STAGE",
        value_parser = stage(),
        conflicts_with_all = ["stop_after", "drop_after"],
        hide_possible_values = true,
        help_heading = LABORATORY
    )]
    pub drop_after_send: Option<Stage>,

    /// Expect this reply, as in rcpt=550; the status tells whether it came
    ///
    /// Behind the stage and ‘=’ stands a reply code, or what it begins with, or
    /// several with commas: mail=250, rcpt=5, auth=535,534. May be repeated. The
    /// stages are banner, helo, xclient, starttls, auth, mail, rcpt, data and
    /// dot; of rcpt, every recipient's reply counts. The status is 0 if each
    /// expected reply came, a refusal too, and 69 if one was another; before the
    /// message, that keeps it from being sent.
    #[arg(
        long,
        value_name = "STAGE=CODE",
        value_parser = expectation,
        help_heading = LABORATORY
    )]
    pub expect: Vec<Expectation>,

    /// Send the message of --message untouched
    ///
    /// Nothing is added, not even what is missing, nothing taken out, Bcc
    /// neither, and nothing signed; its recipients are those that are typed.
    /// Lines that all end in LF or all in CRLF are a text, and go out with CRLF.
    /// Everything else, with NUL, CR or LF alone, or lines over 998 octets, goes
    /// octet by octet where the server offers BINARYMIME (RFC 3030); elsewhere
    /// CR alone becomes a blank and LF alone CRLF, and the rest is refused.
    #[arg(long, requires = "message", conflicts_with = "resend", help_heading = LABORATORY)]
    pub as_is: bool,

    /// Make as if the server did not offer EXTENSION
    ///
    /// Any keyword of its answer to EHLO: PIPELINING, SIZE, 8BITMIME, SMTPUTF8,
    /// DSN, CHUNKING, REQUIRETLS, FUTURERELEASE, AUTH, ENHANCEDSTATUSCODES… May
    /// be repeated, or a list with commas.
    #[arg(
        long,
        value_name = "EXTENSION",
        value_delimiter = ',',
        value_parser = keyword,
        help_heading = LABORATORY
    )]
    pub without: Vec<String>,

    /// Have the server take us for another client, by XCLIENT
    ///
    /// ATTRIBUTE is NAME, ADDR, PORT, PROTO, HELO, LOGIN, DESTADDR, DESTPORT or
    /// REVERSE_NAME; [UNAVAILABLE] and [TEMPUNAVAIL] are values, too. May be
    /// repeated, or a list with commas. It is said behind STARTTLS. A server
    /// offers it only to clients that it trusts.
    #[arg(
        long,
        value_name = "ATTRIBUTE=VALUE",
        value_delimiter = ',',
        help_heading = LABORATORY
    )]
    pub xclient: Vec<String>,

    /// Say XCLIENT before STARTTLS
    #[arg(long, requires = "xclient", help_heading = LABORATORY)]
    pub xclient_before_starttls: bool,

    /// Begin as a proxy does, by the PROXY protocol
    ///
    /// HEADER is v1 or v2, and may go on: ,source=ADDRESS:PORT is whom the
    /// connection is for, and ,dest=ADDRESS:PORT where to, by default its own
    /// ends; ,local is for nobody. As in v2,source=192.0.2.1:1234.
    #[arg(long, value_name = "HEADER", value_parser = header, help_heading = LABORATORY)]
    pub proxy_protocol: Option<ProxyHeader>,

    /// Speak no newer version of TLS than this
    #[arg(
        long,
        value_name = "VERSION",
        value_parser = super::connection::version(),
        help_heading = LABORATORY
    )]
    pub tls_max: Option<TlsVersion>,

    /// Offer only these cipher suites of TLS
    ///
    /// By their registered names, as in TLS_AES_256_GCM_SHA384. May be
    /// repeated, or a list with commas.
    #[arg(
        long,
        value_name = "SUITE",
        value_delimiter = ',',
        value_parser = suite,
        help_heading = LABORATORY
    )]
    pub tls_cipher: Vec<String>,
}

fn stage() -> impl TypedValueParser<Value = Stage> {
    PossibleValuesParser::new(Stage::ALL.map(|(name, _)| name))
        .try_map(|name| Stage::named(&name).ok_or("there is no such stage"))
}

fn suite(text: &str) -> Result<String, String> {
    let known = cipher_suites();
    let is_it = |name: &&String| name.eq_ignore_ascii_case(text);
    let found = known.iter().find(is_it).cloned();
    found.ok_or_else(|| format!("the suites are {}", known.join(", ")))
}

fn expectation(text: &str) -> Result<Expectation, NotExpectation> {
    text.parse()
}

fn header(text: &str) -> Result<ProxyHeader, NotProxyHeader> {
    text.parse()
}

fn keyword(text: &str) -> Result<String, &'static str> {
    let is_one = !text.is_empty() && text.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-');
    is_one.then(|| text.to_ascii_uppercase()).ok_or("it is no keyword of EHLO")
}
