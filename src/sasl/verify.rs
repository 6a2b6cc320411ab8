//! The server's side: whether what a client said proves who it is. For the
//! embedded receiver, which keeps a handful of test users in memory.

use super::{CramMd5, Credentials, Secret};
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

impl Users {
    /// Judges the message of PLAIN, already decoded from base64, and gives the
    /// name (RFC 4616 §2).
    pub fn check_plain(&self, message: &Secret) -> Result<String, Denied> {
        let mut parts = message.expose().split(|&octet| octet == 0);
        let (Some(acts_as), Some(name), Some(password), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(Denied::Malformed);
        };
        let name = self.check(name, password)?;
        // Nobody here may act for another.
        if acts_as.is_empty() || acts_as == name.as_bytes() { Ok(name) } else { Err(Denied::Wrong) }
    }

    /// Judges the two answers of LOGIN, already decoded from base64, and gives
    /// the name.
    pub fn check_login(&self, name: &Secret, password: &Secret) -> Result<String, Denied> {
        self.check(name.expose(), password.expose())
    }

    /// Judges the answer to a CRAM-MD5 challenge, both already decoded from
    /// base64, and gives the name (RFC 2195 §2). Where anyone may sign in, an
    /// answer of the right shape is enough.
    pub fn check_cram_md5(&self, challenge: &[u8], answer: &Secret) -> Result<String, Denied> {
        let text = std::str::from_utf8(answer.expose()).map_err(|_| Denied::Malformed)?;
        let (name, digits) = text.rsplit_once(' ').ok_or(Denied::Malformed)?;
        let is_digest = digits.len() == 32 && digits.bytes().all(|b| b.is_ascii_hexdigit());
        if name.is_empty() || !is_digest {
            return Err(Denied::Malformed);
        }
        let known = match self {
            Users::Anyone => true,
            Users::Only(users) => users.iter().fold(false, |known, user| {
                known | same(CramMd5::answer(user, challenge).expose(), answer.expose())
            }),
        };
        if known { Ok(name.to_owned()) } else { Err(Denied::Wrong) }
    }

    fn check(&self, name: &[u8], password: &[u8]) -> Result<String, Denied> {
        let text = std::str::from_utf8(name).map_err(|_| Denied::Malformed)?;
        if text.is_empty() || password.is_empty() {
            return Err(Denied::Malformed);
        }
        let known = match self {
            Users::Anyone => true,
            // Every user is looked at, so that the time taken tells nothing.
            Users::Only(users) => users.iter().fold(false, |known, user| {
                known | (same(user.user.as_bytes(), name) & same(user.password.expose(), password))
            }),
        };
        if known { Ok(text.to_owned()) } else { Err(Denied::Wrong) }
    }
}

/// Compares in a time that depends on neither the octets nor their agreement.
/// The digests make the lengths equal.
fn same(a: &[u8], b: &[u8]) -> bool {
    let (a, b) = (digest(&SHA256, a), digest(&SHA256, b));
    a.as_ref().iter().zip(b.as_ref()).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tim() -> Users {
        let who = |user: &str, password: &str| Credentials {
            user: user.to_owned(),
            password: Secret::new(password),
        };
        Users::Only(vec![who("ann", "other"), who("tim", "tanstaaftanstaaf")])
    }

    #[test]
    fn plain_takes_the_right_password_and_nothing_else() {
        // 4616
        for (message, verdict) in [
            ("\0tim\0tanstaaftanstaaf", Ok("tim")),
            ("tim\0tim\0tanstaaftanstaaf", Ok("tim")),
            ("ann\0tim\0tanstaaftanstaaf", Err(Denied::Wrong)),
            ("\0tim\0tanstaaftanstaa", Err(Denied::Wrong)),
            ("\0tim\0other", Err(Denied::Wrong)),
            ("\0bob\0tanstaaftanstaaf", Err(Denied::Wrong)),
            ("\0tim\0", Err(Denied::Malformed)),
            ("\0\0tanstaaftanstaaf", Err(Denied::Malformed)),
            ("tim\0tanstaaftanstaaf", Err(Denied::Malformed)),
            ("\0tim\0tanstaaf\0tanstaaf", Err(Denied::Malformed)),
            ("", Err(Denied::Malformed)),
        ] {
            let said = tim().check_plain(&Secret::new(message));
            assert_eq!(said.as_deref().map_err(|e| *e), verdict, "{message:?}");
        }
    }

    #[test]
    fn login_takes_a_name_and_its_password() {
        let check = |name, password| tim().check_login(&Secret::new(name), &Secret::new(password));
        assert_eq!(check("ann", "other"), Ok("ann".to_owned()));
        assert_eq!(check("ann", "tanstaaftanstaaf"), Err(Denied::Wrong));
        assert_eq!(check("", "x"), Err(Denied::Malformed));
    }

    #[test]
    fn cram_md5_takes_the_published_answer() {
        // 2195 §2
        let challenge = b"<1896.697170952@postoffice.reston.mci.net>";
        let check =
            |users: &Users, answer: &str| users.check_cram_md5(challenge, &Secret::new(answer));
        let right = "tim b913a602c7eda7a495b4e6e7334d3890";
        let wrong = "tim c913a602c7eda7a495b4e6e7334d3890";
        assert_eq!(check(&tim(), right), Ok("tim".to_owned()));
        assert_eq!(check(&tim(), wrong), Err(Denied::Wrong));
        assert_eq!(check(&Users::Anyone, wrong), Ok("tim".to_owned()));
        assert_eq!(check(&Users::Anyone, "tim b913"), Err(Denied::Malformed));
    }

    #[test]
    fn anyone_may_sign_in_with_anything_but_nothing() {
        let check = |message: &str| Users::Anyone.check_plain(&Secret::new(message));
        assert_eq!(check("\0x\0y"), Ok("x".to_owned()));
        assert_eq!(check("\0x\0"), Err(Denied::Malformed));
    }
}
