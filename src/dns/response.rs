//! An answer, read from its octets.

use super::name::Name;
use super::record::Record;
use domain::base::iana::{Class, OptRcode};
use domain::base::name::ParsedName;
use domain::base::wire::ParseError;
use domain::base::{Message, Rtype};
use domain::rdata::Cname;

/// What a response says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Response<R> {
    /// The records, at least one.
    Records {
        records: Vec<R>,
        /// It says that they are.
        authentic: bool,
        /// Whose they are, where the name is an alias.
        canonical: Option<Name>,
    },
    /// NXDOMAIN.
    NoSuchName,
    /// There is the name, but no such record.
    NoRecords,
    /// One alias leads to the next, too often.
    EndlessAliases,
    /// It did not fit; TCP carries more.
    Truncated,
    /// It knows others who may know: this is no resolver.
    Referral,
    /// The server could not or would not say.
    Refused(OptRcode),
    /// It cannot be read.
    Malformed,
}

/// More aliases than anybody needs.
const MOST_ALIASES: usize = 16;

impl<R: Record> Response<R> {
    /// What it says of this name. Any octets will do.
    pub(super) fn read(octets: &[u8], name: &Name) -> Self {
        let Ok(message) = Message::from_octets(octets) else { return Response::Malformed };
        let header = message.header();
        if header.tc() {
            return Response::Truncated;
        }
        match message.opt_rcode() {
            OptRcode::NOERROR => {}
            OptRcode::NXDOMAIN => return Response::NoSuchName,
            code => return Response::Refused(code),
        }
        let Ok(section) = Section::read(&message) else { return Response::Malformed };
        let is_empty = section.records.is_empty() && section.aliases.is_empty();
        if is_empty && !header.aa() && !header.ra() {
            return Response::Referral;
        }
        section.records_of(name, header.ad())
    }
}

/// What the answer section holds, each under its name.
struct Section<R> {
    records: Vec<(Name, R)>,
    aliases: Vec<(Name, Name)>,
}

impl<R: Record> Section<R> {
    fn read(message: &Message<&[u8]>) -> Result<Self, ParseError> {
        let mut section = Section { records: Vec::new(), aliases: Vec::new() };
        for record in message.answer()? {
            let record = record?;
            // Neither stands at the root, nor leads there.
            let Some(owner) = Name::read(&record.owner()) else { continue };
            if record.class() != Class::IN {
                continue;
            }
            if record.rtype() == Rtype::CNAME {
                let alias = record.to_record::<Cname<ParsedName<&[u8]>>>()?;
                let target = alias.and_then(|alias| Name::read(alias.data().cname()));
                section.aliases.extend(target.map(|target| (owner, target)));
            } else if let Some(value) = R::read(&record)? {
                section.records.push((owner, value));
            }
        }
        Ok(section)
    }

    /// The records at the end of the aliases of this name (RFC 1034 §3.6.2).
    fn records_of(self, name: &Name, authentic: bool) -> Response<R> {
        let Section { records, aliases } = self;
        let asked = name;
        let mut name = name;
        for _ in 0..=MOST_ALIASES {
            if records.iter().any(|(owner, _)| owner == name) {
                let here = records.into_iter().filter(|(owner, _)| owner == name);
                let records = here.map(|(_, record)| record).collect();
                let canonical = (name != asked).then(|| name.clone());
                return Response::Records { records, authentic, canonical };
            }
            match aliases.iter().find(|(alias, _)| alias == name) {
                Some((_, target)) => name = target,
                None => return Response::NoRecords,
            }
        }
        Response::EndlessAliases
    }
}

#[cfg(test)]
mod tests;
