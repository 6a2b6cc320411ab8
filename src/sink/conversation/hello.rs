//! The greeting of the client and what it is offered (RFC 5321 §4.1.1.1), and
//! STARTTLS (RFC 3207).

use super::super::replies::say;
use super::{Answer, Conversation, Hello, Next, no_argument, stay};
use crate::smtp::{Keyword, Protocol, Reply};

impl Conversation<'_> {
    pub(super) fn hello(&mut self, name: &str, extended: bool) -> Answer {
        if !is_client_name(name) {
            let verb = if extended { self.greeting_verb() } else { "HELO" };
            return stay(say(501, &format!("5.5.4 Syntax: {verb} domain or [address]")));
        }
        self.close_transaction();
        self.hello = Some(Hello { name: name.to_owned(), extended });
        let mut text = format!("{} greets {name}", self.policy.host);
        if extended {
            for line in self.capabilities() {
                text.push('\n');
                text.push_str(&line);
            }
        }
        stay(say(250, &text))
    }

    pub(super) fn greeting_verb(&self) -> &'static str {
        match self.protocol {
            Protocol::Smtp => "EHLO",
            Protocol::Lmtp => "LHLO",
        }
    }

    pub(super) fn hello_first(&self) -> Reply {
        say(503, &format!("5.5.1 {} comes first", self.greeting_verb()))
    }

    pub(super) fn capabilities(&self) -> impl Iterator<Item = String> {
        let offered = self.policy.offer.keywords().filter(|keyword| self.offers(*keyword));
        let xclient = (!self.policy.xclient.is_empty())
            .then(|| format!("XCLIENT {}", self.policy.xclient.join(" ")));
        offered
            .map(|keyword| match keyword {
                Keyword::Size => match self.policy.size_limit {
                    Some(limit) => format!("SIZE {limit}"),
                    None => "SIZE".to_owned(),
                },
                Keyword::Auth => {
                    let mechanisms: Vec<_> = self.mechanisms().map(|it| it.name).collect();
                    format!("AUTH {}", mechanisms.join(" "))
                }
                Keyword::FutureRelease => {
                    let limits = self.policy.hold_limits.map(|limits| format!(" {limits}"));
                    format!("FUTURERELEASE{}", limits.unwrap_or_default())
                }
                Keyword::Limits => {
                    // RFC 9422 §4.2.
                    let most = self.policy.most_recipients.map(|most| format!(" RCPTMAX={most}"));
                    format!("LIMITS{}", most.unwrap_or_default())
                }
                other => other.as_str().to_owned(),
            })
            .chain(xclient)
    }

    /// What EHLO offers on the channel as it is now.
    pub(super) fn offers(&self, keyword: Keyword) -> bool {
        self.policy.offer.has(keyword)
            && match keyword {
                // RFC 3207 §4.2.
                Keyword::StartTls => !self.tls,
                Keyword::Auth => {
                    (self.tls || self.policy.cleartext_auth) && self.mechanisms().next().is_some()
                }
                // RFC 4865 §3: for submission.
                Keyword::FutureRelease => {
                    self.protocol == Protocol::Smtp && self.policy.hold_limits.is_some()
                }
                Keyword::Limits => self.policy.most_recipients.is_some(),
                // RFC 8689 §2.
                Keyword::RequireTls => self.tls,
                // RFC 3030 §3.
                Keyword::BinaryMime => self.policy.offer.has(Keyword::Chunking),
                Keyword::Chunking
                | Keyword::Dsn
                | Keyword::EightBitMime
                | Keyword::EnhancedStatusCodes
                | Keyword::Pipelining
                | Keyword::Size
                | Keyword::SmtpUtf8 => true,
            }
    }

    /// What this client was told of.
    pub(super) fn told(&self, keyword: Keyword) -> bool {
        self.hello.as_ref().is_some_and(|hello| hello.extended) && self.offers(keyword)
    }

    pub(super) fn starttls(&mut self, argument: &str) -> Answer {
        let refused = if !self.policy.offer.has(Keyword::StartTls) {
            say(502, "5.5.1 STARTTLS is not implemented here")
        } else if self.tls {
            say(503, "5.5.1 TLS is already up")
        } else if !argument.is_empty() {
            no_argument("STARTTLS")
        } else if self.hello.is_none() {
            self.hello_first()
        } else {
            let reply = say(220, "2.0.0 Go ahead");
            return Answer { reply: Some(reply), next: Next::Handshake, may_wait: false };
        };
        stay(refused)
    }
}

/// Names that are no domains are common in test networks; what matters is that
/// the name can stand in a trace field.
pub(super) fn is_client_name(name: &str) -> bool {
    let fits = |b: u8| b.is_ascii_alphanumeric() || b"-._:[]".contains(&b);
    !name.is_empty() && name.len() <= 255 && name.bytes().all(fits)
}
