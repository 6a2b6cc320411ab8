//! Looking for secrets in what the program wrote and in what could be seen of it.
//!
//! A secret is looked for as it is, as hexadecimal digits, as a list of decimal
//! octets, and as base64 wherever in a longer text it may stand. With a password
//! go the keys that SCRAM derives from it, and every answer that it gives to a
//! challenge.

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use hmac::{Hmac, Mac as _};
use md5::Md5;
use memchr::memmem;

use crate::program::Run;
use crate::scram::First;
use crate::server::{Exchange, PASSWORD, USER};
use crate::sign_in::{SECRET, SEEN};

/// What the program is given to sign in with.
pub(crate) enum Given {
    Password(String),
    Token(String),
    /// The file of a private key.
    Key(PathBuf),
    Nothing,
}

/// Neither the password, nor what SASL makes of it, on either output.
#[track_caller]
pub(crate) fn assert_tells_no_secret(run: &Run) {
    let hidden = hidden(&Given::Password(PASSWORD.to_owned()), &[]);
    assert_eq!(found(&hidden, run.to_string().as_bytes()), None, "\n{run}");
}

/// Nothing of this token on either output.
#[track_caller]
pub(crate) fn assert_tells_nothing_of(token: &str, run: &Run) {
    let hidden = [Hidden::new("the token", token.as_bytes())];
    assert_eq!(found(&hidden, run.to_string().as_bytes()), None, "\n{run}");
}

/// Nothing of what was given is in the outputs, in the lists of processes and
/// their environments, or in any file that the program made; nor is anything
/// that was said meanwhile, as far as the server kept it.
#[track_caller]
pub(crate) fn assert_keeps(given: &Given, run: &Run, home: &Path, exchange: &Exchange) {
    let mut hidden = hidden(given, &exchange.challenges);
    hidden.extend(answers(&exchange.answers));
    for (place, octets) in places(home, &run.to_string()) {
        assert_eq!(found(&hidden, &octets), None, "in {place}\n{run}");
    }
    if run.status == 0 && matches!(given, Given::Password(_) | Given::Token(_)) {
        let seen = fs::read(home.join(SEEN)).expect("the command was run");
        let program = memmem::find(&seen, b"envoi\0send\0--json\0");
        assert!(program.is_some(), "{}\n{run}", String::from_utf8_lossy(&seen));
    }
}

/// Whether the exchange ends in a proof that is looked for because of its
/// challenge alone.
pub(crate) fn knows_a_proof(exchange: &Exchange) -> bool {
    let hidden = hidden(&Given::Password(PASSWORD.to_owned()), &exchange.challenges);
    let decoded = exchange.answers.iter().filter_map(|answer| STANDARD.decode(answer).ok());
    let mut proofs = decoded.filter_map(|answer| {
        let text = String::from_utf8(answer).ok()?;
        STANDARD.decode(text.split_once(",p=")?.1).ok()
    });
    proofs.any(|proof| hidden.iter().any(|secret| secret.octets == proof))
}

/// Where a secret could have come to, each with what it holds.
fn places(home: &Path, output: &str) -> Vec<(String, Vec<u8>)> {
    let mut places = vec![("the output".to_owned(), output.as_bytes().to_vec())];
    let mut directories = vec![home.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).expect("listing the home") {
            let path = entry.expect("reading the home").path();
            if path.is_dir() {
                directories.push(path);
            } else if path.file_name().is_none_or(|name| name != SECRET) {
                let octets = fs::read(&path).expect("reading a file of the home");
                places.push((path.display().to_string(), octets));
            }
        }
    }
    places
}

/// Something that must not be seen, and its name for who reads a failure.
struct Hidden {
    name: String,
    octets: Vec<u8>,
}

impl Hidden {
    fn new(name: impl Into<String>, octets: impl Into<Vec<u8>>) -> Self {
        Self { name: name.into(), octets: octets.into() }
    }

    /// The ways in which it may be written.
    fn forms(&self) -> Vec<Vec<u8>> {
        let hex = |upper: bool| {
            let digit =
                |octet: &u8| if upper { format!("{octet:02X}") } else { format!("{octet:02x}") };
            self.octets.iter().map(digit).collect::<String>()
        };
        let decimal: Vec<_> = self.octets.iter().map(u8::to_string).collect();
        let mut forms = vec![hex(false), hex(true), decimal.join(", ")];
        for base64 in alignments(&self.octets) {
            forms.push(base64.replace('+', "-").replace('/', "_"));
            forms.push(base64);
        }
        let forms = forms.into_iter().map(String::into_bytes);
        std::iter::once(self.octets.clone()).chain(forms).collect()
    }
}

/// What is the same in base64 whatever stands around these octets: for 0, 1 and
/// 2 octets more than a multiple of three before them.
fn alignments(octets: &[u8]) -> [String; 3] {
    [0, 1, 2].map(|before| {
        let text = STANDARD_NO_PAD.encode([&[0; 2][..before], octets].concat());
        let whole = (before + octets.len()) * 8 / 6;
        text[(before * 8).div_ceil(6)..whole].to_owned()
    })
}

/// The first secret that stands in `text`, and how.
fn found(hidden: &[Hidden], text: &[u8]) -> Option<String> {
    let known = hidden.iter().find_map(|secret| {
        let form = secret.forms().into_iter().find(|form| memmem::find(text, form).is_some())?;
        Some(format!("{} is there as {}", secret.name, String::from_utf8_lossy(&form)))
    });
    known.or_else(|| proof(&String::from_utf8_lossy(text)))
}

/// A last message of SCRAM or an answer of CRAM-MD5 of whatever password: each
/// allows guessing.
fn proof(text: &str) -> Option<String> {
    // Split at `=` too: what is left of padding or of `name=` is no base64.
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && !"+/".contains(c));
    let decoded = words.filter_map(|word| {
        let octets = STANDARD_NO_PAD.decode(word).ok()?;
        String::from_utf8(octets).ok()
    });
    std::iter::once(text.to_owned()).chain(decoded).find_map(|text| {
        let name = format!("{USER} ");
        let digest = text.match_indices(&name).any(|(at, _)| {
            let rest = text[at + name.len()..].chars();
            rest.take_while(char::is_ascii_hexdigit).count() >= 32
        });
        // In a transcript the proof is `***`.
        let scram = text.contains("c=")
            && text
                .match_indices(",p=")
                .any(|(at, found)| !text[at + found.len()..].starts_with("***"));
        (digest || scram).then(|| format!("an answer to a challenge is there: {text}"))
    })
}

/// Everything that follows from what was given, and from these challenges.
fn hidden(given: &Given, challenges: &[Vec<u8>]) -> Vec<Hidden> {
    match given {
        Given::Password(password) => {
            let mut hidden = vec![Hidden::new("the password", password.as_bytes())];
            for challenge in challenges {
                match First::parse(challenge) {
                    Some(first) => {
                        let secrets = first.secrets(password).into_iter();
                        hidden.extend(secrets.map(|(name, octets)| Hidden::new(name, octets)));
                    }
                    None => hidden.extend(cram_md5_digest(password, challenge)),
                }
            }
            hidden
        }
        Given::Token(token) => {
            let parts = token.split('.').skip(1);
            let parts = parts.map(|part| Hidden::new("a part of the token", part));
            parts.chain([Hidden::new("the token", token.as_bytes())]).collect()
        }
        Given::Key(file) => {
            let pem = fs::read_to_string(file).expect("reading a key");
            let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
            let der = STANDARD.decode(&body).expect("a key in PEM");
            // RFC 5915 §3: version 1, then the key itself.
            let start = memmem::find(&der, &[2, 1, 1, 4, 32]).expect("a key of a P-256 curve") + 5;
            let lines = pem.lines().filter(|line| !line.starts_with('-'));
            let lines = lines.map(|line| Hidden::new("a line of the key", line));
            lines.chain([Hidden::new("the key", &der[start..start + 32])]).collect()
        }
        Given::Nothing => Vec::new(),
    }
}

/// Whether an answer is one in which nothing is secret, which a transcript shows:
/// client-first-message of SCRAM (RFC 5802 §7).
fn is_open(answer: &[u8]) -> bool {
    [&b"n,,n="[..], b"y,,n=", b"p="].iter().any(|start| answer.starts_with(start))
}

/// What clients answered, as they wrote it and decoded. The shortest are names
/// and signs of assent.
fn answers(heard: &[Vec<u8>]) -> impl Iterator<Item = Hidden> {
    let long = heard.iter().filter(|line| line.len() >= 24);
    long.flat_map(|line| {
        let decoded = STANDARD.decode(line).unwrap_or_default();
        let is_hidden = !decoded.is_empty() && !is_open(&decoded);
        let decoded = is_hidden.then(|| Hidden::new("an answer, decoded", decoded));
        decoded.into_iter().chain([Hidden::new("an answer", line.as_slice())])
    })
}

/// RFC 2195 §2.
fn cram_md5_digest(password: &str, challenge: &[u8]) -> [Hidden; 2] {
    let mut keyed = Hmac::<Md5>::new_from_slice(password.as_bytes()).expect("any key will do");
    keyed.update(challenge);
    let digest = keyed.finalize().into_bytes();
    [
        Hidden::new("the digest of CRAM-MD5, in digits", format!("{digest:x}")),
        Hidden::new("the digest of CRAM-MD5", digest.to_vec()),
    ]
}

#[cfg(test)]
mod tests;
