//! What has to come before a command (RFC 5321 §4.1.4).

use super::super::replies::say;
use super::Conversation;
use crate::smtp::{Keyword, Reply};

impl Conversation<'_> {
    /// The greeting has refused the client, who is heard until QUIT all the same
    /// (RFC 5321 §3.1).
    pub fn refused_at_greeting(&mut self) {
        self.is_unwilling = true;
    }

    /// Why there can be no such command behind a greeting that refused.
    pub(super) fn quit_only(&self, verb: &str) -> Option<Reply> {
        (self.is_unwilling && verb != "QUIT")
            .then(|| say(503, "5.5.1 There is no service here; QUIT ends it"))
    }

    /// Why there can be no such command in clear, where TLS is demanded.
    pub(super) fn tls_first(&self, verb: &str) -> Option<Reply> {
        let before_tls = matches!(verb, "NOOP" | "EHLO" | "LHLO" | "STARTTLS" | "QUIT");
        (self.policy.require_tls && !self.tls && !before_tls)
            .then(|| say(530, "5.7.0 STARTTLS comes first"))
    }

    /// Why there can be no mail yet. The order matters: behind STARTTLS a
    /// client that forgot EHLO is told so (RFC 3207 §4.2).
    pub(super) fn not_yet(&self) -> Option<Reply> {
        if self.hello.is_none() {
            return Some(self.hello_first());
        }
        self.unknown_user()
    }

    /// Why whoever has not signed in has to wait.
    pub(super) fn unknown_user(&self) -> Option<Reply> {
        if self.policy.require_auth && self.user.is_none() {
            let hint = if self.offers(Keyword::Auth) { "" } else { ", after STARTTLS" };
            return Some(say(530, &format!("5.7.0 Sign in first{hint}")));
        }
        None
    }
}
