//! Addresses as reports have them: the type, a semicolon, the address (RFC 3464
//! §2.3.1, §2.3.2; RFC 6533 §3, §4.1).

use super::super::path::{ForwardPath, Mailbox};
use super::super::xtext;
use super::{Orcpt, embedded, is_qchar};

impl ForwardPath {
    /// The value of Final-Recipient: the address of the envelope as it is. Where
    /// a report may not be in UTF-8, characters outside US-ASCII are `\x{HEX}`.
    pub fn in_report(&self, utf8: bool) -> String {
        let address = self.to_string();
        match (address.is_ascii(), utf8) {
            (true, _) => format!("rfc822;{address}"),
            (false, true) => format!("utf-8;{address}"),
            (false, false) => format!("utf-8;{}", embedded(&address, is_qchar)),
        }
    }
}

impl Orcpt {
    /// The value of Original-Recipient: what the parameter stands for (RFC 3461
    /// §6.3). Where a report may not be in UTF-8, an address of the type utf-8
    /// keeps its `\x{HEX}`, and gets more.
    pub fn in_report(&self, utf8: bool) -> String {
        let (kind, address) = self.0.split_once(';').expect("each way to make one insists on it");
        if !kind.eq_ignore_ascii_case("utf-8") {
            let octets = xtext::decoded(address).expect("each way to make one insists on it");
            return format!("{kind};{}", String::from_utf8_lossy(&octets));
        }
        if !utf8 {
            return embedded(&self.0, |c| c.is_ascii());
        }
        // RFC 6533 §3: what does not stand for a mailbox is copied as it is.
        let plain = plain(address);
        match plain.parse::<Mailbox>() {
            Ok(_) => format!("{kind};{plain}"),
            Err(_) => self.0.clone(),
        }
    }
}

/// An address with each `\x{HEX}` read.
fn plain(address: &str) -> String {
    let mut plain = String::with_capacity(address.len());
    let mut rest = address;
    while let Some((before, embedded)) = rest.split_once("\\x{") {
        let (digits, behind) = embedded.split_once('}').unwrap_or((embedded, ""));
        plain.push_str(before);
        plain.extend(u32::from_str_radix(digits, 16).ok().and_then(char::from_u32));
        rest = behind;
    }
    plain + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recipient_is_reported_as_the_envelope_has_it() {
        // 3464-2.1, 6533-3
        for (path, plain, utf8) in [
            ("Bob.B@X.example", "rfc822;Bob.B@X.example", "rfc822;Bob.B@X.example"),
            ("\"a b\"@x.y", "rfc822;\"a b\"@x.y", "rfc822;\"a b\"@x.y"),
            ("postmaster", "rfc822;postmaster", "rfc822;postmaster"),
            ("é+x@d.e", "utf-8;\\x{E9}\\x{2B}x@d.e", "utf-8;é+x@d.e"),
        ] {
            let path: ForwardPath = path.parse().unwrap();
            assert_eq!((path.in_report(false), path.in_report(true)), (plain.into(), utf8.into()));
        }
    }

    #[test]
    fn an_original_recipient_is_reported_as_it_is_meant() {
        // 3464-2.2, 6533-3
        for (wire, plain, utf8) in [
            ("rfc822;a+2Bb+20c@x.y", "rfc822;a+b c@x.y", "rfc822;a+b c@x.y"),
            ("X400;+2FS=", "", ""),
            ("x400;/S+3Da/", "x400;/S=a/", "x400;/S=a/"),
            ("utf-8;é\\x{2B}x@d.e", "utf-8;\\x{E9}\\x{2B}x@d.e", "utf-8;é+x@d.e"),
            ("UTF-8;\\x{E9}@d.e", "UTF-8;\\x{E9}@d.e", "UTF-8;é@d.e"),
            // What would end the field stands for no mailbox.
            ("utf-8;a\\x{0A}b@d.e", "utf-8;a\\x{0A}b@d.e", "utf-8;a\\x{0A}b@d.e"),
        ] {
            let Some(orcpt) = Orcpt::from_wire(wire, true) else {
                assert_eq!(plain, "", "{wire}");
                continue;
            };
            assert_eq!(
                (orcpt.in_report(false), orcpt.in_report(true)),
                (plain.into(), utf8.into())
            );
        }
    }
}
