//! Why there is no answer by HTTP.

use super::LONGEST_HEADER;
use crate::net::deadline::Stopwatch;
use crate::net::error::{Error, words};
use std::io::ErrorKind;
use std::time::Duration;

/// Why a request had no answer that can be used. Fits behind the URL.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HttpError {
    /// Which proxy leads there cannot be told.
    #[error("{0}")]
    NoWay(Box<dyn std::error::Error + Send + Sync>),
    /// No connection: the look-up, the proxy, or the server itself.
    #[error("{0}")]
    Unreached(Error),
    /// TLS could not be had, or not with this server's certificate.
    #[error("{0}")]
    Tls(Error),
    /// The connection broke.
    #[error("{0}")]
    Broke(Error),
    /// It took too long, all in all.
    #[error("timed out after {}", words(*.after))]
    TimedOut {
        /// How long was waited.
        after: Duration,
    },
    /// The user asked to stop.
    #[error("interrupted")]
    Interrupted,
    /// More content than is read.
    #[error("the answer has more than {most} octets")]
    TooLarge {
        /// How much would have been read, in octets.
        most: usize,
    },
    /// More header than is read.
    #[error("the answer has more than {LONGEST_HEADER} octets of header")]
    HeaderTooLarge,
    /// Content in a form that was not asked for.
    #[error("the answer comes in the encoding ‘{coding}’, which was not asked for")]
    Encoded {
        /// The content coding (RFC 9110 §8.4.1), as it came.
        coding: String,
    },
    /// The answer does not begin as one.
    #[error("the answer is not HTTP")]
    NotHttp {
        /// How it begins, at most a few dozen octets.
        octets: Vec<u8>,
    },
    /// The answer begins as one, and goes on as something else.
    #[error("the answer is not proper HTTP: {0}")]
    Malformed(String),
}

impl HttpError {
    /// True when the same request may have an answer later.
    pub fn is_temporary(&self) -> bool {
        match self {
            HttpError::Unreached(error) => may_be_reached_later(error),
            // Somebody hung up, or said nothing.
            HttpError::Tls(error) => matches!(error, Error::Closed { .. } | Error::Io(_)),
            HttpError::Broke(_) | HttpError::TimedOut { .. } | HttpError::Interrupted => true,
            HttpError::NoWay(_)
            | HttpError::TooLarge { .. }
            | HttpError::HeaderTooLarge
            | HttpError::Encoded { .. }
            | HttpError::NotHttp { .. }
            | HttpError::Malformed(_) => false,
        }
    }

    /// The error as `ureq` tells it; those of our own channel come back as what
    /// they were.
    pub(super) fn told(error: ureq::Error) -> Self {
        match error {
            ureq::Error::Other(inner) => match inner.downcast::<HttpError>() {
                Ok(ours) => *ours,
                Err(other) => HttpError::Malformed(other.to_string()),
            },
            ureq::Error::Io(error) if error.kind() == ErrorKind::UnexpectedEof => {
                HttpError::Broke(Error::Closed { abruptly: false })
            }
            ureq::Error::Io(error) => HttpError::Broke(error.into()),
            ureq::Error::LargeResponseHeader(..) => HttpError::HeaderTooLarge,
            ureq::Error::Protocol(error) => HttpError::Malformed(error.to_string()),
            other => HttpError::Malformed(other.to_string()),
        }
    }

    /// With the time that the whole request took in place of its last part, and
    /// the user's wish to stop by its own name.
    pub(super) fn timed(self, started: Stopwatch) -> Self {
        match self {
            HttpError::Unreached(Error::TimedOut { .. })
            | HttpError::Tls(Error::TimedOut { .. })
            | HttpError::Broke(Error::TimedOut { .. }) => {
                HttpError::TimedOut { after: started.elapsed() }
            }
            HttpError::Unreached(Error::Interrupted)
            | HttpError::Tls(Error::Interrupted)
            | HttpError::Broke(Error::Interrupted) => HttpError::Interrupted,
            other => other,
        }
    }
}

fn may_be_reached_later(error: &Error) -> bool {
    match error {
        Error::Lookup { .. }
        // The address may come back, as one of a VPN does.
        | Error::Source { .. }
        | Error::Connect { .. }
        | Error::TimedOut { .. }
        | Error::Interrupted
        | Error::Closed { .. }
        | Error::Io(_) => true,
        Error::Proxy { fault, .. } => fault.may_pass(may_be_reached_later),
        Error::NoSuchHost { .. }
        | Error::NoAddressOfFamily { .. }
        | Error::NoAddressFrom { .. }
        | Error::NotASocket(_)
        | Error::Forbidden(_)
        | Error::NotTls { .. }
        | Error::Certificate { .. }
        | Error::NoCommonVersion { .. }
        | Error::NoCommonSuite
        | Error::ClientCertificate(_)
        | Error::Tls(_)
        | Error::TlsName(_)
        | Error::Roots { .. }
        | Error::SystemRoots(_) => false,
    }
}
