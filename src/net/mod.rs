//! The street: sockets, TLS, names, the clock. No protocol, no observer: it
//! takes one address or one question and returns facts.

mod endpoint;

pub use endpoint::{Endpoint, Host, Security};
