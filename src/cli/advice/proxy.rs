//! What to try about a proxy that made no connection.

use super::{LATER, NAME_SERVER};
use crate::net::{self, ProxyFault, ProxyPlace, ProxyProtocol, Refusal};
use crate::smtp::Phase;

/// What to try, in one line.
pub(super) fn hint(proxy: &ProxyPlace, fault: &ProxyFault, phase: Phase) -> String {
    match fault {
        ProxyFault::Unreached(error) => of_unreached(error),
        ProxyFault::TimedOut { .. } if phase == Phase::Lookup => NAME_SERVER.to_owned(),
        ProxyFault::TimedOut { .. } | ProxyFault::Closed { .. } if phase == Phase::Connect => {
            NOT_THERE.to_owned()
        }
        // Who waits for a line never answers what has none; who waits for
        // octets of another protocol hangs up.
        ProxyFault::TimedOut { .. } | ProxyFault::Closed { .. } | ProxyFault::Foreign { .. } => {
            format!("the port may speak another protocol: --proxy {}", otherwise(proxy))
        }
        ProxyFault::TooMuch => NOT_THERE.to_owned(),
        ProxyFault::NotOffered(_) | ProxyFault::NoWayIn => {
            format!("envoi signs in to a proxy by user and password only; {WITHOUT}")
        }
        ProxyFault::WantsSignIn => format!(
            "write them into the URL, in ALL_PROXY or in a configuration file of mode 0600: \
             proxy = \"{}\"",
            signing_in(proxy)
        ),
        ProxyFault::SignInRefused => {
            "check USER:PASSWORD in the URL of the proxy; % stands there as %25, and @ as %40"
                .to_owned()
        }
        ProxyFault::Refused(refusal) => of_refusal(*refusal),
        ProxyFault::Status { code, .. } => of_status(*code),
    }
}

const NOT_THERE: &str =
    "check that the proxy runs and that its port is right; to go without it: --proxy none";
const WITHOUT: &str = "to go without the proxy: --proxy none";
const FORBIDDEN: &str = "the rules of the proxy forbid this server or its port: ask who runs it, \
                         or go without: --proxy none";
const OUT_OF_REACH: &str =
    "check the name and the port of the server: the proxy looks the name up and connects";

fn of_unreached(error: &net::Error) -> String {
    match error {
        net::Error::NoSuchHost { .. } => "check the spelling of the proxy's name".to_owned(),
        net::Error::Lookup { .. } => NAME_SERVER.to_owned(),
        net::Error::NoAddressFrom { .. } => {
            "leave out --source, or give an address of the other family".to_owned()
        }
        net::Error::NoAddressOfFamily { family, .. } if family.starts_with("IP") => {
            format!("leave out --{}", family.to_lowercase())
        }
        _ => NOT_THERE.to_owned(),
    }
}

fn of_refusal(refusal: Refusal) -> String {
    match refusal {
        Refusal::NotAllowed => FORBIDDEN,
        Refusal::GeneralFailure
        | Refusal::NetworkUnreachable
        | Refusal::HostUnreachable
        | Refusal::ConnectionRefused => OUT_OF_REACH,
        Refusal::TtlExpired => LATER,
        Refusal::CommandNotSupported | Refusal::Unassigned(_) => WITHOUT,
        Refusal::AddressTypeNotSupported => {
            "name the server by its name, or by an address of the other family"
        }
    }
    .to_owned()
}

fn of_status(code: u16) -> String {
    match code {
        403 => FORBIDDEN,
        408 | 429 => LATER,
        502..=504 => OUT_OF_REACH,
        _ => WITHOUT,
    }
    .to_owned()
}

/// The same place by the other protocol.
fn otherwise(proxy: &ProxyPlace) -> ProxyPlace {
    let protocol = match proxy.protocol {
        ProxyProtocol::Socks5 => ProxyProtocol::Http,
        ProxyProtocol::Http => ProxyProtocol::Socks5,
    };
    ProxyPlace { protocol, ..proxy.clone() }
}

fn signing_in(proxy: &ProxyPlace) -> String {
    proxy.to_string().replacen("://", "://USER:PASSWORD@", 1)
}
