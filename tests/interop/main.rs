//! The program against servers that other people wrote.
//!
//! `cargo test --test interop` starts private instances on loopback, with their
//! own configuration, directories, ports and certificates, and stops them; no
//! system service is read or touched. A server that is not installed makes its
//! tests fail with the name of the package: nothing is skipped. `tests/run`
//! installs what is needed.
//!
//! | file | says |
//! |---|---|
//! | [`exchanges`] | what every server is put through in each mode |
//! | [`postfix`], [`aiosmtpd`] | how that server is started, and what only it can show |
//! | [`proxy`] | microsocks and tinyproxy on the way to the embedded receiver |
//! | [`dovecot_lmtp`] | likewise, for LMTP over TCP and a Unix socket |
//! | [`dkim`] | whether signatures hold after Postfix, by two verifiers |
//! | [`keyring`] | GNOME's keyring, open and locked |
//! | [`letter`] | what was meant, and what Python's `email` reads in what arrived |
//! | [`openssl`] | TLS with a server that does nothing else |
//! | [`program`] | how the binary is run, and what it answered |
//! | [`secrets`] | the look for a password in its output |
//! | [`server`] | what all servers have in common: ports, waiting, an end |
//! | [`authority`] | the certificates |

#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "the rules on who may touch the world are for the program, not for who watches it"
)]

mod aiosmtpd;
mod authority;
mod dkim;
mod dovecot_lmtp;
mod exchanges;
mod keyring;
mod letter;
mod openssl;
mod postfix;
mod program;
mod proxy;
mod secrets;
mod server;
