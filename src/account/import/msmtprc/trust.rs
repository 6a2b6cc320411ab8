//! The directives of TLS.

use super::super::draft::host;
use super::super::text::wrong;
use super::super::{Context, Meaning};
use super::Said;
use super::settings::{Account, placed};
use crate::account::error::Error;
use crate::net::Pin;
use std::path::Path;

/// Whom it trusts.
pub(super) fn fill(
    account: &mut Account,
    said: &Said,
    file: &Path,
    context: Context<'_>,
) -> Result<(), Error> {
    match said.text("tls_trust_file") {
        None if said.line("tls_trust_file").is_some() => {
            let line = said.line("tls_trust_file").unwrap_or_default();
            account
                .mean(line, Meaning::already("the authorities that come with envoi are trusted"));
        }
        None | Some("system") => account.settings.tls_system_roots = Some(true),
        Some(path) => account.settings.tls_ca = Some(vec![placed(path, context)]),
    }
    if let (Some(text), Some(line)) = (said.text("tls_fingerprint"), said.line("tls_fingerprint")) {
        pin(account, text, line).map_err(|why| wrong(file, line, why))?;
    }
    if said.is("tls_certcheck", "off") {
        account.settings.tls_verify = Some(false);
        account.settings.tls_pin = None;
        account.skip(said, &["tls_fingerprint"], "tls_certcheck is off");
        account
            .warn(said.line("tls_certcheck").unwrap_or_default(), "anybody can pose as the server");
    }
    if let (Some(text), Some(line)) =
        (said.text("tls_host_override"), said.line("tls_host_override"))
    {
        let name = host(text).ok_or_else(|| {
            wrong(file, line, "tls_host_override: it is neither a name nor an address")
        })?;
        account.settings.tls_name = Some(name);
    }
    certificate(account, said, context);
    Ok(())
}

/// As whom it shows itself.
fn certificate(account: &mut Account, said: &Said, context: Context<'_>) {
    for name in ["tls_cert_file", "tls_key_file"] {
        if let (Some(text), Some(line)) = (said.text(name), said.line(name))
            && text.starts_with("pkcs11:")
        {
            let reason = "envoi reads keys and certificates from files only";
            return account.mean(line, Meaning::gone(reason));
        }
    }
    match said.text("tls_cert_file") {
        Some(file) => {
            account.settings.tls_cert = Some(placed(file, context));
            account.settings.tls_key = said.text("tls_key_file").map(|key| placed(key, context));
        }
        None => account.skip(said, &["tls_key_file"], "no certificate goes with it"),
    }
}

/// A fingerprint by its length: only one by SHA-256 keeps others out.
fn pin(account: &mut Account, text: &str, line: usize) -> Result<(), String> {
    let digits = text
        .split(':')
        .all(|pair| pair.len() == 2 && pair.bytes().all(|octet| octet.is_ascii_hexdigit()));
    let by = match (digits, text.split(':').count()) {
        (true, 32) => None,
        (true, 20) => Some("SHA-1"),
        (true, 16) => Some("MD5"),
        _ => return Err("tls_fingerprint: it is hexadecimal pairs with colons between".to_owned()),
    };
    if let Some(by) = by {
        account.mean(
            line,
            Meaning::lost(
                format!("a fingerprint by {by} can be forged"),
                "take one by SHA-256: openssl x509 -noout -fingerprint -sha256 -in FILE; \
                 until then the certificate must come from an authority",
            )
            .protecting(),
        );
        return Ok(());
    }
    let pin: Pin =
        format!("sha256:{text}").parse().map_err(|why| format!("tls_fingerprint: {why}"))?;
    account.settings.tls_pin = Some(vec![pin]);
    Ok(())
}
