//! How the receiver behaves, whoever calls.

use super::fault::Rule;
use super::offer::Offer;
use super::replies::Refusal;
use crate::sasl::server::Users;
use crate::smtp::{Domain, HoldLimits};

/// How the receiver behaves, the same on every connection.
#[derive(Clone, Debug)]
pub struct Policy {
    /// What the receiver calls itself.
    pub host: String,
    /// What it says of itself in its greeting.
    pub banner: String,
    /// What is added to addresses without a domain. Without one, only
    /// `postmaster` may have none (RFC 5321 §4.1.1.3).
    pub domain: Option<Domain>,
    /// What EHLO offers.
    pub offer: Offer,
    /// The most octets of a message; `None` for no limit.
    pub size_limit: Option<u64>,
    /// How long messages may be held; without it, FUTURERELEASE is not offered.
    /// The receiver lets none go, and so holds none: it tells what was asked.
    pub hold_limits: Option<HoldLimits>,
    /// The attributes that clients may say by XCLIENT, in capitals; without any,
    /// it is not offered.
    pub xclient: Vec<&'static str>,
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
    /// The recipients to accept, and to refuse when their message has come. In
    /// SMTP, where one reply is for all, it is then refused for all.
    pub refuse_after_data: Vec<Refusal>,
    /// How it misbehaves; the first rule that counts at a stage decides.
    pub rules: Vec<Rule>,
    /// The most recipients of a message, as LIMITS then says (RFC 9422).
    pub most_recipients: Option<usize>,
}

impl Default for Policy {
    /// Everything is offered but FUTURERELEASE, LIMITS and XCLIENT, AUTH under TLS
    /// only; everyone may sign in, and nobody must; nothing is refused.
    fn default() -> Self {
        Policy {
            host: "localhost".to_owned(),
            banner: "envoi sink, which delivers nothing".to_owned(),
            domain: None,
            offer: Offer::default(),
            size_limit: None,
            hold_limits: None,
            xclient: Vec::new(),
            users: Users::Anyone,
            require_auth: false,
            require_tls: false,
            cleartext_auth: false,
            refuse: Vec::new(),
            refuse_after_data: Vec::new(),
            rules: Vec::new(),
            most_recipients: None,
        }
    }
}
