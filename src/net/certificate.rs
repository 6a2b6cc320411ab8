//! What a certificate says of itself, for people (RFC 5280 §4.1).

use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::SystemTime;
use x509_cert::Certificate;
use x509_cert::der::Decode;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

/// The readable part of one certificate. As the server sent it: escape it
/// before a person sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// The subject's distinguished name.
    pub subject: String,
    /// The issuer's.
    pub issuer: String,
    /// The DNS names and addresses of the subject alternative name.
    pub names: Vec<String>,
    /// First moment of validity.
    pub not_before: SystemTime,
    /// Last moment of validity.
    pub not_after: SystemTime,
}

impl Summary {
    /// Reads a certificate in DER; `None` when it cannot be read.
    pub fn read(der: &[u8]) -> Option<Self> {
        let certificate = Certificate::from_der(der).ok()?;
        let contents = certificate.tbs_certificate();
        let names = match contents.get_extension::<SubjectAltName>() {
            Ok(Some((_, names))) => names.0.iter().filter_map(readable).collect(),
            _ => Vec::new(),
        };
        Some(Summary {
            subject: contents.subject().to_string(),
            issuer: contents.issuer().to_string(),
            names,
            not_before: contents.validity().not_before.to_system_time(),
            not_after: contents.validity().not_after.to_system_time(),
        })
    }

    /// True when the certificate names itself as its issuer.
    pub fn is_self_issued(&self) -> bool {
        self.subject == self.issuer
    }
}

fn readable(name: &GeneralName) -> Option<String> {
    match name {
        GeneralName::DnsName(name) => Some(name.to_string()),
        GeneralName::IpAddress(octets) => {
            let octets = octets.as_bytes();
            let v4 = <[u8; 4]>::try_from(octets).map(|o| Ipv4Addr::from(o).to_string());
            v4.or_else(|_| <[u8; 16]>::try_from(octets).map(|o| Ipv6Addr::from(o).to_string())).ok()
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_tells_its_names_and_that_it_signed_itself() {
        let names = ["a.example".to_owned(), "192.0.2.1".to_owned()];
        let made = rcgen::generate_simple_self_signed(names).unwrap();
        let summary = Summary::read(made.cert.der()).unwrap();
        assert_eq!(summary.names, ["a.example", "192.0.2.1"]);
        assert!(summary.is_self_issued());
        assert!(summary.not_before < summary.not_after);
    }

    #[test]
    fn what_is_no_certificate_is_not_read() {
        assert_eq!(Summary::read(b"0"), None);
    }
}
