//! The rule about keys of signatures.

use super::domain::{Domain, Selected};
use super::domain_rules::only;
use super::finding::Finding;
use crate::cli::exit::Exit;
use crate::dns::dkim::{Algorithm, PublicKey};

/// RFC 8301 §3.2: verifiers take no shorter key for a signature.
const SHORTEST: usize = 1024;
/// The same: signers should use no shorter one.
const SHORT: usize = 2048;

/// Each key that was looked for.
pub(super) fn keys(domain: &Domain) -> Vec<Finding> {
    if domain.dkim.is_empty() {
        let found = "not looked for: the name of a key is not known, and keys are not listed";
        let hint = format!("name it: envoi check --domain {} --selector NAME", domain.name);
        return vec![Finding::note(found).hint(hint)];
    }
    domain.dkim.iter().map(|selected| key(domain, selected)).collect()
}

fn key(domain: &Domain, selected: &Selected) -> Finding {
    const WHY: &str = "signatures by this key count for nothing";
    let at = format!("{}._domainkey.{}", selected.selector, domain.name);
    let fault = |what: &str| Finding::fault(format!("{at}: {what}"), WHY, Exit::Config);
    let publish =
        || format!("publish the public half of the key there: {at}. TXT \"v=DKIM1; p=…\"");
    let none = fault("there is no key").hint(publish());
    let text = match only(&selected.texts, &at, none) {
        Ok(text) => text,
        Err(finding) => return finding,
    };
    let key = match PublicKey::read(text) {
        Ok(key) => key,
        Err(what) => return fault(what).hint(publish()),
    };
    let is_own = selected.key.as_ref().map(|own| own.is_published_as(&key.octets));
    let kind = match key.algorithm {
        Algorithm::Ed25519 => "Ed25519".to_owned(),
        Algorithm::Rsa(bits) => format!("RSA of {bits} bits"),
    };
    let longer = "make a key of 2048 bits, under another name, and sign with that";
    match (is_own, key.algorithm) {
        (Some(false), _) => fault("it is not the key that the account signs with").hint(publish()),
        (_, Algorithm::Rsa(bits)) if bits < SHORTEST => fault(&kind).hint(longer),
        (_, Algorithm::Rsa(bits)) if bits < SHORT => {
            let why = "so short a key can be found out, and others sign in the domain’s name";
            Finding::warning(format!("{at}: {kind}"), why).hint(longer)
        }
        _ if key.is_on_trial => {
            Finding::note(format!("{at}: {kind}, on trial by t=y: receivers may pass over it"))
        }
        (Some(true), _) => {
            Finding::ok(format!("{at} is the key that the account signs with, {kind}"))
        }
        (None, _) => Finding::ok(format!("{at} is a key, {kind}")),
    }
}
