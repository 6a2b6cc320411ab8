//! The street: sockets, TLS, names, the clock. No protocol, no observer: it
//! takes one address or one question and returns facts.

mod binding;
mod certificate;
mod deadline;
mod endpoint;
mod error;
mod lookup;
mod proxy;
mod roots;
mod stream;
mod tcp;
mod tls;
mod verifier;

pub use binding::bindings;
pub use certificate::Summary;
pub use deadline::{Deadline, Interrupt, Stopwatch};
pub use endpoint::{Endpoint, Host, Security};
pub use error::{CertificateFault, Error};
pub use lookup::{Family, lookup};
pub use proxy::{Proxy, ProxyFault, ProxyPlace, ProxyProtocol, Refusal, UnfitSignIn};
pub use roots::Roots;
pub use stream::Stream;
pub use tcp::Tcp;
pub use tls::{Tls, TlsFacts, TlsSettings, Verification};
