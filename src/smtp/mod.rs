//! RFC 5321 and its extensions as values: bytes ⇄ values, no I/O, no clock.
//!
//! | source | subject | file |
//! |---|---|---|
//! | RFC 5321 §4.1.2, §4.1.3; RFC 6531 §3.3 | paths, mailboxes, domains | `path.rs` |
//! | RFC 5321 §2.3.1 | the envelope | `envelope.rs` |
//! | RFC 3461 §4; RFC 6533 §3 | what may be asked about reports | `dsn.rs` |
//! | RFC 4865 | how long a server is to hold a message | `hold.rs` |
//! | RFC 3461 §4 | text as the value of a parameter | `xtext.rs` |
//! | RFC 5321 §4.1.1; RFC 1870, 3030, 3207, 3461, 4865, 4954, 6152, 6531, 8689 | commands | `command.rs` |
//! | RFC 5321 §4.2; RFC 2034, 3463 | replies | `reply.rs` |
//! | RFC 5321 §4.1.1.1 | what EHLO offered | `capability.rs` |
//! | RFC 5321 §4.5.3.2 | the named waits | `phase.rs` |
//! | RFC 3030 §2; RFC 5321 §4.5.2 | content in chunks, or with dots | `data.rs` |
//! | RFC 2033 | what LMTP is | `protocol.rs` |

mod capability;
mod command;
mod data;
mod dsn;
mod envelope;
mod hold;
mod path;
mod phase;
mod protocol;
mod reply;
mod xclient;
pub(crate) mod xtext;

pub use capability::{Capabilities, Keyword};
pub use command::{Body, Command, EhloName, MailParameters};
pub use data::{Chunking, DotStuffer};
pub use dsn::{DsnRequest, EnvId, EnvIdError, NotNotify, NotRet, Notify, Orcpt, Ret};
pub use envelope::{Envelope, Recipient};
pub use hold::{Hold, HoldLimits};
pub use path::{Domain, ForwardPath, Mailbox, PathError, ReversePath};
pub use phase::{Phase, Timeouts};
pub use protocol::Protocol;
pub use reply::{EnhancedCode, Exchange, Reply, ReplyCode, ReplyError, ReplyParser, Severity};
pub use xclient::{NotXclient, Xclient};
