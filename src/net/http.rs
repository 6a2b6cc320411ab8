//! HTTP/1.1 as a client (RFC 9112), for questions with short answers: what a
//! domain publishes, and what an authorization server says.
//!
//! | what | file |
//! |---|---|
//! | where: only over TLS, but for this machine | `url.rs` |
//! | what is posted, and who posts it | `form.rs` |
//! | the connection, and TLS over it | `way.rs` |
//! | what carries `ureq`'s octets over it | `transport.rs` |
//! | what went wrong | `error.rs` |
//!
//! `ureq` writes requests and reads answers, and nothing else: the connection,
//! the proxy, TLS, the limits and the user's wish to stop are those of every
//! other channel here. It keeps no cookies, follows nobody, and asks the
//! environment nothing.

mod error;
mod form;
mod transport;
mod url;
mod way;

pub use error::HttpError;
pub use form::{Authorization, Form};
pub use url::{HttpUrl, UrlError};

use super::connector::TlsVersion;
use super::deadline::{Deadline, Interrupt, Stopwatch};
use super::endpoint::Endpoint;
use super::lookup::Family;
use super::proxy::Proxy;
use super::roots::Roots;
use std::fmt;
use std::io::Read;
use std::net::IpAddr;
use std::time::Duration;
use transport::Carried;
use ureq::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use ureq::http::{Method, Request};
use ureq::{Agent, AsSendBody, Body};
use zeroize::Zeroizing;

/// What every request here has in common. Certificates are always checked: what
/// is said about one mail server, such as a pin, counts for no other server.
pub struct Http<'w> {
    /// Whose signature makes a certificate good.
    pub roots: Roots,
    /// The oldest version of TLS to speak.
    pub least: TlsVersion,
    /// Which proxy leads to a server, if one does.
    pub proxy: &'w ProxyTo<'w>,
    /// The address of this end, if it is to be a certain one.
    pub source: Option<IpAddr>,
    /// Which addresses may be used; the family of `source` counts before it.
    pub family: Family,
    /// When all of it must have ended.
    pub deadline: Deadline,
    /// Whether the user asked to stop.
    pub interrupt: &'w Interrupt,
}

/// Which proxy leads to a server; an error where that cannot be told.
pub type ProxyTo<'w> =
    dyn Fn(&Endpoint) -> Result<Option<&'w Proxy>, Box<dyn std::error::Error + Send + Sync>> + 'w;

/// What a server answered, whatever its status. Redirects are not followed.
pub struct Response {
    /// The status code (RFC 9110 §15).
    pub status: u16,
    /// Where else to look, as it came: perhaps a relative reference, for
    /// [`HttpUrl::join`].
    pub location: Option<String>,
    /// How long to wait before the next request, where that was said in seconds.
    pub retry_after: Option<Duration>,
    /// The content. It may be a token, hence cleared.
    pub body: Zeroizing<Vec<u8>>,
}

impl<'w> Http<'w> {
    /// Asks for what stands at the URL, in one of the given media types. More
    /// than `most` octets are an error.
    pub fn get(&self, url: &HttpUrl, accept: &str, most: usize) -> Result<Response, HttpError> {
        let request = request(Method::GET, url, accept);
        self.exchange(url, request, (), most)
    }

    /// Posts a form, and takes JSON in return, at most `most` octets of it.
    pub fn post(
        &self,
        url: &HttpUrl,
        form: &Form,
        authorization: Option<&Authorization<'_>>,
        most: usize,
    ) -> Result<Response, HttpError> {
        let mut request = request(Method::POST, url, "application/json");
        let headers = request.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(Form::MEDIA_TYPE));
        if let Some(authorization) = authorization {
            headers.insert(header::AUTHORIZATION, authorization.value());
        }
        self.exchange(url, request, form.octets(), most)
    }

    /// The same with less time.
    #[must_use]
    pub fn within(&self, limit: Duration) -> Http<'w> {
        Http {
            roots: self.roots.clone(),
            deadline: Deadline::after(limit).or_earlier(Some(self.deadline)),
            ..*self
        }
    }

    fn exchange(
        &self,
        url: &HttpUrl,
        mut request: Request<()>,
        content: impl AsSendBody,
        most: usize,
    ) -> Result<Response, HttpError> {
        let started = Stopwatch::start();
        // Nobody asks a second time, so nothing is kept open for that.
        request.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        let channel = self.open(url).map_err(|error| error.timed(started))?;
        let agent = agent(Carried::new(channel, url.is_over_tls(), self.deadline));
        let (parts, ()) = request.into_parts();
        let request = Request::from_parts(parts, content);
        let answer = agent.run(request).map_err(|error| HttpError::told(error).timed(started))?;
        let (head, mut body) = answer.into_parts();
        let body = read(&head.headers, &mut body, most).map_err(|error| error.timed(started))?;
        Ok(Response {
            status: head.status.as_u16(),
            location: text(&head.headers, header::LOCATION),
            retry_after: text(&head.headers, header::RETRY_AFTER).and_then(|it| seconds(&it)),
            body,
        })
    }
}

/// The most octets of header that an answer may have.
const LONGEST_HEADER: usize = 16 * 1024;

const USER_AGENT: &str = concat!("envoi/", env!("CARGO_PKG_VERSION"));

fn request(method: Method, url: &HttpUrl, accept: &str) -> Request<()> {
    let mut request = Request::new(());
    *request.method_mut() = method;
    *request.uri_mut() = url.uri();
    if let Ok(accept) = HeaderValue::from_str(accept) {
        request.headers_mut().insert(header::ACCEPT, accept);
    }
    request
}

/// All that `ureq` would do beside writing and reading is off.
fn agent(carried: Carried) -> Agent {
    let config = Agent::config_builder()
        .proxy(None)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        .max_response_header_size(LONGEST_HEADER)
        .max_idle_connections(0)
        .user_agent(USER_AGENT)
        .build();
    Agent::with_parts(config, carried, transport::Nowhere)
}

/// The content, which ends where its length or its last chunk says. Where
/// neither does, it ends with the connection, which TLS must have ended in
/// order (RFC 9112 §9.8).
fn read(
    headers: &HeaderMap,
    body: &mut Body,
    most: usize,
) -> Result<Zeroizing<Vec<u8>>, HttpError> {
    if let Some(coding) = text(headers, header::CONTENT_ENCODING)
        && !coding.eq_ignore_ascii_case("identity")
    {
        return Err(HttpError::Encoded { coding });
    }
    if body.content_length().is_some_and(|length| length > most as u64) {
        return Err(HttpError::TooLarge { most });
    }
    // Room for all of it, and for the octet too many: what grows leaves copies
    // behind.
    let mut content = Zeroizing::new(vec![0; most + 1]);
    let mut reader = body.as_reader();
    let mut length = 0;
    while length < content.len() {
        match reader.read(&mut content[length..]) {
            Ok(0) => break,
            Ok(more) => length += more,
            Err(error) => return Err(HttpError::told(error.into())),
        }
    }
    if length > most {
        return Err(HttpError::TooLarge { most });
    }
    content.truncate(length);
    Ok(content)
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    Some(headers.get(name)?.to_str().ok()?.trim().to_owned())
}

/// RFC 9110 §10.2.3, without dates: authorization servers say seconds.
fn seconds(value: &str) -> Option<Duration> {
    value.parse().ok().map(Duration::from_secs)
}

impl fmt::Debug for Response {
    /// Without the content, which may be a token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("location", &self.location)
            .field("retry_after", &self.retry_after)
            .field("octets", &self.body.len())
            .finish()
    }
}
