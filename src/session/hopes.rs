//! What is hoped for in each phase, and how strictly replies are read in it.

use crate::smtp::{Exchange, Phase, Reply, ReplyCode, Severity};

/// Whether this reply is the one that the phase waits for.
pub(super) fn is_hoped_for(phase: Phase, reply: &Reply) -> bool {
    match phase {
        Phase::Data => reply.code == ReplyCode::START_INPUT,
        Phase::Auth => reply.severity() == Severity::Positive || reply.code == ReplyCode::CHALLENGE,
        // Nothing is, before the message has ended.
        Phase::Content => false,
        Phase::Lookup
        | Phase::Connect
        | Phase::Proxy
        | Phase::Handshake
        | Phase::Greeting
        | Phase::Hello
        | Phase::StartTls
        | Phase::Xclient
        | Phase::Mail
        | Phase::Rcpt
        | Phase::Chunk
        | Phase::EndOfData
        | Phase::Reset
        | Phase::Quit => reply.severity() == Severity::Positive,
    }
}

/// How strictly replies are read in this phase.
pub(super) fn exchange(phase: Phase) -> Exchange {
    match phase {
        Phase::StartTls | Phase::Auth => Exchange::Guarded,
        Phase::Lookup
        | Phase::Connect
        | Phase::Proxy
        | Phase::Handshake
        | Phase::Greeting
        | Phase::Hello
        | Phase::Xclient
        | Phase::Mail
        | Phase::Rcpt
        | Phase::Data
        | Phase::Content
        | Phase::Chunk
        | Phase::EndOfData
        | Phase::Reset
        | Phase::Quit => Exchange::Ordinary,
    }
}
