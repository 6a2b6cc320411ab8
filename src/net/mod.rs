//! The street: sockets, TLS, names, the clock. No protocol, no observer: it
//! takes one address or one question and returns facts.

mod binding;
mod certificate;
mod client_auth;
mod client_certificate;
mod connector;
mod deadline;
mod diagnosis;
mod endpoint;
mod error;
mod http;
mod lookup;
mod loopback;
mod pin;
mod proxy;
mod proxy_header;
mod roots;
mod socket;
mod stream;
mod syslog;
mod tls;
mod verifier;

pub use binding::bindings;
pub use certificate::Summary;
pub use client_auth::ClientAuth;
pub use client_certificate::{ClientCertificate, ClientCertificateError};
pub use connector::{SessionCache, TlsSettings, TlsVersion, Verification, cipher_suites};
pub use deadline::{Deadline, Interrupt, Stopwatch};
pub use endpoint::{Address, Endpoint, Host, Place, Security, SocketPath};
pub use error::{CertificateFault, ClientCertificateFault, Error, Link};
pub use http::{Authorization, Form, Http, HttpError, HttpUrl, ProxyTo, Response, UrlError};
pub use lookup::{Family, lookup};
pub use loopback::{Loopback, Visit};
pub use pin::{Fingerprint, Pin, PinError};
pub use proxy::{Proxy, ProxyFault, ProxyPlace, ProxyProtocol, Refusal, UnfitSignIn};
pub use proxy_header::{
    NotProxied, NotProxyHeader, Proxied, ProxyHeader, ProxyHeaderVersion, ProxyReading,
};
pub use roots::{Roots, SystemPaths, certificates};
pub use socket::Socket;
pub use stream::Stream;
pub use syslog::{Facility, Severity, Stamp, Syslog};
pub use tls::{Tls, TlsFacts};
pub use verifier::fault_under;
