//! CONNECT of HTTP/1.1 (RFC 9110 §9.3.6), with the Basic scheme (RFC 7617).

use super::{ProxyFault, ProxyProtocol, UnfitSignIn, read_exactly};
use crate::net::endpoint::Endpoint;
use crate::net::stream::Stream;
use crate::sasl::Credentials;
use encodify::base64;
use zeroize::Zeroizing;

/// The most octets of header that are read.
pub(super) const LONGEST_HEADER: usize = 16 * 1024;

/// RFC 7617 §2.
pub(super) fn fit(who: &Credentials) -> Result<(), UnfitSignIn> {
    let is_control = |octet: &u8| octet.is_ascii_control();
    let unfit = who.user.contains(':')
        || who.user.bytes().any(|octet| is_control(&octet))
        || who.password.expose().iter().any(is_control);
    if unfit { Err(UnfitSignIn::Characters) } else { Ok(()) }
}

pub(super) fn open(
    channel: &mut dyn Stream,
    server: &Endpoint,
    who: Option<&Credentials>,
) -> Result<(), ProxyFault> {
    channel.write_all(&request(server, who))?;
    let mut left = LONGEST_HEADER;
    loop {
        let (code, reason) = status(&header(channel, &mut left)?)?;
        return match code {
            // RFC 9110 §15.2: the answer is yet to come.
            100..=199 => continue,
            200..=299 => Ok(()),
            // 407 is the proxy's own (RFC 9110 §15.5.8); tinyproxy says 401 of a
            // password that is wrong.
            401 | 407 if who.is_some() => Err(ProxyFault::SignInRefused),
            407 => Err(ProxyFault::WantsSignIn),
            _ => Err(ProxyFault::Status { code, reason }),
        };
    }
}

fn request(server: &Endpoint, who: Option<&Credentials>) -> Zeroizing<Vec<u8>> {
    let start = format!("CONNECT {server} HTTP/1.1\r\nHost: {server}\r\n");
    let mut request = Zeroizing::new(start.into_bytes());
    if let Some(who) = who {
        let pair = Zeroizing::new([who.user.as_bytes(), b":", who.password.expose()].concat());
        // Room for all of it: what grows leaves copies behind.
        request.reserve(2 * pair.len() + 64);
        request.extend_from_slice(b"Proxy-Authorization: Basic ");
        base64::STANDARD.encode_append(&*pair, &mut *request);
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"\r\n");
    request
}

/// Reads one header with the empty line at its end. One octet at a time, since
/// what follows is the server's; nothing follows a header but that (RFC 9110
/// §9.3.6: lengths in it mean nothing).
fn header(channel: &mut dyn Stream, left: &mut usize) -> Result<Vec<u8>, ProxyFault> {
    let mut header: Vec<u8> = Vec::new();
    while !header.ends_with(b"\n\r\n") && !header.ends_with(b"\n\n") {
        *left = left.checked_sub(1).ok_or(ProxyFault::TooMuch)?;
        header.extend(read_exactly::<1>(channel)?);
        // Not a header at all: no use waiting for its end.
        if !START.starts_with(&header[..header.len().min(START.len())]) {
            return Err(foreign(&header));
        }
    }
    Ok(header)
}

const START: &[u8] = b"HTTP/1.";

/// Code and reason phrase of a status line (RFC 9112 §4), such as
/// `HTTP/1.1 403 Forbidden`.
fn status(header: &[u8]) -> Result<(u16, String), ProxyFault> {
    let line = header.split(|&octet| octet == b'\n').next().unwrap_or_default();
    let line = String::from_utf8_lossy(line);
    let mut parts = line.trim_end().splitn(3, ' ');
    let code = parts.nth(1).filter(|code| code.len() == 3).and_then(|code| code.parse().ok());
    match code {
        Some(code @ 100..=599) => Ok((code, parts.next().unwrap_or_default().to_owned())),
        _ => Err(foreign(header)),
    }
}

fn foreign(answer: &[u8]) -> ProxyFault {
    let octets = answer.iter().take(64).copied().collect();
    ProxyFault::Foreign { expected: ProxyProtocol::Http, octets }
}
