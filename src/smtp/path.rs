//! Paths: who a message is from and whom it is for, in the envelope's grammar
//! (RFC 5321 §4.1.2 and §4.1.3, widened to UTF-8 by RFC 6531 §3.3).
//!
//! A value of these types cannot hold CR, LF, NUL or an unquoted `<`, `>` or
//! blank, so it may be written into a command as it is.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// Where replies about the message itself go; `None` is the null sender `<>`
/// of bounces and notifications (RFC 5321 §4.5.5).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ReversePath(pub Option<Mailbox>);

/// One recipient of the envelope.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ForwardPath {
    /// `<local-part@domain>`.
    Mailbox(Mailbox),
    /// `<postmaster>` without a domain, the one bare name that RCPT may carry
    /// (RFC 5321 §4.1.1.3).
    Postmaster,
}

/// `local-part@domain`. Two mailboxes are equal when their local parts are
/// identical octet by octet and their domains equal ignoring ASCII case
/// (RFC 5321 §2.4).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Mailbox {
    /// Without quotation marks and backslashes.
    local: String,
    /// Whether the local part must be written as a quoted string. It follows
    /// from `local` and is kept because each writing asks for it.
    is_quoted: bool,
    domain: Domain,
}

/// The part after `@`: a name in A-label form, or an address literal.
#[derive(Clone, Debug)]
pub enum Domain {
    /// LDH labels, at most 63 octets each and 255 together, no trailing dot.
    Name(String),
    /// `[192.0.2.1]`.
    Ipv4(Ipv4Addr),
    /// `[IPv6:2001:db8::1]`.
    Ipv6(Ipv6Addr),
    /// `[tag:content]` of a tag we do not know, passed on as it is.
    General(String),
}

/// Why a text is not a path. The `Display` form is a clause that fits after
/// "‘text’ is not a mail address: ".
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PathError {
    /// Nothing but white space.
    #[error("it is empty")]
    Empty,
    /// No `@`.
    #[error("it has no @ and no domain")]
    NoDomain,
    /// Nothing before the `@`.
    #[error("nothing stands before the @")]
    NoLocalPart,
    /// CR, LF, NUL or another control character.
    #[error("it contains a control character")]
    Control,
    /// A quoted string that does not end, or something after its end.
    #[error("its quotation marks are unbalanced")]
    Quotes,
    /// `<` without `>`, or the reverse.
    #[error("its angle brackets are unbalanced")]
    Brackets,
    /// A character that stands only inside quotation marks.
    #[error("the character ‘{0}’ may stand before the @ only inside quotation marks")]
    LocalCharacter(char),
    /// `.a`, `a.` or `a..b`.
    #[error("a dot may not begin or end the part before the @, nor follow another dot")]
    Dots,
    /// Not a domain name: a bad label, an underscore, an IDNA failure.
    #[error("its domain is not a valid host name")]
    Domain,
    /// `[…]` that is no address.
    #[error("its address literal is not [IPv4] or [IPv6:…]")]
    Literal,
    /// Over 256 octets with its angle brackets (RFC 5321 §4.5.3.1.3).
    #[error("it is longer than 254 octets")]
    TooLong,
}

/// RFC 5321 §4.5.3.1.3 counts the angle brackets, hence 256 − 2.
const LONGEST_MAILBOX: usize = 254;
const LONGEST_DOMAIN: usize = 255;
const LONGEST_LABEL: usize = 63;

impl ReversePath {
    /// The null sender, `<>`.
    pub const NULL: ReversePath = ReversePath(None);

    /// True when the local part needs SMTPUTF8 (RFC 6531 §3.2).
    pub fn needs_smtputf8(&self) -> bool {
        self.0.as_ref().is_some_and(Mailbox::needs_smtputf8)
    }
}

impl FromStr for ReversePath {
    type Err = PathError;

    /// Takes `a@b`, `<a@b>`, and for the null sender the empty text or `<>`.
    fn from_str(text: &str) -> Result<Self, PathError> {
        match text.trim() {
            "" | "<>" => Ok(ReversePath::NULL),
            path => path.parse().map(|mailbox| ReversePath(Some(mailbox))),
        }
    }
}

impl fmt::Display for ReversePath {
    /// The wire form, with its angle brackets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(mailbox) => write!(f, "<{mailbox}>"),
            None => f.write_str("<>"),
        }
    }
}

impl ForwardPath {
    /// True when the local part needs SMTPUTF8 (RFC 6531 §3.2).
    pub fn needs_smtputf8(&self) -> bool {
        match self {
            ForwardPath::Mailbox(mailbox) => mailbox.needs_smtputf8(),
            ForwardPath::Postmaster => false,
        }
    }
}

impl From<Mailbox> for ForwardPath {
    fn from(mailbox: Mailbox) -> Self {
        ForwardPath::Mailbox(mailbox)
    }
}

impl FromStr for ForwardPath {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        if unbracketed(text.trim())?.eq_ignore_ascii_case("postmaster") {
            return Ok(ForwardPath::Postmaster);
        }
        text.parse().map(ForwardPath::Mailbox)
    }
}

impl fmt::Display for ForwardPath {
    /// Without angle brackets, as people read it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ForwardPath::Mailbox(mailbox) => mailbox.fmt(f),
            ForwardPath::Postmaster => f.write_str("postmaster"),
        }
    }
}

impl Mailbox {
    /// The local part without quotation marks or backslashes.
    pub fn local_part(&self) -> &str {
        &self.local
    }

    /// The domain.
    pub fn domain(&self) -> &Domain {
        &self.domain
    }

    /// True when the local part has a character outside US-ASCII.
    pub fn needs_smtputf8(&self) -> bool {
        !self.local.is_ascii()
    }

    /// Puts a mailbox together from a local part without quotation marks and a
    /// domain.
    pub fn new(local: &str, domain: Domain) -> Result<Self, PathError> {
        if local.is_empty() {
            return Err(PathError::NoLocalPart);
        }
        if local.contains(char::is_control) {
            return Err(PathError::Control);
        }
        Mailbox::checked(local, !is_dot_string(local), domain)
    }

    fn checked(local: &str, is_quoted: bool, domain: Domain) -> Result<Self, PathError> {
        let mailbox = Mailbox { local: local.to_owned(), is_quoted, domain };
        if mailbox.length() > LONGEST_MAILBOX {
            return Err(PathError::TooLong);
        }
        Ok(mailbox)
    }

    /// Octets of the written form.
    fn length(&self) -> usize {
        let domain = match &self.domain {
            Domain::Name(name) => name.len(),
            literal => literal.to_string().len(),
        };
        let quoting = if self.is_quoted {
            2 + self.local.bytes().filter(|b| b"\"\\".contains(b)).count()
        } else {
            0
        };
        self.local.len() + quoting + 1 + domain
    }
}

impl FromStr for Mailbox {
    type Err = PathError;

    /// Takes `a@b`, `"a b"@c`, `<a@b>`, and the obsolete source route
    /// `<@x,@y:a@b>`, which is dropped (RFC 5321 appendix C).
    fn from_str(text: &str) -> Result<Self, PathError> {
        let path = without_route(unbracketed(text.trim())?);
        if path.is_empty() {
            return Err(PathError::Empty);
        }
        if path.contains(char::is_control) {
            return Err(PathError::Control);
        }
        if let Some(rest) = path.strip_prefix('"') {
            let (local, domain) = quoted_string(rest)?;
            return Mailbox::new(&local, domain.parse()?);
        }
        let (local, domain) = dot_string(path)?;
        Mailbox::checked(local, false, domain.parse()?)
    }
}

impl fmt::Display for Mailbox {
    /// With the fewest quotation marks that the grammar allows.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.is_quoted {
            f.write_str(&self.local)?;
            f.write_str("@")?;
            return self.domain.fmt(f);
        }
        f.write_str("\"")?;
        for c in self.local.chars() {
            if matches!(c, '"' | '\\') {
                f.write_str("\\")?;
            }
            write!(f, "{c}")?;
        }
        write!(f, "\"@{}", self.domain)
    }
}

impl Domain {
    /// The name, or `None` for an address literal.
    pub fn name(&self) -> Option<&str> {
        match self {
            Domain::Name(name) => Some(name),
            Domain::Ipv4(_) | Domain::Ipv6(_) | Domain::General(_) => None,
        }
    }
}

impl FromStr for Domain {
    type Err = PathError;

    /// Takes a host name (U-labels become A-labels, one trailing dot goes) or
    /// an address literal with its square brackets.
    fn from_str(text: &str) -> Result<Self, PathError> {
        if let Some(rest) = text.strip_prefix('[') {
            return literal(rest.strip_suffix(']').ok_or(PathError::Literal)?);
        }
        let name = text.strip_suffix('.').unwrap_or(text);
        // RFC 5890: only names that are or claim to be internationalised need
        // the tables; a plain name is settled by the label check below.
        let name = if name.is_ascii() && !has_a_label(name) {
            name.to_owned()
        } else {
            idna::domain_to_ascii_strict(name).map_err(|_| PathError::Domain)?
        };
        if name.len() > LONGEST_DOMAIN || !name.split('.').all(is_ldh_label) {
            return Err(PathError::Domain);
        }
        Ok(Domain::Name(name))
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Domain::Name(name) => f.write_str(name),
            Domain::Ipv4(address) => write!(f, "[{address}]"),
            Domain::Ipv6(address) => write!(f, "[IPv6:{address}]"),
            Domain::General(literal) => write!(f, "[{literal}]"),
        }
    }
}

impl PartialEq for Domain {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Domain::Name(a), Domain::Name(b)) | (Domain::General(a), Domain::General(b)) => {
                a.eq_ignore_ascii_case(b)
            }
            (Domain::Ipv4(a), Domain::Ipv4(b)) => a == b,
            (Domain::Ipv6(a), Domain::Ipv6(b)) => a == b,
            _ => false,
        }
    }
}

impl Eq for Domain {}

impl Hash for Domain {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            Domain::Name(name) | Domain::General(name) => {
                for octet in name.bytes() {
                    octet.to_ascii_lowercase().hash(state);
                }
            }
            Domain::Ipv4(address) => address.hash(state),
            Domain::Ipv6(address) => address.hash(state),
        }
    }
}

/// Takes off one pair of angle brackets.
fn unbracketed(text: &str) -> Result<&str, PathError> {
    match (text.strip_prefix('<'), text.ends_with('>')) {
        (Some(rest), true) => Ok(rest.strip_suffix('>').unwrap_or(rest)),
        (None, false) => Ok(text),
        _ => Err(PathError::Brackets),
    }
}

/// Takes off `@x,@y:`.
fn without_route(path: &str) -> &str {
    match path.split_once(':') {
        Some((route, rest)) if route.starts_with('@') => rest,
        _ => path,
    }
}

/// Splits `dot-string@domain`.
fn dot_string(path: &str) -> Result<(&str, &str), PathError> {
    let (local, domain) = path.rsplit_once('@').ok_or(PathError::NoDomain)?;
    if local.is_empty() {
        return Err(PathError::NoLocalPart);
    }
    if is_dot_string(local) {
        return Ok((local, domain));
    }
    let odd = local.chars().find(|&c| c != '.' && !is_atext(c));
    Err(odd.map_or(PathError::Dots, PathError::LocalCharacter))
}

/// Splits what follows the opening quotation mark: `content"@domain`.
fn quoted_string(rest: &str) -> Result<(String, &str), PathError> {
    let mut local = String::new();
    let mut chars = rest.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => {
                let domain = rest[at + 1..].strip_prefix('@').ok_or(PathError::Quotes)?;
                return Ok((local, domain));
            }
            '\\' => local.push(chars.next().ok_or(PathError::Quotes)?.1),
            _ => local.push(c),
        }
    }
    Err(PathError::Quotes)
}

fn literal(inside: &str) -> Result<Domain, PathError> {
    if let Ok(address) = inside.parse() {
        return Ok(Domain::Ipv4(address));
    }
    // An IPv6 address without its tag would pass for a tag and a content.
    if inside.parse::<Ipv6Addr>().is_ok() {
        return Err(PathError::Literal);
    }
    let (tag, content) = inside.split_once(':').ok_or(PathError::Literal)?;
    if tag.eq_ignore_ascii_case("ipv6") {
        return content.parse().map(Domain::Ipv6).map_err(|_| PathError::Literal);
    }
    // RFC 5321 §4.1.3: dcontent is printable US-ASCII without "[", "\" and "]".
    let known_shape = is_ldh_label(tag)
        && !content.is_empty()
        && content.bytes().all(|b| matches!(b, 33..=90 | 94..=126));
    if known_shape { Ok(Domain::General(inside.to_owned())) } else { Err(PathError::Literal) }
}

fn is_dot_string(local: &str) -> bool {
    let mut in_atom = false;
    for c in local.chars() {
        match c {
            '.' if in_atom => in_atom = false,
            c if is_atext(c) => in_atom = true,
            _ => return false,
        }
    }
    in_atom
}

/// RFC 5322 §3.2.3, and any UTF-8 beyond US-ASCII by RFC 6531 §3.3.
fn is_atext(c: char) -> bool {
    matches!(
        c,
        'a'..='z' | 'A'..='Z' | '0'..='9' | '!' | '#' | '$' | '%' | '&' | '\'' | '*' | '+' | '-'
            | '/' | '=' | '?' | '^' | '_' | '`' | '{' | '|' | '}' | '~' | '\u{80}'..
    )
}

fn is_ldh_label(label: &str) -> bool {
    (1..=LONGEST_LABEL).contains(&label.len())
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

fn has_a_label(name: &str) -> bool {
    name.split('.')
        .any(|label| label.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("xn--")))
}

#[cfg(test)]
mod tests;
