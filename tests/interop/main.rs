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
//! | [`sign_in`] | every mechanism at every server in each mode, and what each server offers |
//! | [`postfix`], [`exim`], [`dovecot`], [`cyrus`], [`aiosmtpd`], [`sink`] | how that server is started, and what only it can show |
//! | [`middle`] | a relay with a certificate of its own between program and server |
//! | [`msmtp`] | msmtp, with one configuration for both |
//! | [`proxy`] | microsocks and tinyproxy on the way to the embedded receiver |
//! | [`callers`] | cron, at, mail programs, git, swaks, PHP and libraries that call the program as their sendmail |
//! | [`chunking`] | BDAT at Postfix and Exim |
//! | [`clients`] | clients of other people before `envoi sink`, each in every mode it has |
//! | [`contrib`] | what stands in `contrib/`, with systemd, cron, logrotate and PHP |
//! | [`dovecot_lmtp`] | likewise, for LMTP over TCP and a Unix socket |
//! | [`dkim`] | whether signatures hold after Postfix, by two verifiers |
//! | [`dns`] | Knot DNS and Unbound: what the resolver makes of their answers |
//! | [`caught`] | mailboxes and files of the receiver, read by Python and s-nail, and what it sends on to Postfix |
//! | [`check`] | `envoi check` of a Postfix that is broken, and of what name servers say |
//! | [`identity`] | an issuer of tokens, logging in there, and Dovecot, which asks it |
//! | [`dsn`] | reports of delivery, as Postfix sends them |
//! | [`keyring`] | GNOME's keyring, open and locked |
//! | [`logged`] | the log beside that of msmtp, in a file and through rsyslog |
//! | [`letter`] | what was meant, and what Python's `email` reads in what arrived |
//! | [`newcomer`] | from an address to a message that arrived: `envoi account add` against name servers, documents and Postfix |
//! | [`http`] | Python's HTTP server and OpenSSL's, with forms, chunks and redirects |
//! | [`openssl`] | TLS with a server that does nothing else |
//! | [`program`] | how the binary is run, and what it answered |
//! | [`secrets`] | the look for passwords, tokens and keys in its output and around it |
//! | [`scram`] | what SCRAM makes of a password |
//! | [`swaks`] | swaks beside the program: the same commands, transcripts, and a manual with every option |
//! | [`token`] | the tokens that Dovecot checks |
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
mod callers;
mod caught;
mod check;
mod chunking;
mod clients;
mod contrib;
mod cyrus;
mod dkim;
mod dns;
mod dovecot;
mod dovecot_lmtp;
mod dsn;
mod exchanges;
mod exim;
mod http;
mod identity;
mod keyring;
mod letter;
mod logged;
mod middle;
mod msmtp;
mod newcomer;
mod openssl;
mod postfix;
mod program;
mod proxy;
mod scram;
mod secrets;
mod server;
mod sign_in;
mod sink;
mod swaks;
mod token;
