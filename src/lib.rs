//! The library behind the `envoi` program, laid out in floors. It exists for
//! the program and its tests and promises nothing to others: any release may
//! change any of it.
//!
//! ```text
//!  top     cli                       argv, stdin, terminal, exit codes
//!  4       queue                     what is left, kept in files, tried again later
//!  3       delivery                  which server, which recipients, what came of it
//!  2       session                   one connection: commands out, replies in
//!  1       net                       sockets, TLS, names, the clock
//!  1       dns                       what only name servers know: SRV, MX
//!  1       maildir                   a file for each message
//!  1       mbox                      messages behind each other in one file
//!  1       log                       lines appended to a file, each whole
//!  ground  smtp · sasl · message     grammar: bytes ⇄ values
//!  yard    account                   files and environment → Account
//!  yard    sink                      the embedded receiver
//! ```
//!
//! A module names only modules below it; `tests/floors.rs` holds that.
//! ARCHITECTURE.md tells the rest.

pub mod account;
pub mod cli;
pub mod delivery;
pub mod dns;
pub mod log;
pub mod maildir;
pub mod mbox;
pub mod message;
pub mod net;
pub mod queue;
pub mod sasl;
pub mod session;
pub mod sink;
pub mod smtp;
