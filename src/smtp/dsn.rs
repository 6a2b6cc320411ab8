//! What may be asked about delivery status notifications, the reports of what
//! became of a message (RFC 3461).

mod reported;

use super::path::{ForwardPath, ReversePath};
use super::xtext;
use std::fmt::{self, Write as _};
use std::str::FromStr;

/// What a sender wants to hear of a message; `None` asks for nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DsnRequest {
    /// On what a report comes.
    pub notify: Option<Notify>,
    /// How much of the message comes back in a report of failure.
    pub ret: Option<Ret>,
    /// What the sender calls the message in its reports.
    pub envid: Option<EnvId>,
}

/// On what a report comes: NOTIFY (RFC 3461 §4.1). On none of the three is
/// NEVER.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notify {
    success: bool,
    failure: bool,
    delay: bool,
}

/// How much of a message comes back in a report of failure: RET (RFC 3461
/// §4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ret {
    /// All of it.
    Full,
    /// Its header.
    Headers,
}

/// What a sender calls a message in its reports: ENVID (RFC 3461 §4.4).
/// Printable US-ASCII with blanks, in xtext at most 94 octets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvId(String);

/// The address that a message was first meant for: ORCPT (RFC 3461 §4.2), in
/// its wire form, `type;address`; at most 494 octets. In the type `utf-8`
/// characters outside US-ASCII may stand as they are (RFC 6533 §3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Orcpt(String);

/// A value of NOTIFY that is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is ‘never’ alone, or of ‘failure’, ‘delay’ and ‘success’ one or more with commas")]
pub struct NotNotify;

/// A value of RET that is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is ‘full’ or ‘headers’, which is ‘hdrs’, too")]
pub struct NotRet;

/// Why a text is no envelope identifier. The `Display` form is a clause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EnvIdError {
    /// Nothing.
    #[error("it is empty")]
    Empty,
    /// Something else than US-ASCII from blank to `~`.
    #[error("it may hold letters, digits, punctuation and blanks of US-ASCII only")]
    Character,
    /// RFC 3461 §5.4.
    #[error("it is longer than 94 characters, of which +, = and blanks count for three each")]
    TooLong,
}

/// RFC 3461 §5.4 counts `ENVID=`, hence 100 − 6.
const LONGEST_ENVID: usize = 94;
/// What a submission client should keep to, hence 38 − 6.
const HANDY_ENVID: usize = 32;
/// RFC 3461 §5.4 counts `ORCPT=`, hence 500 − 6.
const LONGEST_ORCPT: usize = 494;

impl DsnRequest {
    /// True when nothing is asked for.
    pub fn is_empty(&self) -> bool {
        *self == DsnRequest::default()
    }

    /// What of it may be asked of a message from this sender. Reports to the
    /// null sender there are none, and may be none (RFC 3461 §5.2, §6.1).
    #[must_use]
    pub fn for_sender(self, sender: &ReversePath) -> Self {
        match sender {
            ReversePath(Some(_)) => self,
            ReversePath(None) => DsnRequest {
                notify: self.notify.filter(|notify| *notify == Notify::NEVER),
                ret: None,
                envid: self.envid,
            },
        }
    }
}

impl Notify {
    /// On nothing at all.
    pub const NEVER: Notify = Notify { success: false, failure: false, delay: false };

    /// True when the arrival of the message is to be reported.
    pub fn on_success(self) -> bool {
        self.success
    }

    /// True when it is to be reported that the message cannot be delivered.
    pub fn on_failure(self) -> bool {
        self.failure
    }

    /// True when it may be reported that the message is late.
    pub fn on_delay(self) -> bool {
        self.delay
    }
}

impl FromStr for Notify {
    type Err = NotNotify;

    /// Takes the wire form, in any case of letters.
    fn from_str(text: &str) -> Result<Self, NotNotify> {
        if text.eq_ignore_ascii_case("NEVER") {
            return Ok(Notify::NEVER);
        }
        let mut notify = Notify::NEVER;
        for word in text.split(',') {
            match word.to_ascii_uppercase().as_str() {
                "SUCCESS" => notify.success = true,
                "FAILURE" => notify.failure = true,
                "DELAY" => notify.delay = true,
                _ => return Err(NotNotify),
            }
        }
        Ok(notify)
    }
}

impl fmt::Display for Notify {
    /// The wire form.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Notify { success, failure, delay } = *self;
        if *self == Notify::NEVER {
            return f.write_str("NEVER");
        }
        let words = [(success, "SUCCESS"), (failure, "FAILURE"), (delay, "DELAY")];
        let wanted = words.into_iter().filter(|(is_wanted, _)| *is_wanted);
        for (at, (_, word)) in wanted.enumerate() {
            f.write_str(if at == 0 { "" } else { "," })?;
            f.write_str(word)?;
        }
        Ok(())
    }
}

impl Ret {
    /// Each with its name in options and files.
    pub const ALL: [(&'static str, Ret); 2] = [("full", Ret::Full), ("headers", Ret::Headers)];

    /// The one of this name, in any case of letters. `hdrs` is a name, too.
    pub fn named(name: &str) -> Option<Self> {
        let is_named = |known: &&(&str, Ret)| known.0.eq_ignore_ascii_case(name);
        let known = Ret::ALL.iter().find(is_named).map(|(_, ret)| *ret);
        known.or_else(|| name.parse().ok())
    }

    /// Its name in options and files.
    pub fn name(self) -> &'static str {
        match self {
            Ret::Full => "full",
            Ret::Headers => "headers",
        }
    }
}

impl FromStr for Ret {
    type Err = NotRet;

    /// Takes the wire form, in any case of letters.
    fn from_str(text: &str) -> Result<Self, NotRet> {
        match text.to_ascii_uppercase().as_str() {
            "FULL" => Ok(Ret::Full),
            "HDRS" => Ok(Ret::Headers),
            _ => Err(NotRet),
        }
    }
}

impl fmt::Display for Ret {
    /// The wire form.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Ret::Full => "FULL",
            Ret::Headers => "HDRS",
        })
    }
}

impl EnvId {
    /// Reads the wire form.
    pub fn from_xtext(xtext: &str) -> Option<Self> {
        let text = String::from_utf8(xtext::decoded(xtext)?).ok()?;
        // Another spelling of the same text may be longer than ours.
        if xtext.len() > LONGEST_ENVID { None } else { text.parse().ok() }
    }

    /// The identifier as it is meant.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// True when it is longer than what one who submits should use (RFC 3461
    /// §5.4).
    pub fn is_unhandy(&self) -> bool {
        xtext::encoded(&self.0).len() > HANDY_ENVID
    }
}

impl FromStr for EnvId {
    type Err = EnvIdError;

    /// Takes the identifier as it is meant.
    fn from_str(text: &str) -> Result<Self, EnvIdError> {
        if text.is_empty() {
            return Err(EnvIdError::Empty);
        }
        if !text.bytes().all(is_printable) {
            return Err(EnvIdError::Character);
        }
        if xtext::encoded(text).len() > LONGEST_ENVID {
            return Err(EnvIdError::TooLong);
        }
        Ok(EnvId(text.to_owned()))
    }
}

impl fmt::Display for EnvId {
    /// The wire form.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&xtext::encoded(&self.0))
    }
}

impl Orcpt {
    /// That of a message on its first way, which is the recipient itself
    /// (RFC 3461 §4.2). `None` where it would be too long: it may be left out,
    /// but not cut.
    pub fn of(recipient: &ForwardPath) -> Option<Self> {
        let address = recipient.to_string();
        Orcpt::fitting(if address.is_ascii() {
            format!("rfc822;{}", xtext::encoded(&address))
        } else {
            let may_stand = |c: char| !c.is_ascii() || is_qchar(c);
            format!("utf-8;{}", embedded(&address, may_stand))
        })
    }

    /// Reads the wire form. With `smtputf8`, characters outside US-ASCII may
    /// stand in it (RFC 6533 §3).
    pub fn from_wire(text: &str, smtputf8: bool) -> Option<Self> {
        let (kind, address) = text.split_once(';')?;
        let is_fine = if kind.eq_ignore_ascii_case("utf-8") {
            is_unitext(address) && (smtputf8 || address.is_ascii())
        } else {
            // RFC 3461 §4.2: what it stands for is printable, as in a report.
            xtext::decoded(address).is_some_and(|octets| octets.into_iter().all(is_printable))
        };
        if !is_atom(kind) || address.is_empty() || !is_fine {
            return None;
        }
        Orcpt::fitting(text.to_owned())
    }

    /// The form for a way that carries US-ASCII only, if it is not too long.
    pub fn to_ascii(&self) -> Option<Self> {
        // Outside US-ASCII, only addresses of the type utf-8 have characters.
        Orcpt::fitting(embedded(&self.0, |c| c.is_ascii()))
    }

    /// True when any server may be told.
    pub fn is_ascii(&self) -> bool {
        self.0.is_ascii()
    }

    fn fitting(text: String) -> Option<Self> {
        (text.len() <= LONGEST_ORCPT).then_some(Orcpt(text))
    }
}

impl fmt::Display for Orcpt {
    /// The wire form.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What may stand in a report before it is made a parameter: graphic characters
/// and blanks.
fn is_printable(octet: u8) -> bool {
    octet == b' ' || octet.is_ascii_graphic()
}

/// RFC 5322 §3.2.3.
fn is_atom(text: &str) -> bool {
    let is_atext = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&b);
    !text.is_empty() && text.bytes().all(is_atext)
}

/// A text with `\x{HEX}` for each character that may not stand as it is
/// (RFC 6533 §3).
fn embedded(text: &str, may_stand: impl Fn(char) -> bool) -> String {
    let mut embedded = String::with_capacity(text.len());
    for c in text.chars() {
        if may_stand(c) {
            embedded.push(c);
        } else {
            let _ = write!(embedded, "\\x{{{:02X}}}", u32::from(c));
        }
    }
    embedded
}

/// RFC 6533 §3: what of US-ASCII stands as it is.
fn is_qchar(c: char) -> bool {
    c.is_ascii_graphic() && !matches!(c, '\\' | '+' | '=')
}

/// Reads unitext as strictly as its grammar is (RFC 6533 §3): what could stand
/// as it is is not embedded.
fn is_unitext(text: &str) -> bool {
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if c != '\\' {
            if c.is_ascii() && !is_qchar(c) {
                return false;
            }
            rest = &rest[c.len_utf8()..];
            continue;
        }
        let embedded = rest.strip_prefix("\\x{").and_then(|behind| behind.split_once('}'));
        let Some((digits, behind)) = embedded else { return false };
        if !is_embedded(digits) {
            return false;
        }
        rest = behind;
    }
    true
}

/// Two to six hexadecimal digits, not more than the number needs, of a character
/// that has to be embedded.
fn is_embedded(digits: &str) -> bool {
    let Some(c) = u32::from_str_radix(digits, 16).ok().and_then(char::from_u32) else {
        return false;
    };
    !is_qchar(c) && digits.eq_ignore_ascii_case(&format!("{:02X}", u32::from(c)))
}

#[cfg(test)]
mod tests;
