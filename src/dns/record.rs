//! What is asked for. A further kind is a struct, its [`Record`], a variant of
//! [`Kind`], and a method of `Resolver`.

use super::name::Name;
use domain::base::iana::Rtype;
use domain::base::name::ParsedName;
use domain::base::rdata::UnknownRecordData;
use domain::base::record::ParsedRecord;
use domain::base::wire::ParseError;
use domain::rdata;
use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

/// An address of a host (RFC 1035 §3.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct A(pub(super) Ipv4Addr);

/// An address of a host (RFC 3596 §2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Aaaa(pub(super) Ipv6Addr);

/// A server for a service (RFC 2782).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Srv {
    /// The lowest is tried first.
    pub priority: u16,
    /// The share among those of one priority.
    pub weight: u16,
    /// TCP or UDP port, as the name of the service says.
    pub port: u16,
    /// The server; `None` is `.`: there decidedly is no such service.
    pub target: Option<Name>,
}

/// A host that takes the mail of a domain (RFC 5321 §5.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mx {
    /// The lowest is tried first.
    pub preference: u16,
    /// The host; `None` is `.`: the domain takes no mail (RFC 7505).
    pub exchanger: Option<Name>,
}

/// A text (RFC 1035 §3.3.14), its strings in one; what is not UTF-8 is replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Txt(pub String);

/// What a certificate must be (RFC 6698 §2.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tlsa {
    /// 2 is an authority, 3 the server's own; RFC 7672 §3.1.3 has no use for
    /// others.
    pub usage: u8,
    /// 0 is the whole certificate, 1 its key.
    pub selector: u8,
    /// 0 is the octets themselves, 1 SHA-256, 2 SHA-512.
    pub matching: u8,
    /// What it is compared with.
    pub data: Vec<u8>,
}

/// A kind of record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// RFC 1035 §3.4.1.
    A,
    /// RFC 3596 §2.1.
    Aaaa,
    /// RFC 2782.
    Srv,
    /// RFC 1035 §3.3.9.
    Mx,
    /// RFC 1035 §3.3.14.
    Txt,
    /// RFC 6698.
    Tlsa,
}

/// A record as it stands in a message.
pub(super) type Wire<'m> = ParsedRecord<'m, &'m [u8]>;

/// A kind of record that can be asked for.
pub(super) trait Record: Sized {
    /// Which.
    const KIND: Kind;

    /// Reads one; `None` if it is of another kind.
    fn read(record: &Wire<'_>) -> Result<Option<Self>, ParseError>;
}

impl Kind {
    /// Its number (RFC 1035 §3.2.2).
    pub(super) fn rtype(self) -> Rtype {
        match self {
            Kind::A => Rtype::A,
            Kind::Aaaa => Rtype::AAAA,
            Kind::Srv => Rtype::SRV,
            Kind::Mx => Rtype::MX,
            Kind::Txt => Rtype::TXT,
            Kind::Tlsa => Rtype::TLSA,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::A => "A",
            Kind::Aaaa => "AAAA",
            Kind::Srv => "SRV",
            Kind::Mx => "MX",
            Kind::Txt => "TXT",
            Kind::Tlsa => "TLSA",
        })
    }
}

impl Record for A {
    const KIND: Kind = Kind::A;

    fn read(record: &Wire<'_>) -> Result<Option<Self>, ParseError> {
        Ok(record.to_record::<rdata::A>()?.map(|record| A(record.data().addr())))
    }
}

impl Record for Aaaa {
    const KIND: Kind = Kind::Aaaa;

    fn read(record: &Wire<'_>) -> Result<Option<Self>, ParseError> {
        Ok(record.to_record::<rdata::Aaaa>()?.map(|record| Aaaa(record.data().addr())))
    }
}

impl Record for Srv {
    const KIND: Kind = Kind::Srv;

    fn read(record: &Wire<'_>) -> Result<Option<Self>, ParseError> {
        let record = record.to_record::<rdata::Srv<ParsedName<&[u8]>>>()?;
        Ok(record.map(|record| {
            let data = record.data();
            Srv {
                priority: data.priority(),
                weight: data.weight(),
                port: data.port(),
                target: Name::read(data.target()),
            }
        }))
    }
}

impl Record for Mx {
    const KIND: Kind = Kind::Mx;

    fn read(record: &Wire<'_>) -> Result<Option<Self>, ParseError> {
        let record = record.to_record::<rdata::Mx<ParsedName<&[u8]>>>()?;
        Ok(record.map(|record| Mx {
            preference: record.data().preference(),
            exchanger: Name::read(record.data().exchange()),
        }))
    }
}

impl Record for Txt {
    const KIND: Kind = Kind::Txt;

    fn read(record: &Wire<'_>) -> Result<Option<Self>, ParseError> {
        let record = record.to_record::<rdata::Txt<&[u8]>>()?;
        Ok(record.map(|record| {
            let octets: Vec<u8> = record.data().iter().flatten().copied().collect();
            Txt(String::from_utf8_lossy(&octets).into_owned())
        }))
    }
}

impl Record for Tlsa {
    const KIND: Kind = Kind::Tlsa;

    fn read(record: &Wire<'_>) -> Result<Option<Self>, ParseError> {
        if record.rtype() != Rtype::TLSA {
            return Ok(None);
        }
        // The library reads this kind only among all others.
        let record = record.to_record::<UnknownRecordData<&[u8]>>()?;
        let octets = record.as_ref().map(|record| *record.data().data());
        let Some(&[usage, selector, matching, ref data @ ..]) = octets else {
            return Err(ParseError::ShortInput);
        };
        Ok(Some(Tlsa { usage, selector, matching, data: data.to_vec() }))
    }
}
