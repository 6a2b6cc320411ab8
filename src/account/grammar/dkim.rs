//! `dkim` of an account: the signatures that its messages get.

use super::{Setter, Value, fill, set};
use crate::account::dkim::Dkim;
use crate::account::error::Error;
use crate::message::dkim::{Canonicalization, Selector, SigningDomain};
use std::path::PathBuf;

/// One table of `dkim`, while it is being read.
#[derive(Default)]
struct Signature {
    domain: Option<SigningDomain>,
    selector: Option<Selector>,
    key: Option<PathBuf>,
    canonicalization: Option<Canonicalization>,
}

const DKIM: &[(&str, Setter<Signature>)] = &[
    ("canonicalization", |signature, value| set(&mut signature.canonicalization, value.parsed())),
    ("domain", |signature, value| set(&mut signature.domain, value.parsed())),
    ("key", |signature, value| set(&mut signature.key, value.path())),
    ("selector", |signature, value| set(&mut signature.selector, value.parsed())),
];

impl Value<'_> {
    /// A list of tables, each a signature; a table alone is a list of one.
    pub(super) fn signatures(&self) -> Result<Vec<Dkim>, Error> {
        let mut signatures: Vec<Dkim> = Vec::new();
        for value in self.items() {
            let signature = value.signature()?;
            // RFC 6376 §3.1: under one selector there is one public key.
            if signatures.iter().any(|other| {
                (&other.domain, &other.selector) == (&signature.domain, &signature.selector)
            }) {
                let Dkim { domain, selector, .. } = signature;
                return Err(value.wrong(format!(
                    "the selector ‘{selector}’ of {domain} is named twice; each key has its own"
                )));
            }
            signatures.push(signature);
        }
        Ok(signatures)
    }

    fn signature(&self) -> Result<Dkim, Error> {
        let mut said = Signature::default();
        fill(&mut said, self.source, "dkim", self.table()?, DKIM)?;
        match said {
            Signature {
                domain: Some(domain),
                selector: Some(selector),
                key: Some(key),
                canonicalization,
            } => {
                let canonicalization = canonicalization.unwrap_or_default();
                Ok(Dkim { domain, selector, key, canonicalization })
            }
            Signature { .. } => Err(self.wrong("it has domain, selector and key".to_owned())),
        }
    }
}
