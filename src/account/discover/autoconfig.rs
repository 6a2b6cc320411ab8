//! Documents in Thunderbird's form (draft-ietf-mailmaint-autoconfig), which
//! providers publish for mail programs. Asked for over TLS only.
//!
//! | what | file |
//! |---|---|
//! | where they stand, and what came of asking | this one |
//! | what they say | `autoconfig/document.rs`, `autoconfig/element.rs` |

mod document;
mod element;

pub use document::PassedOver;

use super::{Candidate, Found, Trust};
use crate::net::{Host, Http, HttpError, HttpUrl, Response, UrlError};
use crate::smtp::Mailbox;
use document::Document;
use std::fmt;
use std::time::Duration;

/// What was found, and what each place said that was asked.
#[derive(Debug, Default)]
pub struct Search {
    /// The servers, in the order of the document.
    pub candidates: Vec<Candidate>,
    /// The places in the order in which they were asked.
    pub asked: Vec<Asked>,
}

/// A place, and what it said.
#[derive(Debug)]
pub struct Asked {
    /// Where a document may stand.
    pub url: String,
    /// What came of asking.
    pub outcome: Outcome,
}

/// What came of asking for a document.
#[derive(Debug)]
pub enum Outcome {
    /// There is one.
    Document {
        /// How many servers it names that can be used.
        servers: usize,
        /// The servers in it that cannot be.
        passed_over: Vec<PassedOver>,
        /// Where the place led to, if it did.
        led_to: Option<HttpUrl>,
        /// It is another domain that said it in the end.
        is_elsewhere: bool,
        /// The domain of the address is not among those that it is for.
        is_for_others: bool,
    },
    /// There is none that can be used.
    Missed(Miss),
}

/// Why a place gave no document. Fits behind its URL and a colon.
#[derive(Debug, thiserror::Error)]
pub enum Miss {
    /// It was not asked, since it has no TLS.
    #[error("not asked, since anybody could tamper with the answer")]
    InClear,
    /// 404, or 410.
    #[error("there is no document")]
    NotThere,
    /// Another status than success or a redirect.
    #[error("the server answered with status {0}")]
    Status(u16),
    /// No answer that could be used.
    #[error("{0}")]
    NoAnswer(HttpError),
    /// It leads where nobody should follow.
    #[error("it leads to ‘{to}’, which is not followed: {reason}")]
    Astray {
        /// Where to, as it came.
        to: String,
        /// Why not.
        reason: UrlError,
    },
    /// A redirect that does not say where to.
    #[error("it leads elsewhere without saying where")]
    Nowhere,
    /// One redirect after the other.
    #[error("it leads from place to place, more than {STEPS} times")]
    InCircles,
    /// No content.
    #[error("the document is empty")]
    Empty,
    /// A page for people, as servers give for anything.
    #[error("it is a web page, and no document for mail programs")]
    Page,
    /// Not in the one encoding that is read.
    #[error("the document is not UTF-8")]
    Encoding,
    /// A DTD, whose entities can become anything.
    #[error("the document has a DTD, which is not read")]
    Dtd,
    /// Not XML, or not all of it.
    #[error("the document is not proper XML: {0}")]
    NotXml(String),
    /// XML of another kind.
    #[error("the document is another kind of XML: its root is ‘{0}’")]
    Foreign(String),
}

impl Asked {
    fn missed(url: String, miss: Miss) -> Self {
        Asked { url, outcome: Outcome::Missed(miss) }
    }
}

/// The most that is read of a document, in octets. The longest of Mozilla's
/// database have 8 KiB.
const MOST: usize = 256 * 1024;
/// The most redirects that are followed.
const STEPS: usize = 4;
/// How long one place may take, with all that it leads to.
const PATIENCE: Duration = Duration::from_secs(10);
const MEDIA_TYPES: &str = "text/xml, application/xml";

/// Asks the domain of the address itself, at one place after the other until
/// one names a server that can be used. The first place is told the address
/// (draft §4.1). Nothing is asked for an address literal.
pub fn published(address: &Mailbox, http: &Http<'_>) -> Search {
    let Some(domain) = address.domain().name() else { return Search::default() };
    let mut search = ask(&places(address, domain), address, http);
    if search.candidates.is_empty() {
        let url = format!("http://autoconfig.{domain}{PATH}");
        search.asked.push(Asked::missed(url, Miss::InClear));
    }
    search
}

/// Asks Mozilla's database, which is told the domain only. It is somebody else
/// who learns of it, hence a function of its own, to be called when the user
/// allows it.
pub fn database(address: &Mailbox, http: &Http<'_>) -> Search {
    let domain = address.domain().name().unwrap_or_default();
    let url = HttpUrl::of("autoconfig.thunderbird.net", &format!("/v1.1/{domain}"));
    match url {
        Ok(url) if !domain.is_empty() => {
            let mut search = ask(std::slice::from_ref(&url), address, http);
            for candidate in &mut search.candidates {
                candidate.trust = Trust::ThirdParty;
                candidate.found = Found::Database { url: url.to_string() };
            }
            search
        }
        _ => Search::default(),
    }
}

const PATH: &str = "/mail/config-v1.1.xml";

/// Where the domain publishes its document, the preferred place first.
fn places(address: &Mailbox, domain: &str) -> Vec<HttpUrl> {
    let first = HttpUrl::of(&format!("autoconfig.{domain}"), PATH)
        .and_then(|url| url.with("emailaddress", &address.to_string()));
    let second = HttpUrl::of(domain, &format!("/.well-known/autoconfig{PATH}"));
    [first, second].into_iter().flatten().collect()
}

/// Asks these places, in order, until one names a server that can be used.
pub fn ask(places: &[HttpUrl], address: &Mailbox, http: &Http<'_>) -> Search {
    let mut search = Search::default();
    for place in places {
        match document(place, address, &http.within(PATIENCE)) {
            Ok((candidates, outcome)) => {
                search.candidates = candidates;
                search.asked.push(Asked { url: place.to_string(), outcome });
            }
            Err(miss) => search.asked.push(Asked::missed(place.to_string(), miss)),
        }
        if !search.candidates.is_empty() || http.interrupt.signal().is_some() {
            break;
        }
    }
    search
}

fn document(
    place: &HttpUrl,
    address: &Mailbox,
    http: &Http<'_>,
) -> Result<(Vec<Candidate>, Outcome), Miss> {
    let (url, answer) = follow(place, http)?;
    let document = Document::read(&answer.body, address)?;
    // Each step was by TLS, yet whoever has a domain whose pages all lead
    // elsewhere need not mean this.
    let is_elsewhere = !is_within(url.host(), address);
    let candidates: Vec<_> = document
        .servers
        .into_iter()
        .map(|server| Candidate {
            endpoint: server.endpoint,
            user: server.user,
            issuer: server.issuer,
            found: Found::Document { url: url.to_string() },
            trust: if is_elsewhere { Trust::ThirdParty } else { Trust::Sure },
            remark: server.remark,
        })
        .collect();
    let outcome = Outcome::Document {
        servers: candidates.len(),
        passed_over: document.passed_over,
        led_to: (url != *place).then_some(url),
        is_elsewhere,
        is_for_others: document.is_for_others,
    };
    Ok((candidates, outcome))
}

/// What stands at the place, or where that leads, each step over TLS.
fn follow(place: &HttpUrl, http: &Http<'_>) -> Result<(HttpUrl, Response), Miss> {
    let mut url = place.clone();
    for _ in 0..=STEPS {
        let answer = http.get(&url, MEDIA_TYPES, MOST).map_err(Miss::NoAnswer)?;
        match answer.status {
            200 => return Ok((url, answer)),
            301 | 302 | 303 | 307 | 308 => {
                let to = answer.location.ok_or(Miss::Nowhere)?;
                url = led(&url, &to).map_err(|reason| Miss::Astray { to, reason })?;
            }
            404 | 410 => return Err(Miss::NotThere),
            status => return Err(Miss::Status(status)),
        }
    }
    Err(Miss::InCircles)
}

/// Where a redirect leads. Who publishes a document has no business with this
/// machine, where alone a URL does without TLS.
fn led(from: &HttpUrl, to: &str) -> Result<HttpUrl, UrlError> {
    let url = from.join(to)?;
    if url.is_over_tls() { Ok(url) } else { Err(UrlError::NotHttps) }
}

/// True for the domain of the address and what is below it.
fn is_within(host: &Host, address: &Mailbox) -> bool {
    let (Host::Name(name), Some(domain)) = (host, address.domain().name()) else { return false };
    let (name, domain) = (name.to_ascii_lowercase(), domain.to_ascii_lowercase());
    name.strip_suffix(&domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

impl fmt::Display for Outcome {
    /// Fits behind the URL and a colon.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Outcome::Document { servers, passed_over, led_to, is_elsewhere, is_for_others } = self
        else {
            let Outcome::Missed(miss) = self else { return Ok(()) };
            return miss.fmt(f);
        };
        match servers {
            0 => f.write_str("a document that names no server that can be used")?,
            1 => f.write_str("a document that names 1 server")?,
            more => write!(f, "a document that names {more} servers")?,
        }
        if let Some(url) = led_to {
            write!(f, ", at {url}")?;
        }
        if *is_elsewhere {
            f.write_str(", which is in another domain")?;
        }
        if *is_for_others {
            f.write_str("; it is for other domains")?;
        }
        for server in passed_over {
            write!(f, "; {server}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
