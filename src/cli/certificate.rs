//! What was wrong with a certificate, in a sentence, and what to try.

use super::hint::Hint;
use crate::account;
use crate::net::{CertificateFault, ClientCertificateFault, Summary};
use jiff::Timestamp;
use std::time::{Duration, SystemTime};

/// What is wrong, in a clause. As the server sent it: escape it.
pub(super) fn words(fault: &CertificateFault) -> String {
    match fault {
        CertificateFault::UnknownIssuer { issuer, is_sent: true } => {
            format!(
                "the server's certificate leads to the authority ‘{issuer}’, which is not trusted here"
            )
        }
        CertificateFault::UnknownIssuer { issuer, is_sent: false } => format!(
            "the server's certificate leads to ‘{issuer}’, which is not trusted here, \
             and whose own certificate the server does not send"
        ),
        CertificateFault::Expired { place, not_after, now } => {
            format!("{place} expired on {}, {} ago", day(*not_after), span(*not_after, *now))
        }
        CertificateFault::NotYetValid { place, not_before, now } => {
            format!(
                "{place} is not valid before {}, in {}",
                day(*not_before),
                span(*now, *not_before)
            )
        }
        CertificateFault::WrongName { asked, presented, common_name } => {
            let instead = match (&presented[..], common_name) {
                ([], Some(name)) => format!(
                    ": it bears ‘{name}’ as its common name only, which counts no longer (RFC 9525)"
                ),
                ([], None) => ": it bears no name at all".to_owned(),
                (names, _) => format!(", but for {}", listed(names)),
            };
            format!("the server's certificate is not for {asked}{instead}")
        }
        CertificateFault::BadSignature { issuer } => format!(
            "the server's certificate leads to ‘{issuer}’, but was not signed by the key of it \
             that is known here"
        ),
        CertificateFault::NotForServers => {
            "the server's certificate is not meant for servers, by its extended key usage"
                .to_owned()
        }
        CertificateFault::WeakKey { place, bits } => {
            format!("the key of {place} is RSA of {bits} bits; it takes 2048 to 8192 to be trusted")
        }
        other => other.to_string(),
    }
}

/// A word for programs.
pub(super) fn kind(fault: &CertificateFault) -> &'static str {
    match fault {
        CertificateFault::UnknownIssuer { .. } => "unknown-issuer",
        CertificateFault::SelfSigned => "self-signed",
        CertificateFault::AuthorityAsServer => "authority-as-server",
        CertificateFault::Expired { .. } => "expired",
        CertificateFault::NotYetValid { .. } => "not-yet-valid",
        CertificateFault::WrongName { .. } => "wrong-name",
        CertificateFault::NotForServers => "not-for-servers",
        CertificateFault::Forgeable { .. } => "forgeable-signature",
        CertificateFault::WeakKey { .. } => "weak-key",
        CertificateFault::BadSignature { .. } => "bad-signature",
        CertificateFault::NoProofOfKey => "no-proof-of-key",
        CertificateFault::NotPinned => "not-pinned",
        _ => "other",
    }
}

/// What to try, one line each. `chain` is what the server sent.
pub(super) fn hints(fault: &CertificateFault, chain: &[Summary]) -> Vec<Hint> {
    let mut hints = of_fault(fault);
    if can_be_pinned(fault)
        && let Some(own) = chain.first()
    {
        let pin = format!("spki-sha256:{}", own.spki_sha256.base64());
        hints.push(
            Hint::from("if its operator tells you that this is the server's key: ")
                .option("tls-pin", &pin)
                .either(format!(" (in the configuration: tls-pin = \"{pin}\")"), ""),
        );
    }
    hints
}

const CLOCK: &str = "check the clock here: date";
const OPERATOR: &str = "the server's operator has to replace it";

fn of_fault(fault: &CertificateFault) -> Vec<Hint> {
    match fault {
        CertificateFault::UnknownIssuer { is_sent, .. } => {
            let mut hints = vec![
                Hint::from("if a private authority signed it: ")
                    .option("tls-ca", "FILE")
                    .text(" with the authority's certificate"),
                Hint::from("if this system knows the authority: ").flag("tls-system-roots"),
            ];
            if !is_sent {
                hints.push(Hint::from(
                    "if a public one did: the server's operator has to install the chain \
                     (fullchain.pem), not the certificate alone",
                ));
            }
            hints
        }
        CertificateFault::SelfSigned => {
            vec![
                Hint::from("if you have the certificate from a source you trust: ")
                    .option("tls-ca", "FILE"),
            ]
        }
        CertificateFault::AuthorityAsServer => vec![Hint::from(
            "the server needs a certificate of its own, with CA:FALSE: \
             openssl req -x509 -addext basicConstraints=critical,CA:FALSE …",
        )],
        CertificateFault::WrongName { presented, .. } => of_names(presented),
        CertificateFault::Expired { .. } => {
            vec!["the server's operator has to renew it; also check the clock here: date".into()]
        }
        CertificateFault::NotYetValid { .. } => vec![CLOCK.into()],
        CertificateFault::NotForServers => vec![Hint::from(
            "it may be a client's: the server's operator has to install one with serverAuth",
        )],
        CertificateFault::Forgeable { .. } | CertificateFault::WeakKey { .. } => {
            vec![OPERATOR.into()]
        }
        CertificateFault::BadSignature { .. } => vec![
            Hint::from("if that authority has a new certificate under its old name: ")
                .option("tls-ca", "FILE")
                .text(" with that"),
        ],
        CertificateFault::NotPinned => vec![Hint::from(
            "unless the server has a new key, somebody sits between here and it: \
             ask its operator before anything else",
        )],
        CertificateFault::NoProofOfKey => {
            vec!["somebody may be pretending to be the server: try from another network".into()]
        }
        _ => Vec::new(),
    }
}

/// Names of a certificate go where they are pasted into a shell, so that only
/// what is a name may stand there.
fn of_names(presented: &[String]) -> Vec<Hint> {
    let usable = presented.iter().find_map(|name| account::host(name).ok());
    match usable {
        Some(host) => vec![
            Hint::from("if that is the server meant, use its name in ")
                .name("server")
                .text(format!(": {host}")),
            Hint::from("if you know that it is the right one all the same: ")
                .option("tls-name", host),
        ],
        None if presented.is_empty() => {
            vec!["the certificate needs a subjectAltName: its operator has to replace it".into()]
        }
        None => vec![
            Hint::from("use one of these names in ")
                .name("server")
                .text(", or ")
                .option("tls-name", "NAME"),
        ],
    }
}

/// Whether a pin of the key would make the certificate good. One for a key
/// that cannot be checked would not.
fn can_be_pinned(fault: &CertificateFault) -> bool {
    !matches!(
        fault,
        CertificateFault::WeakKey { .. }
            | CertificateFault::NoProofOfKey
            | CertificateFault::Unreadable
    )
}

/// What to try where the server wants to know who we are.
pub(super) fn of_client(fault: ClientCertificateFault) -> Vec<Hint> {
    match fault {
        ClientCertificateFault::Refused(_) => vec![
            "see whether it is the right one, and still valid: \
             openssl x509 -noout -subject -issuer -dates -in FILE"
                .into(),
        ],
        ClientCertificateFault::MissingPerhaps => {
            vec![own(Hint::from("if the server wants one, show one: "))]
        }
        _ => vec![own(Hint::from("show one: "))],
    }
}

/// Adds how to name the certificate that says who we are.
pub(super) fn own(hint: Hint) -> Hint {
    hint.option("tls-cert", "FILE").either(" ", " and ").option("tls-key", "FILE")
}

/// The first few.
fn listed(names: &[String]) -> String {
    const MOST: usize = 5;
    match names.len().checked_sub(MOST) {
        None | Some(0) => names.join(", "),
        Some(more) => format!("{} and {more} more names", names[..MOST].join(", ")),
    }
}

fn day(moment: SystemTime) -> String {
    written(moment, "%F")
}

/// Day and time of day.
pub(super) fn moment(moment: SystemTime) -> String {
    written(moment, "%FT%TZ")
}

fn written(moment: SystemTime, form: &str) -> String {
    Timestamp::try_from(moment)
        .map_or_else(|_| "the end of reckoning".to_owned(), |it| it.strftime(form).to_string())
}

/// How much time lies between two moments, in the largest unit of which there
/// are two.
fn span(earlier: SystemTime, later: SystemTime) -> String {
    let seconds = later.duration_since(earlier).unwrap_or(Duration::ZERO).as_secs();
    let units = [("years", 31_556_952), ("days", 86_400), ("hours", 3_600), ("minutes", 60)];
    let unit = units.into_iter().find(|(_, length)| seconds >= 2 * length);
    let (unit, length) = unit.unwrap_or(("seconds", 1));
    format!("{} {unit}", seconds / length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::Link;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn how_long_ago_is_told_in_a_unit_that_can_be_imagined() {
        for (seconds, expected) in [
            (1, "1 seconds"),
            (119, "119 seconds"),
            (120, "2 minutes"),
            (7_200, "2 hours"),
            (172_799, "47 hours"),
            (172_800, "2 days"),
            (63_113_904, "2 years"),
        ] {
            assert_eq!(span(at(0), at(seconds)), expected);
        }
    }

    #[test]
    fn a_fault_says_which_certificate_when_and_since_when() {
        let not_after = at(1_580_428_800);
        let place = Link::Behind("CN=middle".to_owned());
        let fault =
            CertificateFault::Expired { place, not_after, now: at(1_580_428_800 + 864_000) };
        assert_eq!(
            words(&fault),
            "the certificate of ‘CN=middle’, behind the server's own, expired on 2020-01-31, 10 days ago"
        );
    }

    #[test]
    fn many_names_are_cut_short() {
        let presented = (0..8).map(|n| format!("n{n}.example")).collect();
        let fault =
            CertificateFault::WrongName { asked: "a.b".into(), presented, common_name: None };
        assert!(words(&fault).ends_with("n4.example and 3 more names"), "{}", words(&fault));
    }

    #[test]
    fn a_name_that_is_none_never_stands_in_a_command() {
        // SEC-6: hints are pasted into a shell.
        let presented = vec!["$(reboot)".to_owned(), "a.b; reboot".to_owned()];
        assert!(of_names(&presented).iter().all(|hint| !hint.to_string().contains("reboot")));
        let presented = vec!["*.example.org".to_owned(), "mail.example.org".to_owned()];
        assert!(of_names(&presented)[1].to_string().ends_with("--tls-name mail.example.org"));
    }
}
