//! The server's side: whether what a client said proves who it is. For the
//! embedded receiver, which keeps a handful of test users in memory.

mod scram;

use super::{ChannelBinding, Credentials, Secret, cram_md5, saslprep};
use ring::digest::{SHA256, digest};

/// Who may sign in.
#[derive(Clone, Debug, Default)]
pub enum Users {
    /// Any name with any password.
    #[default]
    Anyone,
    /// These, each with its password.
    Only(Vec<Credentials>),
}

/// Why a client is not signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denied {
    /// The message does not follow the mechanism's grammar.
    Malformed,
    /// No such name, another password, or an identity that the name may not
    /// assume; which of these is not told.
    Wrong,
}

/// What a client is told.
#[derive(Debug, PartialEq, Eq)]
pub enum Judgement {
    /// The exchange goes on with this challenge.
    Ask(Vec<u8>),
    /// The client is this user.
    Granted(String),
    /// It is not.
    Denied(Denied),
}

/// What the receiver knows when an exchange begins.
#[derive(Clone, Copy, Debug)]
pub struct Premise<'p> {
    /// Who may sign in.
    pub users: &'p Users,
    /// Printable text without comma that is never the same twice.
    pub nonce: &'p str,
    /// The bindings that this channel has.
    pub bindings: &'p [ChannelBinding],
    /// Who the client's certificate says it is.
    pub certified: Option<&'p str>,
    /// Mechanisms that bind to the channel are offered, so that who could use
    /// one and says that they are not was deceived (RFC 5802 §6).
    pub binds: bool,
}

/// One exchange.
pub trait Examiner: std::fmt::Debug + Send {
    /// What to ask first where the server begins (RFC 4422 §5); `None` where
    /// the client does.
    fn opening(&self) -> Option<Vec<u8>> {
        None
    }

    /// Whether a client that spoke first is heard although the server begins.
    fn bears_haste(&self) -> bool {
        true
    }

    /// Judges the client's next message.
    fn examine(&mut self, message: &Secret) -> Judgement;
}

/// A mechanism of the receiver.
#[derive(Clone, Copy, Debug)]
pub struct Offered {
    /// The registered name.
    pub name: &'static str,
    /// Whether it can be used on such a channel by such users.
    pub fits: fn(&Premise<'_>) -> bool,
    /// Begins an exchange.
    pub begin: fn(&Premise<'_>) -> Box<dyn Examiner>,
}

/// The receiver's mechanisms in the order in which they are offered.
pub const MECHANISMS: &[Offered] = &[
    scram::SHA_256_PLUS,
    scram::SHA_1_PLUS,
    scram::SHA_256,
    scram::SHA_1,
    Offered {
        name: "PLAIN",
        fits: always,
        begin: |it| Box::new(Once { users: it.users.clone(), check: plain }),
    },
    Offered {
        name: "LOGIN",
        fits: always,
        begin: |it| Box::new(Login { users: it.users.clone(), name: None }),
    },
    Offered {
        name: "CRAM-MD5",
        fits: always,
        begin: |it| {
            let challenge = format!("<{}>", it.nonce);
            Box::new(CramMd5 { users: it.users.clone(), challenge })
        },
    },
    Offered {
        name: "OAUTHBEARER",
        fits: always,
        begin: |it| Box::new(Token { users: it.users.clone(), read: oauthbearer, refused: false }),
    },
    Offered {
        name: "XOAUTH2",
        fits: always,
        begin: |it| Box::new(Token { users: it.users.clone(), read: xoauth2, refused: false }),
    },
    Offered {
        name: "EXTERNAL",
        fits: |it| it.certified.is_some(),
        begin: |it| {
            let certified = it.certified.map(str::to_owned);
            Box::new(External { users: it.users.clone(), certified })
        },
    },
    Offered {
        name: "ANONYMOUS",
        fits: |it| matches!(it.users, Users::Anyone),
        begin: |it| Box::new(Once { users: it.users.clone(), check: anonymous }),
    },
];

fn always(_: &Premise<'_>) -> bool {
    true
}

/// A mechanism of one message.
#[derive(Debug)]
struct Once {
    users: Users,
    check: fn(&Users, &[u8]) -> Result<String, Denied>,
}

impl Examiner for Once {
    fn examine(&mut self, message: &Secret) -> Judgement {
        (self.check)(&self.users, message.expose()).into()
    }
}

impl From<Result<String, Denied>> for Judgement {
    fn from(verdict: Result<String, Denied>) -> Self {
        verdict.map_or_else(Judgement::Denied, Judgement::Granted)
    }
}

/// RFC 4616 §2.
fn plain(users: &Users, message: &[u8]) -> Result<String, Denied> {
    let mut parts = message.split(|&octet| octet == 0);
    let (Some(acts_as), Some(name), Some(password), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(Denied::Malformed);
    };
    let name = users.check(name, password)?;
    // Nobody here may act for another.
    if acts_as.is_empty() || acts_as == name.as_bytes() { Ok(name) } else { Err(Denied::Wrong) }
}

/// RFC 4505: whoever it is, and whatever trace it leaves.
fn anonymous(_: &Users, message: &[u8]) -> Result<String, Denied> {
    str::from_utf8(message).map_err(|_| Denied::Malformed)?;
    Ok("anonymous".to_owned())
}

/// LOGIN: the name, then the password. Draft §2 has the server speak first;
/// Python's smtplib and others give the name at once.
#[derive(Debug)]
struct Login {
    users: Users,
    name: Option<Secret>,
}

impl Examiner for Login {
    fn opening(&self) -> Option<Vec<u8>> {
        Some(b"Username:".to_vec())
    }

    fn examine(&mut self, message: &Secret) -> Judgement {
        match self.name.take() {
            None => {
                self.name = Some(message.clone());
                Judgement::Ask(b"Password:".to_vec())
            }
            Some(name) => self.users.check(name.expose(), message.expose()).into(),
        }
    }
}

/// RFC 2195 §2. Where anyone may sign in, an answer of the right shape is
/// enough.
#[derive(Debug)]
struct CramMd5 {
    users: Users,
    challenge: String,
}

impl Examiner for CramMd5 {
    fn opening(&self) -> Option<Vec<u8>> {
        Some(self.challenge.clone().into_bytes())
    }

    /// What it said cannot be an answer.
    fn bears_haste(&self) -> bool {
        false
    }

    fn examine(&mut self, answer: &Secret) -> Judgement {
        let text = str::from_utf8(answer.expose()).map_err(|_| Denied::Malformed);
        text.and_then(|text| self.user(text, answer)).into()
    }
}

impl CramMd5 {
    fn user(&self, text: &str, answer: &Secret) -> Result<String, Denied> {
        let (name, digits) = text.rsplit_once(' ').ok_or(Denied::Malformed)?;
        let is_digest = digits.len() == 32 && digits.bytes().all(|b| b.is_ascii_hexdigit());
        if name.is_empty() || !is_digest {
            return Err(Denied::Malformed);
        }
        let known = match &self.users {
            Users::Anyone => true,
            Users::Only(users) => users.iter().fold(false, |known, user| {
                let right = cram_md5::answer(user, self.challenge.as_bytes());
                known | same(right.expose(), answer.expose())
            }),
        };
        if known { Ok(name.to_owned()) } else { Err(Denied::Wrong) }
    }
}

/// OAUTHBEARER and XOAUTH2: a user's token is its password here.
#[derive(Debug)]
struct Token {
    users: Users,
    /// Cuts a message into the name and the token.
    read: fn(&str) -> Option<(String, &str)>,
    refused: bool,
}

impl Examiner for Token {
    /// A refusal comes in two steps (RFC 7628 §3.2.2).
    fn examine(&mut self, message: &Secret) -> Judgement {
        if self.refused {
            return Judgement::Denied(Denied::Wrong);
        }
        let text = str::from_utf8(message.expose()).ok();
        let Some((name, token)) = text.and_then(self.read) else {
            return Judgement::Denied(Denied::Malformed);
        };
        if let Ok(name) = self.users.check(name.as_bytes(), token.as_bytes()) {
            return Judgement::Granted(name);
        }
        self.refused = true;
        Judgement::Ask(br#"{"status":"invalid_token","scope":"mail"}"#.to_vec())
    }
}

/// RFC 7628 §3.1: `n,a=NAME,` and then fields, one of them `auth`.
fn oauthbearer(message: &str) -> Option<(String, &str)> {
    let (header, fields) = message.split_once('\x01')?;
    let name = header.strip_prefix("n,a=")?.strip_suffix(',')?;
    let fields = fields.strip_suffix("\x01\x01")?;
    let token = fields.split('\x01').find_map(|field| field.strip_prefix("auth=Bearer "))?;
    Some((name.replace("=2C", ",").replace("=3D", "="), token))
}

fn xoauth2(message: &str) -> Option<(String, &str)> {
    let (name, token) = message.strip_prefix("user=")?.split_once("\x01auth=Bearer ")?;
    Some((name.to_owned(), token.strip_suffix("\x01\x01")?))
}

/// RFC 4422 appendix A. Nobody may act for another.
#[derive(Debug)]
struct External {
    users: Users,
    certified: Option<String>,
}

impl Examiner for External {
    fn examine(&mut self, message: &Secret) -> Judgement {
        let is_meant = |name: &String| message.is_empty() || message.expose() == name.as_bytes();
        let certified = self.certified.take().filter(|name| self.users.know(name));
        match certified.filter(is_meant) {
            Some(name) => Judgement::Granted(name),
            None => Judgement::Denied(Denied::Wrong),
        }
    }
}

impl Users {
    /// Whether somebody of this name may sign in at all.
    fn know(&self, name: &str) -> bool {
        match self {
            Users::Anyone => true,
            Users::Only(users) => users.iter().any(|user| user.user == name),
        }
    }

    fn check(&self, name: &[u8], password: &[u8]) -> Result<String, Denied> {
        let text = str::from_utf8(name).map_err(|_| Denied::Malformed)?;
        if text.is_empty() || password.is_empty() {
            return Err(Denied::Malformed);
        }
        let known = match self {
            Users::Anyone => true,
            // Every user is looked at, so that the time taken tells nothing.
            Users::Only(users) => users.iter().fold(false, |known, user| {
                known
                    | (is_spelt(user.user.as_bytes(), name)
                        & is_spelt(user.password.expose(), password))
            }),
        };
        if known { Ok(text.to_owned()) } else { Err(Denied::Wrong) }
    }
}

/// Whether a client's word is ours, in its own spelling or in the one of
/// RFC 4013, which PLAIN asks for and LOGIN does not.
fn is_spelt(ours: &[u8], theirs: &[u8]) -> bool {
    let prepared = saslprep::saslprep(ours);
    same(ours, theirs) | prepared.is_some_and(|ours| same(&ours, theirs))
}

/// Compares in a time that depends on neither the octets nor their agreement.
/// The digests make the lengths equal.
fn same(a: &[u8], b: &[u8]) -> bool {
    let (a, b) = (digest(&SHA256, a), digest(&SHA256, b));
    a.as_ref().iter().zip(b.as_ref()).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
}

#[cfg(test)]
mod tests;
