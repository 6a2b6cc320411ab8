//! Certificates and what DNSSEC says of them (RFC 6698, as RFC 7672 has it for mail).

use super::record::Tlsa;
use crate::net::{self, CertificateFault, Host, Summary, fault_under};
use ring::digest::{SHA256, SHA512, digest};
use std::fmt;

/// Why certificates are not those that a record wants.
#[derive(Debug)]
pub enum Misfit {
    /// None of them is the one.
    Other,
    /// The authority is the right one, and this is wrong with what it vouches for.
    Fault(CertificateFault),
    /// It names the key of an authority whose certificate the server does not send:
    /// nothing can be checked by it here.
    BareKey,
    /// They cannot be checked.
    Error(net::Error),
}

impl Tlsa {
    /// Whether a server of mail can be known by it: DANE-TA or DANE-EE, with data of
    /// the right length (RFC 7672 §3.1).
    pub fn is_usable(&self) -> bool {
        let fits = match self.matching {
            0 => !self.data.is_empty(),
            1 => self.data.len() == 32,
            2 => self.data.len() == 64,
            _ => false,
        };
        matches!(self.usage, TRUST_ANCHOR | END_ENTITY) && self.selector <= 1 && fits
    }

    /// Whether the server that sends these certificates, its own first, is the one
    /// meant, by one of these names. The record is usable.
    pub fn compared(&self, chain: &[Summary], names: &[Host]) -> Result<(), Misfit> {
        let Some((own, behind)) = chain.split_first() else { return Err(Misfit::Other) };
        if self.usage == END_ENTITY {
            // RFC 7672 §3.1.1: neither name nor dates count.
            return if self.is_of(own) { Ok(()) } else { Err(Misfit::Other) };
        }
        let sent = behind.iter().find(|one| self.is_of(one)).map(|one| one.der.as_slice());
        let authority = match (sent, self.selector, self.matching) {
            (Some(sent), _, _) => sent,
            // RFC 7672 §3.1.2: a whole authority need not be sent.
            (None, 0, 0) => &self.data,
            (None, 1, 0) => return Err(Misfit::BareKey),
            (None, _, _) => return Err(Misfit::Other),
        };
        let mut wrong = Misfit::Other;
        for name in names {
            match fault_under(authority, chain, name) {
                Ok(None) => return Ok(()),
                Ok(Some(fault)) => wrong = Misfit::Fault(fault),
                Err(error) => wrong = Misfit::Error(error),
            }
        }
        Err(wrong)
    }

    /// RFC 6698 §2.1.2, §2.1.3.
    fn is_of(&self, certificate: &Summary) -> bool {
        let selected = match self.selector {
            0 => Some(certificate.der.clone()),
            _ => certificate.key_info().map(|info| info.as_ref().to_vec()),
        };
        selected.is_some_and(|octets| match self.matching {
            0 => octets == self.data,
            1 => digest(&SHA256, &octets).as_ref() == self.data,
            _ => digest(&SHA512, &octets).as_ref() == self.data,
        })
    }
}

/// RFC 7218 §2.1: `DANE-TA` and `DANE-EE`.
const TRUST_ANCHOR: u8 = 2;
const END_ENTITY: u8 = 3;

impl fmt::Display for Tlsa {
    /// `3 1 1`, without the data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.usage, self.selector, self.matching)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

    const HOST: &str = "mx.example.org";

    /// A server's certificate for [`HOST`] and the authority that signed it.
    fn chain() -> Vec<Summary> {
        let key = KeyPair::generate().unwrap();
        let mut authority = CertificateParams::new([]).unwrap();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let signed = authority.self_signed(&key).unwrap();
        let issuer = Issuer::new(authority, key);
        let mut own = CertificateParams::new([HOST.to_owned()]).unwrap();
        own.distinguished_name.push(rcgen::DnType::CommonName, "the server");
        let own = own.signed_by(&KeyPair::generate().unwrap(), &issuer).unwrap();
        [own.der(), signed.der()].map(|der| Summary::read(der).unwrap()).to_vec()
    }

    /// The record that such a certificate has.
    fn record(usage: u8, selector: u8, matching: u8, certificate: &Summary) -> Tlsa {
        let octets = match selector {
            0 => certificate.der.clone(),
            _ => certificate.key_info().unwrap().as_ref().to_vec(),
        };
        let data = match matching {
            0 => octets,
            1 => digest(&SHA256, &octets).as_ref().to_vec(),
            _ => digest(&SHA512, &octets).as_ref().to_vec(),
        };
        Tlsa { usage, selector, matching, data }
    }

    fn hosts(names: &[&str]) -> Vec<Host> {
        names.iter().map(|&name| Host::Name(name.to_owned())).collect()
    }

    #[test]
    fn a_record_fits_by_certificate_or_key_whole_or_as_a_digest() {
        // 7672-d, 7672-e
        let (chain, stranger) = (chain(), self::chain());
        for (usage, at) in [(3, 0), (2, 1)] {
            for (selector, matching) in [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)] {
                let record = record(usage, selector, matching, &chain[at]);
                assert!(record.is_usable(), "{record}");
                let told = record.compared(&chain, &hosts(&[HOST]));
                assert!(told.is_ok(), "{record}: {told:?}");
                let told = record.compared(&stranger, &hosts(&[HOST]));
                assert!(told.is_err(), "{record} fits a stranger");
            }
        }
    }

    #[test]
    fn only_the_key_counts_where_the_server_is_named_and_the_name_too_where_its_authority_is() {
        // 7672-e
        let chain = chain();
        let elsewhere = hosts(&["mail.example.net"]);
        assert!(record(3, 1, 1, &chain[0]).compared(&chain, &elsewhere).is_ok());
        let told = record(2, 1, 1, &chain[1]).compared(&chain, &elsewhere);
        assert!(matches!(told, Err(Misfit::Fault(CertificateFault::WrongName { .. }))), "{told:?}");
        let both = hosts(&["mail.example.net", HOST]);
        assert!(record(2, 1, 1, &chain[1]).compared(&chain, &both).is_ok());
    }

    #[test]
    fn an_authority_may_be_left_out_if_the_record_has_the_whole_of_it() {
        let chain = chain();
        let alone = &chain[..1];
        let names = hosts(&[HOST]);
        assert!(record(2, 0, 0, &chain[1]).compared(alone, &names).is_ok());
        let told = record(2, 1, 0, &chain[1]).compared(alone, &names);
        assert!(matches!(told, Err(Misfit::BareKey)), "{told:?}");
        let told = record(2, 0, 1, &chain[1]).compared(alone, &names);
        assert!(matches!(told, Err(Misfit::Other)), "{told:?}");
        // The server is no authority of its own.
        let told = record(2, 0, 1, &chain[0]).compared(&chain, &names);
        assert!(matches!(told, Err(Misfit::Other)), "{told:?}");
        assert!(record(3, 0, 0, &chain[0]).compared(&[], &names).is_err());
    }

    #[test]
    fn a_record_of_another_usage_or_length_is_of_no_use() {
        // 7672-d
        for (usage, selector, matching, length, expected) in [
            (3, 1, 1, 32, true),
            (2, 0, 2, 64, true),
            (3, 0, 0, 1, true),
            (0, 1, 1, 32, false),
            (1, 1, 1, 32, false),
            (3, 2, 1, 32, false),
            (3, 1, 3, 32, false),
            (3, 1, 1, 31, false),
            (3, 1, 2, 32, false),
            (3, 1, 0, 0, false),
        ] {
            let record = Tlsa { usage, selector, matching, data: vec![0; length] };
            assert_eq!(record.is_usable(), expected, "{record:?}");
        }
    }
}
