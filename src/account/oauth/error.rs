//! Why there is no token.

use crate::account::secret::SecretError;
use crate::net::HttpError;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// What an issuer says against a request (RFC 6749 §4.1.2.1, §5.2), as it wrote
/// it: escape it before a person sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorAnswer {
    /// A word, such as `invalid_grant`.
    pub code: String,
    /// What it says to people.
    pub description: Option<String>,
}

impl fmt::Display for ErrorAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let short = |text: &str| text.chars().take(LONGEST_SAYING).collect::<String>();
        f.write_str(&short(&self.code))?;
        match self.description.as_deref().map(str::trim) {
            None | Some("") => Ok(()),
            // Microsoft adds numbers of traces, each on a line of its own.
            Some(text) => write!(f, " ({})", short(text.lines().next().unwrap_or_default())),
        }
    }
}

const LONGEST_SAYING: usize = 300;

/// Why there is no token. It never holds one, or a secret of a client.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OAuthError {
    /// Nothing says which client asks.
    #[error("nothing says by which client-id {issuer} knows this client")]
    NoClient {
        /// Who issues tokens.
        issuer: String,
    },
    /// There was no login yet, or it was ended.
    #[error("{user} is not logged in at {issuer}")]
    NotLoggedIn {
        /// Who signs in.
        user: String,
        /// Who issues tokens.
        issuer: String,
    },
    /// The login was made by another client, for which alone its tokens are
    /// renewed.
    #[error("the login of {user} at {issuer} was made with another client-id")]
    OtherClient {
        /// Who signs in.
        user: String,
        /// Who issues tokens.
        issuer: String,
    },
    /// The access token has expired, and the login gave nothing that renews it.
    #[error("the login of {user} at {issuer} has expired, and was given no token that renews it")]
    NotRenewable {
        /// Who signs in.
        user: String,
        /// Who issues tokens.
        issuer: String,
    },
    /// The login does not hold any more: it expired or was revoked.
    #[error("the login of {user} at {issuer} is over: {answer}")]
    Over {
        /// Who signs in.
        user: String,
        /// Who issues tokens.
        issuer: String,
        /// What the issuer says.
        answer: ErrorAnswer,
    },
    /// The issuer said no.
    #[error("{url} refused {asked}: {answer}")]
    Refused {
        /// Who was asked.
        url: String,
        /// A clause on what for.
        asked: &'static str,
        /// What it says.
        answer: ErrorAnswer,
    },
    /// The user, or whoever was asked in the user's place, said no.
    #[error("the login was denied{}", in_brackets(.description.as_deref()))]
    Denied {
        /// What the issuer says of it.
        description: Option<String>,
    },
    /// Nobody approved the login while that was possible.
    #[error("nobody approved the login in time")]
    Expired,
    /// No answer came.
    #[error("{url} cannot be asked")]
    Unreached {
        /// Who was asked.
        url: String,
        /// Why.
        source: Box<HttpError>,
    },
    /// An answer that is no answer to what was asked, and says no more.
    #[error("{url} answered with the HTTP status {status}")]
    Status {
        /// Who was asked.
        url: String,
        /// The status.
        status: u16,
        /// How long to wait, as far as it says (RFC 9110 §10.2.3).
        retry_after: Option<Duration>,
    },
    /// An answer that cannot be made sense of.
    #[error("what {url} answered is no {what}: {why}")]
    Nonsense {
        /// Who was asked.
        url: String,
        /// What it should have been.
        what: &'static str,
        /// A clause.
        why: String,
    },
    /// Metadata, or an answer by way of the browser, of somebody else.
    #[error("{url} speaks for another issuer: for ‘{said}’, not ‘{asked}’")]
    OtherIssuer {
        /// Where it was said.
        url: String,
        /// Whose was wanted.
        asked: String,
        /// Whose it is.
        said: String,
    },
    /// The issuer has no endpoint for this way.
    #[error("{issuer} has no way to log in {way}")]
    NoWay {
        /// Who issues tokens.
        issuer: String,
        /// `with a browser`, `with a code`.
        way: &'static str,
    },
    /// What the browser brought is no answer to what it was sent with.
    #[error("what the browser brought back is no answer from {issuer}: {why}")]
    Forged {
        /// Who issues tokens.
        issuer: String,
        /// A clause.
        why: &'static str,
    },
    /// No port of this machine can be listened on.
    #[error("cannot listen on this machine for what the browser brings back")]
    Listen(#[source] io::Error),
    /// The secret of the client cannot be had.
    #[error("the secret of the client cannot be had")]
    ClientSecret(#[source] SecretError),
    /// What is kept of logins cannot be read or changed.
    #[error("the tokens cannot be {doing}")]
    Store {
        /// `read`, `kept`, `removed`.
        doing: &'static str,
        /// Why.
        source: SecretError,
    },
    /// What is kept is not what was put there.
    #[error("what {place} holds are no tokens of envoi's: {why}")]
    Damaged {
        /// The store.
        place: String,
        /// A clause.
        why: String,
    },
    /// What is kept there are the tokens of somebody else.
    #[error("the tokens that {place} holds are those of {user}")]
    OtherUser {
        /// The store.
        place: String,
        /// Whose they are.
        user: String,
    },
    /// A file cannot be written or locked.
    #[error("cannot {doing} {file}", file = .file.display())]
    File {
        /// `write`, `lock`, `remove`.
        doing: &'static str,
        /// The path.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Neither `XDG_STATE_HOME` nor `HOME` is set.
    #[error("there is no place for a lock: neither XDG_STATE_HOME nor HOME is set")]
    NoState,
    /// Another process renews the token, and does not come to its end.
    #[error("another process has been renewing the token for {} s", .after.as_secs())]
    Locked {
        /// How long it was waited for.
        after: Duration,
    },
    /// The machine has no random octets.
    #[error("the system gives no random octets")]
    NoRandomness,
    /// The user asked to stop.
    #[error("interrupted")]
    Interrupted,
}

impl OAuthError {
    /// True where the same attempt may go well later, with nothing set right
    /// before.
    pub fn is_temporary(&self) -> bool {
        match self {
            OAuthError::Unreached { source, .. } => source.is_temporary(),
            OAuthError::Status { status, .. } => matches!(status, 429 | 500..=599),
            OAuthError::Refused { answer, .. } => {
                // RFC 6749 §4.1.2.1; RFC 8628 §3.5.
                matches!(&*answer.code, "server_error" | "temporarily_unavailable" | "slow_down")
            }
            OAuthError::ClientSecret(source) | OAuthError::Store { source, .. } => {
                source.is_temporary()
            }
            OAuthError::Locked { .. } | OAuthError::Expired | OAuthError::Interrupted => true,
            OAuthError::NoClient { .. }
            | OAuthError::NotLoggedIn { .. }
            | OAuthError::OtherClient { .. }
            | OAuthError::NotRenewable { .. }
            | OAuthError::Over { .. }
            | OAuthError::Denied { .. }
            | OAuthError::Nonsense { .. }
            | OAuthError::OtherIssuer { .. }
            | OAuthError::NoWay { .. }
            | OAuthError::Forged { .. }
            | OAuthError::Listen(_)
            | OAuthError::Damaged { .. }
            | OAuthError::OtherUser { .. }
            | OAuthError::File { .. }
            | OAuthError::NoState
            | OAuthError::NoRandomness => false,
        }
    }

    /// True where somebody has to log in, again or for the first time.
    pub fn wants_login(&self) -> bool {
        matches!(
            self,
            OAuthError::NotLoggedIn { .. }
                | OAuthError::OtherClient { .. }
                | OAuthError::NotRenewable { .. }
                | OAuthError::Over { .. }
        )
    }

    /// How long the issuer asks to be left alone, if it is only busy, and says
    /// so.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self {
            OAuthError::Status { retry_after, .. } if self.is_temporary() => *retry_after,
            _ => None,
        }
    }

    /// True for a refusal with this word.
    pub(super) fn has_code(&self, code: &str) -> bool {
        matches!(self, OAuthError::Refused { answer, .. } if answer.code == code)
    }
}

fn in_brackets(text: Option<&str>) -> String {
    text.map(|text| format!(" ({text})")).unwrap_or_default()
}
