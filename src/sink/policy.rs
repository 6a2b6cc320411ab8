//! How the receiver behaves, whoever calls.

use super::offer::Offer;
use super::replies::Refusal;
use crate::sasl::server::Users;

/// How the receiver behaves, the same on every connection.
#[derive(Clone, Debug)]
pub struct Policy {
    /// What the receiver calls itself.
    pub host: String,
    /// What EHLO offers.
    pub offer: Offer,
    /// The most octets of a message; `None` for no limit.
    pub size_limit: Option<u64>,
    /// Who may sign in.
    pub users: Users,
    /// Without signing in, no mail.
    pub require_auth: bool,
    /// Without TLS, no mail (RFC 3207 §4).
    pub require_tls: bool,
    /// AUTH is offered without TLS, too.
    pub cleartext_auth: bool,
    /// The recipients to refuse; the first rule that fits decides.
    pub refuse: Vec<Refusal>,
    /// The most recipients of a message (RFC 5321 §4.5.3.1.8: at least 100).
    pub most_recipients: usize,
}

impl Default for Policy {
    /// Everything is offered, AUTH under TLS only; everyone may sign in, and
    /// nobody must; nothing is refused.
    fn default() -> Self {
        Policy {
            host: "localhost".to_owned(),
            offer: Offer::default(),
            size_limit: None,
            users: Users::Anyone,
            require_auth: false,
            require_tls: false,
            cleartext_auth: false,
            refuse: Vec::new(),
            most_recipients: 50_000,
        }
    }
}
