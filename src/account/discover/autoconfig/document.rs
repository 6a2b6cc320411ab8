//! What one document says of outgoing servers.

use super::Miss;
use super::element::{LONGEST_TEXT, children, content, in_english, shortened, text};
use crate::account::discover::providers;
use crate::account::host;
use crate::net::{Endpoint, Host, HttpUrl, Place, Security};
use crate::smtp::{Mailbox, Protocol};
use roxmltree::{Error, Node, ParsingOptions};
use std::fmt;

/// What can be used of a document.
pub(super) struct Document {
    pub(super) servers: Vec<Server>,
    pub(super) passed_over: Vec<PassedOver>,
    /// It names domains, and that of the address is not among them.
    pub(super) is_for_others: bool,
}

/// One server, with the placeholders filled in.
pub(super) struct Server {
    pub(super) endpoint: Endpoint,
    pub(super) user: Option<String>,
    pub(super) issuer: Option<String>,
    pub(super) remark: Option<String>,
}

/// A server that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PassedOver {
    /// How the document names it, shortened.
    pub host: String,
    /// Why not.
    pub reason: Unusable,
}

/// Why a server in a document cannot be used. Fits behind its name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// `plain`.
    #[error("has no TLS")]
    InClear,
    /// Neither `SSL` nor `STARTTLS`, or nothing.
    #[error("does not say how it is protected")]
    Security,
    /// Neither a name nor an address.
    #[error("is no name that a server can have")]
    Host,
    /// Not 1 to 65535.
    #[error("has no port that is one")]
    Port,
    /// Only ways to sign in that envoi does not know.
    #[error("wants users to sign in by {0} only")]
    SignIn(String),
    /// `OAuth2`, and not by whom.
    #[error("wants tokens, and does not say of which issuer")]
    Issuer,
}

/// The most elements, texts and comments. Real documents have a few hundred.
const NODES: u32 = 20_000;

impl Document {
    pub(super) fn read(octets: &[u8], address: &Mailbox) -> Result<Self, Miss> {
        let octets = octets.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(octets);
        let text = std::str::from_utf8(octets).map_err(|_| Miss::Encoding)?;
        if text.trim().is_empty() {
            return Err(Miss::Empty);
        }
        if is_page(text) {
            return Err(Miss::Page);
        }
        let options = ParsingOptions { nodes_limit: NODES, ..ParsingOptions::default() };
        let parsed = roxmltree::Document::parse_with_options(text.trim_start(), options);
        let parsed = parsed.map_err(|error| match error {
            Error::DtdDetected => Miss::Dtd,
            other => Miss::NotXml(other.to_string()),
        })?;
        let root = parsed.root_element();
        if root.tag_name().name() != "clientConfig" {
            return Err(Miss::Foreign(shortened(root.tag_name().name())));
        }
        Ok(Reading { root, address }.document())
    }
}

/// Servers give a page for whatever is asked, and call documents of mail
/// programs `text/html`; so the content tells.
fn is_page(text: &str) -> bool {
    let text = text.trim_start();
    ["<!doctype html", "<html"]
        .iter()
        .any(|start| text.get(..start.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(start)))
}

/// One document, read for one address.
struct Reading<'d> {
    root: Node<'d, 'd>,
    address: &'d Mailbox,
}

impl Reading<'_> {
    fn document(&self) -> Document {
        let mut document =
            Document { servers: Vec::new(), passed_over: Vec::new(), is_for_others: false };
        let Some(provider) = children(self.root, "emailProvider").next() else { return document };
        document.is_for_others = self.is_for_others(provider);
        // In Mozilla's database it is a level higher here and there.
        let remark = remark(provider).or_else(|| remark(self.root));
        for server in children(provider, "outgoingServer").filter(|server| is_smtp(*server)) {
            match self.server(server, remark.as_deref()) {
                Ok(server) if document.servers.iter().any(|it| it.endpoint == server.endpoint) => {}
                Ok(server) => document.servers.push(server),
                Err(reason) => {
                    let host = shortened(&text(server, "hostname").unwrap_or_default());
                    document.passed_over.push(PassedOver { host, reason });
                }
            }
        }
        document
    }

    fn is_for_others(&self, provider: Node<'_, '_>) -> bool {
        let mut domains = children(provider, "domain").filter_map(content).peekable();
        domains.peek().is_some()
            && !domains.any(|domain| {
                let named = self.filled(&domain);
                named.is_some_and(|named| named.eq_ignore_ascii_case(&self.domain()))
            })
    }

    fn server(&self, node: Node<'_, '_>, remark: Option<&str>) -> Result<Server, Unusable> {
        let name = text(node, "hostname").ok_or(Unusable::Host)?;
        let host = self.filled(&name).and_then(|name| host(&name).ok()).ok_or(Unusable::Host)?;
        let port = text(node, "port").and_then(|port| port.parse().ok());
        let port = port.filter(|&port: &u16| port != 0).ok_or(Unusable::Port)?;
        let security = match text(node, "socketType").unwrap_or_default().as_str() {
            "SSL" => Security::Implicit,
            "STARTTLS" => Security::StartTls,
            "plain" => return Err(Unusable::InClear),
            _ => return Err(Unusable::Security),
        };
        let sign_in = SignIn::of(node)?;
        let issuer = match sign_in {
            SignIn::Token => Some(self.issuer(&host).ok_or(Unusable::Issuer)?),
            SignIn::Password { .. } | SignIn::None => None,
        };
        let user = match sign_in {
            SignIn::None => None,
            SignIn::Password { .. } | SignIn::Token => self.user(node),
        };
        let remarks = [sign_in.remark(), remark].into_iter().flatten().collect::<Vec<_>>();
        Ok(Server {
            endpoint: Endpoint {
                place: Place::Tcp { host, port },
                protocol: Protocol::Smtp,
                security,
            },
            user,
            issuer,
            remark: (!remarks.is_empty()).then(|| remarks.join(" ")),
        })
    }

    /// `None` as well where only the user knows it: the format has questions
    /// for that, whose answers stand between percent signs.
    fn user(&self, server: Node<'_, '_>) -> Option<String> {
        let user = self.filled(&text(server, "username")?)?;
        (!user.contains(char::is_control)).then_some(user)
    }

    /// With the placeholders filled in, each once: what is put in may look like
    /// one. `None` if there is one that is not known.
    fn filled(&self, text: &str) -> Option<String> {
        let known = [
            ("%EMAILADDRESS%", self.address.to_string()),
            ("%EMAILLOCALPART%", self.address.local_part().to_owned()),
            ("%EMAILDOMAIN%", self.domain()),
        ];
        let (mut filled, mut rest) = (String::new(), text);
        while let Some(at) = rest.find('%') {
            let (name, value) = known.iter().find(|(name, _)| rest[at..].starts_with(name))?;
            filled = filled + &rest[..at] + value;
            rest = &rest[at + name.len()..];
        }
        Some(filled + rest)
    }

    fn domain(&self) -> String {
        self.address.domain().to_string()
    }

    /// Who gives tokens for this server: as the document says, or as is known of
    /// the large providers.
    fn issuer(&self, host: &Host) -> Option<String> {
        let sections = children(self.root, "oAuth2");
        let said = sections.filter_map(|section| text(section, "issuer")).find_map(|issuer| {
            let url = if issuer.contains("://") { issuer } else { format!("https://{issuer}") };
            let url: HttpUrl = url.parse().ok()?;
            url.is_over_tls().then(|| match providers::issuer_at(url.host()) {
                Some(known) => known.to_owned(),
                None => url.to_string().trim_end_matches('/').to_owned(),
            })
        });
        said.or_else(|| providers::issuer_for(host).map(str::to_owned))
    }
}

/// How a user signs in, as far as envoi can.
#[derive(Clone, Copy)]
enum SignIn {
    Password {
        /// Tokens are taken as well.
        or_token: bool,
    },
    Token,
    None,
}

impl SignIn {
    /// By the list of the server. Passwords come first: a token needs a client
    /// that the provider knows.
    fn of(server: Node<'_, '_>) -> Result<Self, Unusable> {
        let listed: Vec<_> = children(server, "authentication").filter_map(content).collect();
        let lists = |names: &[&str]| listed.iter().any(|it| names.contains(&it.as_str()));
        let or_token = lists(&["OAuth2"]);
        if listed.is_empty() || lists(&["password-cleartext", "password-encrypted"]) {
            return Ok(SignIn::Password { or_token });
        }
        // Names of older documents.
        if lists(&["plain", "secure"]) {
            return Ok(SignIn::Password { or_token });
        }
        if or_token {
            return Ok(SignIn::Token);
        }
        if lists(&["none", "client-IP-address"]) {
            return Ok(SignIn::None);
        }
        Err(Unusable::SignIn(shortened(&listed.join(" or "))))
    }

    fn remark(self) -> Option<&'static str> {
        match self {
            SignIn::None => Some("The provider says that nobody signs in there."),
            SignIn::Password { or_token: true } => {
                Some("The provider says that it takes tokens, too.")
            }
            SignIn::Password { or_token: false } | SignIn::Token => None,
        }
    }
}

/// What the provider wants people to do first, or to read.
fn remark(provider: Node<'_, '_>) -> Option<String> {
    if let Some(enable) = children(provider, "enable").next() {
        let url = enable.attribute("visiturl").filter(|url| is_link(url)).unwrap_or_default();
        let told = in_english(enable, "instruction").unwrap_or_default();
        let both = format!("{told} {url}");
        return Some(both.trim().to_owned()).filter(|text| !text.is_empty());
    }
    let mut pages = children(provider, "documentation").filter_map(|it| it.attribute("url"));
    let page = pages.find(|url| is_link(url))?;
    Some(format!("The provider describes it at {page}"))
}

fn is_link(url: &str) -> bool {
    let is_web = url.starts_with("https://") || url.starts_with("http://");
    is_web && url.len() <= LONGEST_TEXT && url.chars().all(|c| c.is_ascii_graphic())
}

fn is_smtp(server: Node<'_, '_>) -> bool {
    server.attribute("type").is_some_and(|kind| kind.eq_ignore_ascii_case("smtp"))
}

impl fmt::Display for PassedOver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "‘{}’ {}", self.host, self.reason)
    }
}
