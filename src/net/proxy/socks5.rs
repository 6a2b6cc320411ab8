//! SOCKS5 (RFC 1928), with user and password (RFC 1929).

use super::{ProxyFault, ProxyProtocol, Refusal, UnfitSignIn, fill, read_exactly};
use crate::net::endpoint::{Endpoint, Host};
use crate::net::stream::Stream;
use crate::sasl::Credentials;
use std::net::IpAddr;
use zeroize::Zeroizing;

const VERSION: u8 = 5;
const NO_AUTHENTICATION: u8 = 0;
const USER_AND_PASSWORD: u8 = 2;
const NO_ACCEPTABLE_METHOD: u8 = 0xff;
const SIGN_IN_VERSION: u8 = 1;
const CONNECT: u8 = 1;
const IPV4: u8 = 1;
const NAME: u8 = 3;
const IPV6: u8 = 4;
/// Octets of a port.
const PORT: usize = 2;

/// RFC 1929 §2: their lengths are octets.
pub(super) fn fit(who: &Credentials) -> Result<(), UnfitSignIn> {
    let fits = |octets: &[u8]| u8::try_from(octets.len()).is_ok();
    let both_fit = fits(who.user.as_bytes()) && fits(who.password.expose());
    both_fit.then_some(()).ok_or(UnfitSignIn::TooLong)
}

pub(super) fn open(
    channel: &mut dyn Stream,
    server: &Endpoint,
    who: Option<&Credentials>,
) -> Result<(), ProxyFault> {
    match (method(channel, who.is_some())?, who) {
        (NO_AUTHENTICATION, _) => {}
        (USER_AND_PASSWORD, Some(who)) => sign_in(channel, who)?,
        (NO_ACCEPTABLE_METHOD, None) => return Err(ProxyFault::WantsSignIn),
        (NO_ACCEPTABLE_METHOD, Some(_)) => return Err(ProxyFault::NoWayIn),
        (other, _) => return Err(ProxyFault::NotOffered(other)),
    }
    channel.write_all(&request(server))?;
    granted(channel)
}

/// RFC 1928 §3.
fn method(channel: &mut dyn Stream, can_sign_in: bool) -> Result<u8, ProxyFault> {
    let offer: &[u8] = if can_sign_in {
        &[VERSION, 2, NO_AUTHENTICATION, USER_AND_PASSWORD]
    } else {
        &[VERSION, 1, NO_AUTHENTICATION]
    };
    channel.write_all(offer)?;
    let [version, method] = read_exactly(channel)?;
    is_socks5([version, method])?;
    Ok(method)
}

/// RFC 1929 §2.
fn sign_in(channel: &mut dyn Stream, who: &Credentials) -> Result<(), ProxyFault> {
    // Room for all of it: what grows leaves copies behind.
    let mut message = Zeroizing::new(Vec::with_capacity(3 + 2 * usize::from(u8::MAX)));
    message.push(SIGN_IN_VERSION);
    for text in [who.user.as_bytes(), who.password.expose()] {
        message.push(length(text));
        message.extend_from_slice(text);
    }
    channel.write_all(&message)?;
    // Some proxies put 5 where their version of this message should stand; the
    // status is what counts.
    let [_version, status] = read_exactly(channel)?;
    if status == 0 { Ok(()) } else { Err(ProxyFault::SignInRefused) }
}

/// RFC 1928 §4.
fn request(server: &Endpoint) -> Vec<u8> {
    let mut request = vec![VERSION, CONNECT, 0];
    match &server.host {
        Host::Name(name) => {
            request.extend([NAME, length(name.as_bytes())]);
            request.extend_from_slice(name.as_bytes());
        }
        Host::Address(IpAddr::V4(address)) => {
            request.push(IPV4);
            request.extend(address.octets());
        }
        Host::Address(IpAddr::V6(address)) => {
            request.push(IPV6);
            request.extend(address.octets());
        }
    }
    request.extend(server.port.to_be_bytes());
    request
}

/// RFC 1928 §6. What the proxy bound is read and passed over.
fn granted(channel: &mut dyn Stream) -> Result<(), ProxyFault> {
    let [version, code] = read_exactly(channel)?;
    is_socks5([version, code])?;
    if let Some(refusal) = refusal(code) {
        return Err(ProxyFault::Refused(refusal));
    }
    let [_reserved, kind] = read_exactly(channel)?;
    let address = match kind {
        IPV4 => 4,
        IPV6 => 16,
        NAME => usize::from(read_exactly::<1>(channel)?[0]),
        other => return Err(foreign(&[version, code, 0, other])),
    };
    fill(channel, &mut vec![0; address + PORT])
}

fn refusal(code: u8) -> Option<Refusal> {
    Some(match code {
        0 => return None,
        1 => Refusal::GeneralFailure,
        2 => Refusal::NotAllowed,
        3 => Refusal::NetworkUnreachable,
        4 => Refusal::HostUnreachable,
        5 => Refusal::ConnectionRefused,
        6 => Refusal::TtlExpired,
        7 => Refusal::CommandNotSupported,
        8 => Refusal::AddressTypeNotSupported,
        other => Refusal::Unassigned(other),
    })
}

fn is_socks5(answer: [u8; 2]) -> Result<(), ProxyFault> {
    if answer[0] == VERSION { Ok(()) } else { Err(foreign(&answer)) }
}

fn foreign(answer: &[u8]) -> ProxyFault {
    ProxyFault::Foreign { expected: ProxyProtocol::Socks5, octets: answer.to_vec() }
}

fn length(text: &[u8]) -> u8 {
    u8::try_from(text.len()).expect("`fit` measured the sign-in, and a domain has 255 octets")
}
