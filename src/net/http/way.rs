//! The connection that a request travels on: straight or through a proxy, and
//! TLS over it.

use super::{Http, HttpError, HttpUrl};
use crate::net::connector::TlsSettings;
use crate::net::deadline::Deadline;
use crate::net::endpoint::{Address, Endpoint, Host, Place, Security};
use crate::net::error::Error;
use crate::net::lookup::{Family, lookup};
use crate::net::proxy::Proxy;
use crate::net::socket::Socket;
use crate::net::stream::Stream;
use crate::net::tls::Tls;
use crate::smtp::Protocol;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// The limit of a connection while further addresses remain to be tried.
const PATIENCE_WITH_OTHERS: Duration = Duration::from_secs(5);

impl Http<'_> {
    /// A channel to the server of the URL.
    pub(super) fn open(&self, url: &HttpUrl) -> Result<Box<dyn Stream>, HttpError> {
        let server = server(url);
        let proxy = (self.proxy)(&server).map_err(HttpError::NoWay)?;
        let mut socket = self.connect(url, proxy).map_err(|error| {
            HttpError::Unreached(match (proxy, error) {
                // Where our own end cannot be had, it is nobody's but ours.
                (None, error) | (_, error @ Error::Source { .. }) => error,
                (Some(proxy), error) => proxy.place().blamed(error),
            })
        })?;
        socket.arm(self.deadline);
        if let Some(proxy) = proxy {
            proxy.open(&mut socket, &server).map_err(HttpError::Unreached)?;
        }
        if !url.is_over_tls() {
            return Ok(Box::new(socket));
        }
        let settings =
            TlsSettings { roots: self.roots.clone(), least: self.least, ..TlsSettings::default() };
        let tls = Tls::handshake(Box::new(socket), url.host(), &settings);
        Ok(Box::new(tls.map_err(HttpError::Tls)?))
    }

    /// Connects to the first address that can be connected to, of the server or
    /// of the proxy.
    fn connect(&self, url: &HttpUrl, proxy: Option<&Proxy>) -> Result<Socket, Error> {
        let (host, port) = match proxy.map(Proxy::place) {
            Some(place) => (&place.host, place.port),
            None => (url.host(), url.port()),
        };
        let addresses = self.addresses(host)?;
        let (last, others) = addresses.split_last().ok_or_else(|| {
            // `lookup` gives one, or says why not.
            Error::NoAddressOfFamily { host: host.to_string(), family: self.family.name() }
        })?;
        for ip in others {
            let deadline = Deadline::after(PATIENCE_WITH_OTHERS).or_earlier(Some(self.deadline));
            match self.connect_to(SocketAddr::new(*ip, port), deadline) {
                Ok(socket) => return Ok(socket),
                Err(error @ (Error::Interrupted | Error::Source { .. })) => return Err(error),
                Err(_) => {}
            }
        }
        self.connect_to(SocketAddr::new(*last, port), self.deadline)
    }

    fn addresses(&self, host: &Host) -> Result<Vec<IpAddr>, Error> {
        let family = self.source.map_or(self.family, Family::of);
        lookup(host, family, self.deadline, self.interrupt).map_err(|error| {
            match (error, self.source) {
                (Error::NoAddressOfFamily { host, .. }, Some(from)) => {
                    Error::NoAddressFrom { host, from }
                }
                (error, _) => error,
            }
        })
    }

    fn connect_to(&self, address: SocketAddr, deadline: Deadline) -> Result<Socket, Error> {
        Socket::connect(&Address::Tcp(address), self.source, deadline, self.interrupt)
    }
}

/// The server as proxies are told of it. What is spoken there matters to none.
fn server(url: &HttpUrl) -> Endpoint {
    Endpoint {
        place: Place::Tcp { host: url.host().clone(), port: url.port() },
        protocol: Protocol::Smtp,
        security: if url.is_over_tls() { Security::Implicit } else { Security::Cleartext },
    }
}
