//! The arguments of MAIL and RCPT, read as a server reads them (RFC 5321
//! §4.1.2). Each failure is the reply to give.

use super::policy::Policy;
use super::replies::say;
use crate::smtp::{
    Body, EnvId, Hold, Keyword, MailParameters, Orcpt, Recipient, Reply, ReversePath, xtext,
};
use std::borrow::Cow;
use std::str::FromStr;

/// Reads `FROM:<path> parameters`. `offered` says which extensions the client
/// was told of.
pub(super) fn mail(
    argument: &str,
    policy: &Policy,
    offered: impl Fn(Keyword) -> bool,
) -> Result<(ReversePath, MailParameters), Reply> {
    let (path, rest) = path(argument, "FROM:", 7)?;
    let mut parameters = MailParameters::default();
    for (keyword, value) in split(rest)? {
        let known = match keyword.as_str() {
            "SIZE" => Keyword::Size,
            "BODY" if offered(Keyword::BinaryMime) => Keyword::BinaryMime,
            "BODY" => Keyword::EightBitMime,
            "SMTPUTF8" => Keyword::SmtpUtf8,
            "AUTH" => Keyword::Auth,
            "RET" | "ENVID" => Keyword::Dsn,
            "HOLDFOR" | "HOLDUNTIL" => Keyword::FutureRelease,
            "REQUIRETLS" => Keyword::RequireTls,
            _ => return Err(unknown(&keyword)),
        };
        if !offered(known) {
            return Err(unknown(&keyword));
        }
        match (keyword.as_str(), value) {
            ("SIZE", Some(digits)) => parameters.size = Some(octets(digits)?),
            ("BODY", Some(kind)) if kind.eq_ignore_ascii_case("8BITMIME") => {
                parameters.body = Some(Body::EightBitMime);
            }
            ("BODY", Some(kind)) if kind.eq_ignore_ascii_case("7BIT") => {}
            ("BODY", Some(kind)) if kind.eq_ignore_ascii_case("BINARYMIME") => {
                // RFC 3030 §3.
                if !offered(Keyword::BinaryMime) {
                    return Err(bad(&keyword));
                }
                parameters.body = Some(Body::BinaryMime);
            }
            ("REQUIRETLS", None) => parameters.require_tls = true,
            ("SMTPUTF8", None) => parameters.smtputf8 = true,
            ("AUTH", Some(value)) if xtext::decoded(value).is_some() => {}
            ("RET", Some(what)) => {
                parameters.ret = Some(what.parse().map_err(|_| bad(&keyword))?);
            }
            ("ENVID", Some(value)) => {
                parameters.envid = Some(EnvId::from_xtext(value).ok_or_else(|| bad(&keyword))?);
            }
            ("HOLDFOR" | "HOLDUNTIL", Some(value)) => {
                // RFC 4865 §3: one of the two.
                if parameters.hold.is_some() {
                    return Err(say(501, "5.5.4 HOLDFOR and HOLDUNTIL exclude each other"));
                }
                parameters.hold = Some(hold(&keyword, value, policy)?);
            }
            _ => return Err(bad(&keyword)),
        }
    }
    let from = mailbox(&whole(path, policy), 7, parameters.smtputf8)?;
    Ok((from, parameters))
}

/// The path with a domain, where names without one are given one.
fn whole<'a>(path: &'a str, policy: &Policy) -> Cow<'a, str> {
    match (&policy.domain, path.strip_prefix('<').and_then(|path| path.strip_suffix('>'))) {
        (Some(domain), Some(name)) if !name.is_empty() && !name.contains('@') => {
            Cow::Owned(format!("<{name}@{domain}>"))
        }
        _ => Cow::Borrowed(path),
    }
}

/// Reads `TO:<path> parameters`. `offered` says which extensions the client was
/// told of, `smtputf8` whether MAIL allowed addresses beyond US-ASCII (RFC 6531
/// §3.4).
pub(super) fn rcpt(
    argument: &str,
    policy: &Policy,
    offered: impl Fn(Keyword) -> bool,
    smtputf8: bool,
) -> Result<Recipient, Reply> {
    let (path, rest) = path(argument, "TO:", 3)?;
    let (mut notify, mut orcpt) = (None, None);
    for (keyword, value) in split(rest)? {
        // RFC 3461 §5.1.
        match (keyword.as_str(), value) {
            ("NOTIFY" | "ORCPT", _) if !offered(Keyword::Dsn) => return Err(unknown(&keyword)),
            ("NOTIFY", Some(value)) => notify = Some(value.parse().map_err(|_| bad(&keyword))?),
            ("ORCPT", Some(value)) => {
                // RFC 6533 §3: whether or not MAIL asked for it.
                let read = Orcpt::from_wire(value, offered(Keyword::SmtpUtf8));
                orcpt = Some(read.ok_or_else(|| bad(&keyword))?);
            }
            ("NOTIFY" | "ORCPT", None) => return Err(bad(&keyword)),
            _ => return Err(unknown(&keyword)),
        }
    }
    Ok(Recipient { path: mailbox(&whole(path, policy), 3, smtputf8)?, notify, orcpt })
}

/// Cuts `FROM:<path> rest` behind the closing bracket. `detail` is the last
/// number of the enhanced status code for a bad path: 5.1.7 for senders, 5.1.3
/// for recipients. A blank behind the colon is forgiven: the grammar has none,
/// but many programs write one.
fn path<'a>(argument: &'a str, label: &str, detail: u16) -> Result<(&'a str, &'a str), Reply> {
    let syntax = |wanted: &str| say(501, &format!("5.5.4 Syntax: {wanted}"));
    let rest = match argument.get(..label.len()) {
        Some(start) if start.eq_ignore_ascii_case(label) => argument[label.len()..].trim_start(),
        _ => return Err(syntax(&format!("{label}<address>"))),
    };
    if !rest.starts_with('<') {
        return Err(say(501, &format!("5.1.{detail} The address stands in angle brackets")));
    }
    let end = closing_bracket(rest)
        .ok_or_else(|| say(501, &format!("5.1.{detail} The closing angle bracket is missing")))?;
    let (path, parameters) = rest.split_at(end + 1);
    if parameters.is_empty() || parameters.starts_with(' ') {
        Ok((path, parameters))
    } else {
        Err(syntax("a blank stands before each parameter"))
    }
}

/// Where the path ends: the first `>` outside quotation marks.
fn closing_bracket(path: &str) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    for (at, c) in path.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '>' if !quoted => return Some(at),
            _ => {}
        }
    }
    None
}

fn mailbox<P: FromStr>(path: &str, detail: u16, smtputf8: bool) -> Result<P, Reply>
where
    P::Err: std::fmt::Display,
{
    if !smtputf8 && !path.is_ascii() {
        return Err(say(553, "5.6.7 This address needs SMTPUTF8, which MAIL did not ask for"));
    }
    path.parse().map_err(|why| say(501, &format!("5.1.{detail} Not a mail address: {why}")))
}

/// Cuts the parameters into upper-case keywords and values (RFC 5321 §4.1.2,
/// `esmtp-param`).
fn split(text: &str) -> Result<Vec<(String, Option<&str>)>, Reply> {
    let mut parameters: Vec<(String, Option<&str>)> = Vec::new();
    for word in text.split_ascii_whitespace() {
        let (keyword, value) = match word.split_once('=') {
            Some((keyword, value)) => (keyword, Some(value)),
            None => (word, None),
        };
        let well_formed = keyword.starts_with(|c: char| c.is_ascii_alphanumeric())
            && keyword.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && value.is_none_or(|value| !value.is_empty() && !value.contains('='));
        if !well_formed {
            return Err(say(501, "5.5.4 Syntax: KEYWORD or KEYWORD=value"));
        }
        let keyword = keyword.to_ascii_uppercase();
        if parameters.iter().any(|(earlier, _)| *earlier == keyword) {
            return Err(say(501, &format!("5.5.4 Parameter {keyword} given twice")));
        }
        parameters.push((keyword, value));
    }
    Ok(parameters)
}

fn bad(keyword: &str) -> Reply {
    say(501, &format!("5.5.4 Bad value of parameter {keyword}"))
}

fn unknown(keyword: &str) -> Reply {
    say(555, &format!("5.5.4 Parameter {keyword} is not supported"))
}

/// How long the message is to be held, within the limits that the client was
/// told.
fn hold(keyword: &str, value: &str, policy: &Policy) -> Result<Hold, Reply> {
    let hold = match keyword {
        "HOLDFOR" => Hold::from_holdfor(value),
        _ => Hold::from_holduntil(value),
    };
    let hold = hold.ok_or_else(|| bad(keyword))?;
    match policy.hold_limits {
        Some(limits) if !limits.allow(hold) => {
            let longest = limits.longest_like(hold);
            Err(say(501, &format!("5.5.4 Messages are held {longest} at most")))
        }
        Some(_) | None => Ok(hold),
    }
}

/// RFC 1870 §4: one to twenty digits.
fn octets(digits: &str) -> Result<u64, Reply> {
    let plain = digits.len() <= 20 && digits.bytes().all(|b| b.is_ascii_digit());
    if !plain {
        return Err(bad("SIZE"));
    }
    // Twenty digits may exceed a u64; so they exceed every limit as well.
    Ok(digits.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::smtp::Command;

    fn read(argument: &str) -> String {
        match mail(argument, &Policy::default(), |_| true) {
            Ok((from, parameters)) => format!("{from}{parameters}"),
            Err(reply) => reply.to_string(),
        }
    }

    #[test]
    fn the_arguments_of_mail_are_read() {
        for (argument, expected) in [
            ("FROM:<>", "<>"),
            ("from:<a@b.c>", "<a@b.c>"),
            ("FROM: <a@b.c>", "<a@b.c>"),
            (r#"FROM:<"a>b"@c.d> SIZE=1"#, r#"<"a>b"@c.d> SIZE=1"#),
            (r#"FROM:<"a\">b"@c.d>"#, r#"<"a\">b"@c.d>"#),
            ("FROM:<@r1,@r2:u@d.e>", "<u@d.e>"),
            ("FROM:<a@b.c> size=7 body=8bitmime smtputf8", "<a@b.c> SIZE=7 BODY=8BITMIME SMTPUTF8"),
            ("FROM:<a@b.c> BODY=7BIT AUTH=e+3Dmc2@x.y", "<a@b.c>"),
            ("FROM:<é@b.c> SMTPUTF8", "<é@b.c> SMTPUTF8"),
            ("FROM:<a@b.c> ret=hdrs envid=a+20+62", "<a@b.c> RET=HDRS ENVID=a+20b"),
            ("FROM:<a@b.c> body=binarymime requiretls", "<a@b.c> BODY=BINARYMIME REQUIRETLS"),
            ("FROM:<a@b.c> holdfor=60", "<a@b.c> HOLDFOR=60"),
            (
                "FROM:<a@b.c> HOLDUNTIL=2026-11-28T04:00:00+01:00",
                "<a@b.c> HOLDUNTIL=2026-11-28T03:00:00Z",
            ),
        ] {
            assert_eq!(read(argument), expected, "{argument}");
        }
    }

    #[test]
    fn bad_arguments_get_501_and_unknown_parameters_555() {
        // RX-1
        for (argument, expected) in [
            ("", "501 5.5.4"),
            ("<a@b.c>", "501 5.5.4"),
            ("TO:<a@b.c>", "501 5.5.4"),
            ("FROM:a@b.c", "501 5.1.7"),
            ("FROM:<a@b.c", "501 5.1.7"),
            ("FROM:<a>", "501 5.1.7"),
            ("FROM:<a@b.c>SIZE=1", "501 5.5.4"),
            ("FROM:<a@b.c> SIZE=x", "501 5.5.4"),
            ("FROM:<a@b.c> SIZE=", "501 5.5.4"),
            ("FROM:<a@b.c> SIZE", "501 5.5.4"),
            ("FROM:<a@b.c> SIZE=1 SIZE=2", "501 5.5.4"),
            ("FROM:<a@b.c> BODY=TERNARYMIME", "501 5.5.4"),
            ("FROM:<a@b.c> REQUIRETLS=1", "501 5.5.4"),
            ("FROM:<a@b.c> AUTH=a+3d", "501 5.5.4"),
            ("FROM:<a@b.c> SMTPUTF8=1", "501 5.5.4"),
            // RX-6a
            ("FROM:<a@b.c> RET", "501 5.5.4"),
            ("FROM:<a@b.c> RET=HEADERS", "501 5.5.4"),
            ("FROM:<a@b.c> RET=FULL RET=FULL", "501 5.5.4"),
            ("FROM:<a@b.c> ENVID", "501 5.5.4"),
            ("FROM:<a@b.c> ENVID=+0A", "501 5.5.4"),
            ("FROM:<a@b.c> ENVID=a ENVID=b", "501 5.5.4"),
            ("FROM:<a@b.c> NOTIFY=NEVER", "555 5.5.4"),
            // 4865
            ("FROM:<a@b.c> HOLDFOR", "501 5.5.4"),
            ("FROM:<a@b.c> HOLDFOR=0", "501 5.5.4"),
            ("FROM:<a@b.c> HOLDFOR=1 HOLDFOR=1", "501 5.5.4"),
            ("FROM:<a@b.c> HOLDFOR=1 HOLDUNTIL=2026-11-28T04:00:00Z", "501 5.5.4"),
            ("FROM:<a@b.c> HOLDUNTIL=tomorrow", "501 5.5.4"),
            ("FROM:<a@b.c> =1", "501 5.5.4"),
            ("FROM:<a@b.c> FOO=1", "555 5.5.4"),
            ("FROM:<é@b.c>", "553 5.6.7"),
        ] {
            assert_eq!(read(argument)[..9], *expected, "{argument}");
        }
        // 3030-g: whether or not 8BITMIME is.
        let binary = |offered: &[Keyword]| {
            let argument = "FROM:<a@b.c> BODY=BINARYMIME";
            mail(argument, &Policy::default(), |keyword| offered.contains(&keyword)).is_ok()
        };
        assert!(binary(&[Keyword::BinaryMime]) && !binary(&[Keyword::EightBitMime]));
        let bare = mail("FROM:<a@b.c> SIZE=1", &Policy::default(), |_| false).unwrap_err();
        assert_eq!(bare.code.value(), 555);
    }

    #[test]
    fn the_arguments_of_rcpt_are_read() {
        for (argument, expected) in [
            ("TO:<a@b.c>", Ok("RCPT TO:<a@b.c>")),
            ("TO:<Postmaster>", Ok("RCPT TO:<postmaster>")),
            ("TO:<>", Err(501)),
            ("TO:<root>", Err(501)),
            ("TO:<é@b.c>", Err(553)),
            // RX-6a
            ("TO:<a@b.c> notify=failure,delay", Ok("RCPT TO:<a@b.c> NOTIFY=FAILURE,DELAY")),
            ("TO:<a@b.c> ORCPT=RFC822;A+61@d.e", Ok("RCPT TO:<a@b.c> ORCPT=RFC822;A+61@d.e")),
            ("TO:<a@b.c> NOTIFY=NEVER,FAILURE", Err(501)),
            ("TO:<a@b.c> NOTIFY=", Err(501)),
            ("TO:<a@b.c> NOTIFY", Err(501)),
            ("TO:<a@b.c> NOTIFY=NEVER NOTIFY=NEVER", Err(501)),
            ("TO:<a@b.c> ORCPT=a@b.c", Err(501)),
            ("TO:<a@b.c> ORCPT=rfc822;a+2bb@c.d", Err(501)),
            // 6533-3
            ("TO:<a@b.c> ORCPT=utf-8;é@b.c", Ok("RCPT TO:<a@b.c> ORCPT=utf-8;é@b.c")),
            ("TO:<a@b.c> RET=FULL", Err(555)),
            ("TO:<a@b.c> FOO", Err(555)),
        ] {
            let read = rcpt(argument, &Policy::default(), |_| true, false);
            let read = read.map(|read| Command::Rcpt(&read).to_string());
            let read = read.map_err(|reply| reply.code.value());
            assert_eq!(read.as_deref().map_err(|code| *code), expected, "{argument}");
        }
        let narrow = |keyword| keyword == Keyword::Dsn;
        let unwanted =
            rcpt("TO:<a@b.c> ORCPT=utf-8;é@b.c", &Policy::default(), narrow, false).unwrap_err();
        assert_eq!(unwanted.code.value(), 501);
        let untold =
            rcpt("TO:<a@b.c> NOTIFY=NEVER", &Policy::default(), |_| false, false).unwrap_err();
        assert_eq!(untold.code.value(), 555);
    }

    #[test]
    fn a_size_beyond_all_numbers_is_still_a_size() {
        // 1870
        let (_, parameters) =
            mail("FROM:<> SIZE=99999999999999999999", &Policy::default(), |_| true).unwrap();
        assert_eq!(parameters.size, Some(u64::MAX));
    }
}
