//! What is posted: pairs of names and values, some of them secret.

use crate::sasl::Secret;
use encodify::base64;
use std::fmt::{self, Write};
use ureq::http::HeaderValue;
use zeroize::Zeroizing;

/// Content of the type `application/x-www-form-urlencoded`. Its `Debug` is
/// `***`, and its memory is cleared when it goes.
#[derive(Clone, Default)]
pub struct Form(Zeroizing<Vec<u8>>);

/// Who makes a request, in the field `Authorization`: the scheme Basic as
/// authorization servers take it, which want both parts percent-encoded first
/// (RFC 6749 §2.3.1, RFC 7617).
#[derive(Clone, Debug)]
pub struct Authorization<'a> {
    /// The client's identifier.
    pub user: &'a str,
    /// Its password.
    pub password: &'a Secret,
}

impl Form {
    pub(super) const MEDIA_TYPE: &'static str = "application/x-www-form-urlencoded";

    /// One without fields.
    pub fn new() -> Self {
        Form::default()
    }

    /// With one more field.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.add(name, value.as_bytes());
        self
    }

    /// With one more field that must not be seen.
    #[must_use]
    pub fn with_secret(mut self, name: &str, value: &Secret) -> Self {
        self.add(name, value.expose());
        self
    }

    fn add(&mut self, name: &str, value: &[u8]) {
        let (name, value) = (percent_encoded(name.as_bytes()), percent_encoded(value));
        // A buffer that grows in place would leave copies behind.
        let length = self.0.len() + name.len() + value.len() + 2;
        let mut longer = Zeroizing::new(Vec::with_capacity(length));
        longer.extend_from_slice(&self.0);
        if !longer.is_empty() {
            longer.push(b'&');
        }
        longer.extend_from_slice(name.as_bytes());
        longer.push(b'=');
        longer.extend_from_slice(value.as_bytes());
        self.0 = longer;
    }

    pub(super) fn octets(&self) -> &[u8] {
        &self.0
    }
}

impl Authorization<'_> {
    pub(super) fn value(&self) -> HeaderValue {
        let value = basic(self.user, self.password);
        let value = HeaderValue::from_bytes(&value);
        let mut value = value.expect("a word, a blank and base64, which every field can carry");
        value.set_sensitive(true);
        value
    }
}

fn basic(user: &str, password: &Secret) -> Zeroizing<Vec<u8>> {
    let user = percent_encoded(user.as_bytes());
    let password = percent_encoded(password.expose());
    let pair = Zeroizing::new([user.as_bytes(), b":", password.as_bytes()].concat());
    let mut value = Zeroizing::new(Vec::with_capacity(2 * pair.len() + 16));
    value.extend_from_slice(b"Basic ");
    base64::STANDARD.encode_append(&*pair, &mut *value);
    value
}

/// Every octet but the unreserved characters (RFC 3986 §2.3) as `%XX`, which
/// forms and URLs understand alike.
pub(super) fn percent_encoded(octets: &[u8]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(3 * octets.len()));
    for &octet in octets {
        if octet.is_ascii_alphanumeric() || b"-._~".contains(&octet) {
            text.push(char::from(octet));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(text, "%{octet:02X}");
        }
    }
    text
}

impl fmt::Debug for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_reads_back_as_what_was_put_in_and_shows_nothing() {
        let secret = Secret::new("a&b=c %+\u{fc}");
        let form = Form::new().with("grant type", "x~y").with_secret("pass", &secret);
        let octets = String::from_utf8(form.octets().to_vec()).unwrap();
        assert_eq!(octets, "grant%20type=x~y&pass=a%26b%3Dc%20%25%2B%C3%BC");
        assert_eq!(format!("{form:?}"), "***");
    }

    #[test]
    fn a_client_and_its_password_are_encoded_twice() {
        // RFC 6749 §2.3.1
        let password = Secret::new("p:w");
        let value = Authorization { user: "a b", password: &password }.value();
        assert_eq!(value.to_str().unwrap(), "Basic YSUyMGI6cCUzQXc=");
        assert!(!format!("{value:?}").contains("YSUy"), "{value:?}");
    }
}
