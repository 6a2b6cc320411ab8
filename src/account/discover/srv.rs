//! What the name servers say of a domain: its servers for submission, and who
//! takes its mail.

use super::{Candidate, Found, Trust};
use crate::dns::{Answer, Error, Mx, Name, Resolver, Srv, draw};
use crate::net::{Deadline, Endpoint, Host, Interrupt, Place, Security};
use crate::smtp::Protocol;

/// What the SRV records of a domain say (RFC 6186, RFC 8314 §5.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Services {
    /// Servers, in the order in which to try them, at least one.
    Servers(Vec<Candidate>),
    /// The domain says that it has none, by `.` in place of a server (RFC 6186
    /// §3.4).
    Absent {
        /// The names that say so, such as `_submission._tcp.example.org`.
        owners: Vec<String>,
    },
    /// It says nothing that could be used.
    Unsaid,
}

/// The services that take mail from users, with what protects each. TLS from
/// the start goes first (RFC 8314 §3.3). `_smtp` would be mail from servers.
const SERVICES: [(&str, Security); 2] =
    [("_submissions._tcp", Security::Implicit), ("_submission._tcp", Security::StartTls)];

/// The servers that the domain itself names for submission. Who signs in there
/// is left open.
///
/// That nothing is said of one service, or that it could not be found out, does
/// not matter where the other has servers. Else what failed is the answer.
pub fn services(
    resolver: &dyn Resolver,
    domain: &Name,
    deadline: Deadline,
    interrupt: &Interrupt,
) -> Result<Services, Error> {
    let (mut candidates, mut owners, mut failure) = (Vec::new(), Vec::new(), None);
    for (labels, security) in SERVICES {
        let owner = domain.below(labels)?;
        match resolver.srv(&owner, deadline, interrupt) {
            Ok(answer) if is_absent(&answer.records) => owners.push(owner.to_string()),
            Ok(answer) => candidates.extend(offered(answer, &owner, domain, security)),
            Err(Error::Interrupted) => return Err(Error::Interrupted),
            Err(error) if error.is_temporary() => failure = failure.or(Some(error)),
            // No such name, no such record.
            Err(_) => {}
        }
    }
    match failure {
        _ if !candidates.is_empty() => Ok(Services::Servers(candidates)),
        Some(failure) => Err(failure),
        None if owners.is_empty() => Ok(Services::Unsaid),
        None => Ok(Services::Absent { owners }),
    }
}

/// Who takes the mail of the domain, the preferred first. Of a domain without a
/// record of that kind this is an error; none is made up.
pub fn exchangers(
    resolver: &dyn Resolver,
    domain: &Name,
    deadline: Deadline,
    interrupt: &Interrupt,
) -> Result<Answer<Mx>, Error> {
    let answer = resolver.mx(domain, deadline, interrupt)?;
    Ok(Answer { records: Mx::ordered(answer.records, draw), ..answer })
}

/// `.` stands alone where it means anything (RFC 2782, "Target").
fn is_absent(records: &[Srv]) -> bool {
    records.iter().all(|record| record.target.is_none())
}

/// The servers of one service, each once, without those that cannot be any: a
/// name that no host has, this machine, no port.
fn offered(answer: Answer<Srv>, owner: &Name, domain: &Name, security: Security) -> Vec<Candidate> {
    let mut candidates: Vec<Candidate> = Vec::new();
    for record in Srv::ordered(answer.records, draw) {
        let Some(target) = record.target else { continue };
        let Some(host) = target.host() else { continue };
        if host.is_loopback() || record.port == 0 {
            continue;
        }
        let place = Place::Tcp { host, port: record.port };
        let endpoint = Endpoint { place, protocol: Protocol::Smtp, security };
        if candidates.iter().any(|known| known.endpoint == endpoint) {
            continue;
        }
        candidates.push(Candidate {
            endpoint,
            user: None,
            issuer: None,
            found: Found::Srv { owner: owner.to_string() },
            trust: trust(&target, domain, answer.authenticated),
            remark: None,
        });
    }
    candidates
}

/// RFC 6186 §6: without DNSSEC, anybody may have said it; a server within the
/// domain has a certificate that nobody else has.
fn trust(target: &Name, domain: &Name, authenticated: bool) -> Trust {
    if authenticated {
        Trust::Sure
    } else if target.is_within(domain) {
        Trust::OwnDomain
    } else {
        Trust::Elsewhere { domain: Host::Name(domain.to_string()) }
    }
}

#[cfg(test)]
mod tests;
