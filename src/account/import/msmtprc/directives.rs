//! The directives of an msmtprc: what each takes, and what becomes of it.

use super::super::Meaning;
use crate::account::error::nearest;

/// A directive.
pub(super) struct Directive {
    pub(super) name: &'static str,
    /// What it says, in the words of the directive that counts today.
    pub(super) means: Means,
    pub(super) takes: Takes,
    /// What becomes of its value, as far as that does not hang on others.
    pub(super) becomes: fn(&str) -> Meaning,
}

/// Which directive of today a directive is.
#[derive(Clone, Copy)]
pub(super) enum Means {
    /// Itself.
    Itself,
    /// Another by an older name.
    Old(&'static str),
    /// The opposite of another.
    Not(&'static str),
    /// That another is off.
    Off(&'static str),
}

/// What may stand behind a directive.
#[derive(Clone, Copy)]
pub(super) enum Takes {
    /// A text; none takes back what was said.
    Text,
    /// A text.
    Something,
    /// `on`, or nothing, which is the same; or `off`.
    Switch,
    /// `on` or `off`.
    Word,
    /// Nothing.
    Nothing,
    /// Anything, which is not looked at.
    Anything,
    /// A number from 1 to this.
    Number(u32),
    /// Likewise, or nothing.
    NumberOrNothing(u32),
    /// A number, or `off`.
    NumberOrOff,
    /// One of these.
    OneOf(&'static [&'static str]),
    /// One of these, nothing being the first.
    OneOfOrNothing(&'static [&'static str]),
    /// `off`, `never`, or some of `failure`, `delay`, `success`.
    Notify,
}

impl Takes {
    /// The value in the one spelling that is used here; a clause if it does
    /// not fit.
    pub(super) fn read(self, text: &str) -> Result<&str, String> {
        let number = |most: u32| {
            let digits = text.bytes().all(|octet| octet.is_ascii_digit());
            text.parse().is_ok_and(|number: u32| digits && (1..=most).contains(&number))
        };
        let fits = match self {
            Takes::Text | Takes::Anything => true,
            Takes::Something => !text.is_empty(),
            Takes::Switch | Takes::OneOfOrNothing(_) if text.is_empty() => {
                return Ok(if let Takes::OneOfOrNothing(words) = self { words[0] } else { "on" });
            }
            Takes::Switch | Takes::Word => matches!(text, "on" | "off"),
            Takes::Nothing => text.is_empty(),
            Takes::Number(most) => number(most),
            Takes::NumberOrNothing(most) => text.is_empty() || number(most),
            Takes::NumberOrOff => text == "off" || number(u32::MAX),
            Takes::OneOf(words) | Takes::OneOfOrNothing(words) => words.contains(&text),
            Takes::Notify => {
                matches!(text, "off" | "never")
                    || text.split(',').all(|word| matches!(word, "failure" | "delay" | "success"))
            }
        };
        if fits { Ok(text) } else { Err(self.wanted()) }
    }

    fn wanted(self) -> String {
        match self {
            Takes::Text | Takes::Anything | Takes::Something => "it takes a value".to_owned(),
            Takes::Switch | Takes::Word => "it is on or off".to_owned(),
            Takes::Nothing => "it takes no value".to_owned(),
            Takes::Number(most) | Takes::NumberOrNothing(most) => {
                format!("it is a number from 1 to {most}")
            }
            Takes::NumberOrOff => "it is a number of seconds, or off".to_owned(),
            Takes::OneOf(words) | Takes::OneOfOrNothing(words) => {
                format!("it is one of {}", words.join(", "))
            }
            Takes::Notify => "it is off, never, or of failure,delay,success".to_owned(),
        }
    }
}

/// What becomes of a value that says what envoi does anyway, or else is lost.
fn unless(harmless: bool, why: &str, reason: &str, instead: &str) -> Meaning {
    if harmless {
        Meaning::already(why)
    } else if instead.is_empty() {
        Meaning::gone(reason)
    } else {
        Meaning::lost(reason, instead)
    }
}

const fn row(
    name: &'static str,
    means: Means,
    takes: Takes,
    becomes: fn(&str) -> Meaning,
) -> Directive {
    Directive { name, means, takes, becomes }
}

/// One that goes into keys of its account.
const fn keyed(name: &'static str, takes: Takes, becomes: fn(&str) -> Meaning) -> Directive {
    row(name, Means::Itself, takes, becomes)
}

const SERVER: fn(&str) -> Meaning = |_| Meaning::Keys(&["server"]);
const TRUST: fn(&str) -> Meaning = |_| Meaning::Keys(&["tls-ca", "tls-system-roots"]);
const FROM: fn(&str) -> Meaning = |_| Meaning::Keys(&["from", "match"]);
const PASSWORD: fn(&str) -> Meaning = |_| Meaning::Keys(&["password", "token"]);
const DSN: &str = "the server reports as it does by itself";
const ADDED: &str = "what is missing is added, and nothing else";
const LOG: fn(&str) -> Meaning = |_| Meaning::Keys(&["log"]);
const TIME: &str = "the log has the time as msmtp writes it by default, Jan 31 23:59:59";

const MECHANISMS: &[&str] = &[
    "on",
    "off",
    "plain",
    "login",
    "cram-md5",
    "digest-md5",
    "scram-sha-1",
    "scram-sha-1-plus",
    "scram-sha-256",
    "scram-sha-256-plus",
    "external",
    "gssapi",
    "ntlm",
    "oauthbearer",
    "xoauth2",
];

/// What `syslog` takes; `on` is the facility of programs of users.
const FACILITIES: &[&str] = &[
    "on",
    "off",
    "LOG_USER",
    "LOG_MAIL",
    "LOG_LOCAL0",
    "LOG_LOCAL1",
    "LOG_LOCAL2",
    "LOG_LOCAL3",
    "LOG_LOCAL4",
    "LOG_LOCAL5",
    "LOG_LOCAL6",
    "LOG_LOCAL7",
];

const SET: &[&str] = &["auto", "on", "off"];

pub(super) const DIRECTIVES: &[Directive] = &[
    keyed("add_missing_date_header", Takes::Switch, adding),
    row("add_missing_from_header", Means::Old("set_from_header"), Takes::Switch, from_header),
    keyed("aliases", Takes::Text, |_| Meaning::Rewrite("aliases")),
    keyed("allow_from_override", Takes::Word, |value| {
        unless(
            value == "on",
            "a sender that is typed counts",
            "a sender that is typed counts before the account's",
            "",
        )
    }),
    keyed("auth", Takes::OneOfOrNothing(MECHANISMS), |_| {
        Meaning::Keys(&["auth", "allow-cleartext-auth"])
    }),
    keyed("auto_from", Takes::Switch, FROM),
    row("connect_timeout", Means::Old("timeout"), Takes::NumberOrOff, timeout),
    keyed("domain", Takes::Text, |_| Meaning::Keys(&["helo"])),
    keyed("dsn_notify", Takes::Notify, |value| reports(value, &["dsn"])),
    keyed("dsn_return", Takes::OneOf(&["off", "headers", "hdrs", "full"]), |value| {
        reports(value, &["dsn-return"])
    }),
    keyed("from", Takes::Text, FROM),
    keyed("from_full_name", Takes::Text, FROM),
    keyed("host", Takes::Something, SERVER),
    row("keepbcc", Means::Not("remove_bcc_headers"), Takes::Switch, bcc),
    keyed("logfile", Takes::Text, LOG),
    keyed("logfile_time_format", Takes::Text, |value| {
        unless(value.is_empty() || value == "%b %d %H:%M:%S", TIME, TIME, "")
    }),
    keyed("maildomain", Takes::Text, FROM),
    keyed("ntlmdomain", Takes::Text, |_| Meaning::gone("envoi does not have NTLM")),
    keyed("password", Takes::Text, PASSWORD),
    keyed("passwordeval", Takes::Text, PASSWORD),
    keyed("port", Takes::Number(65_535), SERVER),
    keyed("protocol", Takes::OneOf(&["smtp", "lmtp"]), SERVER),
    keyed("proxy_host", Takes::Text, |_| Meaning::Keys(&["proxy"])),
    keyed("proxy_port", Takes::NumberOrNothing(65_535), |_| Meaning::Keys(&["proxy"])),
    keyed("remove_bcc_headers", Takes::Switch, bcc),
    keyed("set_date_header", Takes::OneOfOrNothing(&["auto", "off"]), adding),
    keyed("set_from_header", Takes::OneOfOrNothing(SET), from_header),
    keyed("set_msgid_header", Takes::OneOfOrNothing(&["auto", "off"]), adding),
    keyed("set_to_header", Takes::OneOf(&["on", "off", "undisclosed_recipients"]), to_header),
    keyed("socket", Takes::Text, SERVER),
    keyed("source_ip", Takes::Text, |_| Meaning::Keys(&["source"])),
    keyed("syslog", Takes::OneOfOrNothing(FACILITIES), LOG),
    keyed("timeout", Takes::NumberOrOff, timeout),
    keyed("tls", Takes::Switch, SERVER),
    keyed("tls_cert_file", Takes::Text, |_| Meaning::Keys(&["tls-cert"])),
    keyed("tls_certcheck", Takes::Switch, |_| Meaning::Keys(&["tls-verify"])),
    keyed("tls_crl_file", Takes::Text, |value| {
        unless(
            value.is_empty(),
            "there is no such list",
            "envoi reads no lists of certificates that were taken back",
            "pin the server's certificate: tls-pin",
        )
        .protecting()
    }),
    keyed("tls_fingerprint", Takes::Text, |_| Meaning::Keys(&["tls-pin"])),
    keyed("tls_force_sslv3", Takes::Anything, |_| Meaning::already("msmtp ignores it, too")),
    keyed("tls_host_override", Takes::Text, |_| Meaning::Keys(&["tls-name"])),
    keyed("tls_key_file", Takes::Text, |_| Meaning::Keys(&["tls-key"])),
    keyed("tls_min_dh_prime_bits", Takes::NumberOrNothing(u32::MAX), |_| {
        Meaning::already("envoi agrees on keys by elliptic curves only")
    }),
    row("tls_nocertcheck", Means::Off("tls_certcheck"), Takes::Nothing, |_| {
        Meaning::Keys(&["tls-verify"])
    }),
    row("tls_nostarttls", Means::Off("tls_starttls"), Takes::Nothing, SERVER),
    keyed("tls_priorities", Takes::Text, |value| {
        unless(
            value.is_empty(),
            "the choice is envoi's",
            "envoi speaks TLS 1.2 and 1.3 with ciphers of its own choice",
            "tls-min = \"1.3\" leaves out TLS 1.2",
        )
    }),
    keyed("tls_starttls", Takes::Switch, SERVER),
    keyed("tls_trust_file", Takes::Text, TRUST),
    row("undisclosed_recipients", Means::Itself, Takes::Switch, to_header),
    keyed("user", Takes::Text, |_| Meaning::Keys(&["user"])),
];

fn adding(value: &str) -> Meaning {
    let added = "a Date or Message-ID that is missing is always added";
    unless(value != "off", ADDED, added, "")
}

fn from_header(value: &str) -> Meaning {
    match value {
        "on" => Meaning::Rewrite("from"),
        value => unless(value != "off", ADDED, "a From that is missing is always added", ""),
    }
}

fn to_header(value: &str) -> Meaning {
    let kept = "To and Cc of a message are not replaced";
    unless(value == "off", kept, kept, "give recipients as Bcc: envoi send --bcc")
}

fn bcc(value: &str) -> Meaning {
    unless(value == "on", "Bcc is never sent", "Bcc is never sent", "")
}

fn reports(value: &str, keys: &'static [&'static str]) -> Meaning {
    if value == "off" { Meaning::already(DSN) } else { Meaning::Keys(keys) }
}

fn timeout(value: &str) -> Meaning {
    match value {
        "off" => Meaning::already("each wait ends when RFC 5321 says so"),
        _ => Meaning::Keys(&["timeout"]),
    }
}

impl Directive {
    /// The directive of this name.
    pub(super) fn named(name: &str) -> Option<&'static Self> {
        DIRECTIVES.iter().find(|directive| directive.name == name)
    }

    /// The one that this may have been meant to be.
    pub(super) fn like(name: &str) -> Option<&'static str> {
        nearest(name, DIRECTIVES.iter().map(|directive| directive.name))
    }

    /// The directive of today, and its value there.
    pub(super) fn today<'v>(&self, value: &'v str) -> (&'static str, &'v str) {
        match self.means {
            Means::Itself => (self.name, value),
            Means::Old("set_from_header") => {
                ("set_from_header", if value == "on" { "auto" } else { "off" })
            }
            Means::Old(name) => (name, value),
            Means::Not(name) => (name, if value == "on" { "off" } else { "on" }),
            Means::Off(name) => (name, "off"),
        }
    }
}
