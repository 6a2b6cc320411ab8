//! What to try about a proxy that made no connection.

use super::{LATER, NAME_SERVER, any_family, other_family};
use crate::cli::hint::Hint;
use crate::net::{self, ProxyFault, ProxyPlace, ProxyProtocol, Refusal};
use crate::smtp::Phase;

/// What to try, in one line.
pub(super) fn hint(proxy: &ProxyPlace, fault: &ProxyFault, phase: Phase) -> Hint {
    match fault {
        ProxyFault::Unreached(error) => of_unreached(error),
        ProxyFault::TimedOut { .. } if phase == Phase::Lookup => NAME_SERVER.into(),
        ProxyFault::TimedOut { .. } | ProxyFault::Closed { .. } if phase == Phase::Connect => {
            not_there()
        }
        // Who waits for a line never answers what has none; who waits for
        // octets of another protocol hangs up.
        ProxyFault::TimedOut { .. } | ProxyFault::Closed { .. } | ProxyFault::Foreign { .. } => {
            Hint::from("the port may speak another protocol: ").option("proxy", otherwise(proxy))
        }
        ProxyFault::TooMuch => not_there(),
        ProxyFault::NotOffered(_) | ProxyFault::NoWayIn => without(
            "envoi signs in to a proxy by user and password only; to go without the proxy: ",
        ),
        ProxyFault::WantsSignIn => format!(
            "write them into the URL, in ALL_PROXY or in a configuration file of mode 0600: \
             proxy = \"{}\"",
            signing_in(proxy)
        )
        .into(),
        ProxyFault::SignInRefused => {
            "check USER:PASSWORD in the URL of the proxy; % stands there as %25, and @ as %40"
                .into()
        }
        ProxyFault::Refused(refusal) => of_refusal(*refusal),
        ProxyFault::Status { code, .. } => of_status(*code),
    }
}

/// To do this, connect directly.
fn without(why: &str) -> Hint {
    Hint::from(why).option("proxy", "none")
}

fn not_there() -> Hint {
    without("check that the proxy runs and that its port is right; to go without it: ")
}

fn forbidden() -> Hint {
    without(
        "the rules of the proxy forbid this server or its port: ask who runs it, or go without: ",
    )
}

const WITHOUT: &str = "to go without the proxy: ";
const OUT_OF_REACH: &str =
    "check the name and the port of the server: the proxy looks the name up and connects";

fn of_unreached(error: &net::Error) -> Hint {
    match error {
        net::Error::NoSuchHost { .. } => "check the spelling of the proxy's name".into(),
        net::Error::Lookup { .. } => NAME_SERVER.into(),
        net::Error::NoAddressFrom { .. } => other_family(),
        net::Error::NoAddressOfFamily { family, .. } if family.starts_with("IP") => {
            any_family(family)
        }
        _ => not_there(),
    }
}

fn of_refusal(refusal: Refusal) -> Hint {
    match refusal {
        Refusal::NotAllowed => forbidden(),
        Refusal::GeneralFailure
        | Refusal::NetworkUnreachable
        | Refusal::HostUnreachable
        | Refusal::ConnectionRefused => OUT_OF_REACH.into(),
        Refusal::TtlExpired => LATER.into(),
        Refusal::CommandNotSupported | Refusal::Unassigned(_) => without(WITHOUT),
        Refusal::AddressTypeNotSupported => {
            "name the server by its name, or by an address of the other family".into()
        }
    }
}

fn of_status(code: u16) -> Hint {
    match code {
        403 => forbidden(),
        408 | 429 => LATER.into(),
        502..=504 => OUT_OF_REACH.into(),
        _ => without(WITHOUT),
    }
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
