//! The server as a function: a line in, a reply out. No socket, no clock, no
//! chance.
//!
//! What the network must do besides is said by [`Next`]; what it learned from
//! doing it comes back through [`Conversation::secured`] and
//! [`Conversation::end_of_data`].

mod auth;
mod chunks;
mod ending;
mod hello;
mod order;
mod xclient;

use super::arguments;
use super::claims::Claims;
use super::policy::Policy;
use super::replies::{Refusal, say};
use super::sign_in::{self, Exchange};
use crate::net::Summary;
use crate::sasl::ChannelBinding;
use crate::smtp::{Keyword, MailParameters, Protocol, Recipient, Reply, ReplyCode, ReversePath};
use chunks::Chunked;

/// One client's conversation.
#[derive(Debug)]
pub struct Conversation<'p> {
    policy: &'p Policy,
    protocol: Protocol,
    nonce: String,
    tls: bool,
    client_certificate: Option<Summary>,
    bindings: Vec<ChannelBinding>,
    hello: Option<Hello>,
    user: Option<String>,
    claims: Claims,
    exchange: Option<Exchange>,
    attempts: u32,
    transaction: Option<Transaction>,
    /// The greeting refused the client: nothing but QUIT is heard.
    is_unwilling: bool,
    /// No message more is taken.
    is_full: bool,
    /// What of its message has come, where it comes in chunks.
    chunked: Option<Chunked>,
}

/// What the receiver says to a line, and what it does next.
#[derive(Debug)]
pub struct Answer {
    /// The reply; `None` where [`Conversation::end_of_data`] gives it.
    pub reply: Option<Reply>,
    /// What follows it.
    pub next: Next,
    /// The reply may be kept until the input is used up, and go out together
    /// with others (RFC 2920 §3.2).
    pub may_wait: bool,
}

/// What follows a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// The next line is a command.
    Command,
    /// The next line answers a challenge of AUTH.
    AuthResponse,
    /// The TLS handshake; then [`Conversation::secured`].
    Handshake,
    /// The content of a message; then [`Conversation::end_of_data`].
    Content,
    /// So many octets of a message, before the reply goes out.
    Chunk(u64),
    /// So many octets, with which the message ends; then
    /// [`Conversation::end_of_data`].
    LastChunk(u64),
    /// So many octets that are nothing, before the reply goes out.
    Skip(u64),
    /// The connection ends.
    Close,
}

/// What TLS has brought.
#[derive(Clone, Debug, Default)]
pub struct Secured {
    /// What only the two ends of the channel know.
    pub bindings: Vec<ChannelBinding>,
    /// The certificate that the client showed, if it did, and which an
    /// authority vouches for.
    pub client_certificate: Option<Summary>,
}

/// What became of a message's content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict<'a> {
    /// It was stored under this name.
    Stored(&'a str),
    /// Whoever took it says this: once, or for each of those for whom it is to
    /// be kept.
    Answered(Vec<Reply>),
    /// It had more octets than the limit allows.
    TooLarge,
    /// It held CR or LF outside CRLF.
    BareLineEnd,
    /// It could not be written.
    NotStored,
    /// There is no room for it.
    NoRoom,
    /// So many were taken as were to be.
    Enough,
    /// It was for nobody but those whom the policy refuses after the message.
    Unwanted,
}

/// A mail transaction (RFC 5321 §3.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    /// The reverse-path.
    pub from: ReversePath,
    /// What MAIL said besides.
    pub parameters: MailParameters,
    /// The recipients accepted so far.
    pub to: Vec<Recipient>,
}

#[derive(Debug)]
struct Hello {
    name: String,
    extended: bool,
}

/// What is a command, here or elsewhere. A line that begins otherwise is none
/// wherever it stands, and shown to nobody: it may hold a password, of a client
/// that goes on behind an AUTH that was refused.
const COMMANDS: [&str; 24] = [
    "EHLO", "LHLO", "HELO", "STARTTLS", "AUTH", "XCLIENT", "MAIL", "RCPT", "DATA", "BDAT", "RSET",
    "VRFY", "NOOP", "QUIT", "EXPN", "HELP", "SEND", "SOML", "SAML", "TURN", "ETRN", "ATRN", "BURL",
    "XFORWARD",
];

/// RFC 5321 §4.5.3.1.4 asks for 512, the extensions for more; programs that
/// write still longer lines are better told than served.
const LONGEST_COMMAND: usize = 2048;

/// RFC 5321 §4.5.3.1.8 asks for 100; whoever wants fewer says so.
const MOST_RECIPIENTS: usize = 50_000;

impl<'p> Conversation<'p> {
    /// Begins. `tls` says whether TLS is up from the first octet; `nonce` goes
    /// into the challenges of CRAM-MD5 and must not repeat.
    pub fn new(policy: &'p Policy, protocol: Protocol, tls: bool, nonce: &str) -> Self {
        Conversation {
            policy,
            protocol,
            nonce: nonce.to_owned(),
            tls,
            client_certificate: None,
            bindings: Vec::new(),
            hello: None,
            user: None,
            claims: Claims::default(),
            exchange: None,
            attempts: 0,
            transaction: None,
            is_unwilling: false,
            is_full: false,
            chunked: None,
        }
    }

    /// What the receiver says first. Without enhanced status code (RFC 2034
    /// §4).
    pub fn greeting(&self) -> Reply {
        let protocol = match self.protocol {
            Protocol::Smtp => "ESMTP",
            Protocol::Lmtp => "LMTP",
        };
        say(220, &format!("{} {protocol} {}", self.policy.host, self.policy.banner))
    }

    /// Answers one line, given without its CRLF.
    pub fn answer(&mut self, line: &[u8]) -> Answer {
        let answer = match self.exchange.take() {
            Some(exchange) => {
                let step = sign_in::respond(exchange, line);
                self.signed_in(step)
            }
            None => self.command(line),
        };
        self.dressed_answer(answer)
    }

    /// Answers a line that was too long to be kept.
    pub fn answer_to_overlong_line(&mut self) -> Answer {
        let code = if self.exchange.take().is_some() { "5.5.6" } else { "5.5.2" };
        self.dressed_answer(stay(say(500, &format!("{code} Line too long"))))
    }

    /// Answers a line that LF ended without CR (RFC 5321 §2.3.8).
    pub fn answer_to_bare_line_feed(&mut self) -> Answer {
        self.exchange = None;
        self.dressed_answer(stay(say(500, "5.5.2 Lines end in CR LF, not in LF alone (try nc -C)")))
    }

    /// TLS is up: everything learned before is forgotten (RFC 3207 §4.2).
    pub fn secured(&mut self, secured: Secured) {
        self.tls = true;
        self.bindings = secured.bindings;
        self.client_certificate = secured.client_certificate;
        self.hello = None;
        self.user = None;
        self.claims = std::mem::take(&mut self.claims).without("LOGIN");
        self.exchange = None;
        self.close_transaction();
    }

    /// Whether the receiver has taken as many messages as it was to.
    pub fn note_full(&mut self, is_full: bool) {
        self.is_full = is_full;
    }

    /// The certificate by which the client said who it is.
    pub fn client_certificate(&self) -> Option<&Summary> {
        self.client_certificate.as_ref()
    }

    /// The open transaction.
    pub fn transaction(&self) -> Option<&Transaction> {
        self.transaction.as_ref()
    }

    fn close_transaction(&mut self) -> Option<Transaction> {
        self.chunked = None;
        self.transaction.take()
    }

    /// What the client called itself.
    pub fn client_name(&self) -> Option<&str> {
        self.hello.as_ref().map(|hello| hello.name.as_str())
    }

    /// Who signed in.
    pub fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    /// True between the first line of AUTH and its verdict, when lines hold
    /// secrets.
    pub fn is_signing_in(&self) -> bool {
        self.exchange.is_some()
    }

    /// The word for the trace (RFC 3848, RFC 6531 §4.3).
    pub fn protocol(&self) -> String {
        let utf8 = self.transaction.as_ref().is_some_and(|t| t.parameters.smtputf8);
        let extended = self.hello.as_ref().is_some_and(|hello| hello.extended);
        let base = match (self.protocol, extended, utf8) {
            (Protocol::Lmtp, _, false) => "LMTP",
            (Protocol::Lmtp, _, true) => "UTF8LMTP",
            (Protocol::Smtp, false, _) => return "SMTP".to_owned(),
            (Protocol::Smtp, true, false) => "ESMTP",
            (Protocol::Smtp, true, true) => "UTF8SMTP",
        };
        let secured = if self.tls { "S" } else { "" };
        let signed_in = if self.user.is_some() { "A" } else { "" };
        format!("{base}{secured}{signed_in}")
    }

    fn command(&mut self, line: &[u8]) -> Answer {
        let Some((verb, argument)) = words(line) else {
            return stay(say(
                500,
                "5.5.2 A command is one line of UTF-8 without control characters",
            ));
        };
        if !COMMANDS.contains(&verb.as_str()) {
            return stay(say(500, "5.5.2 Unknown command"));
        }
        if line.len() + 2 > LONGEST_COMMAND && verb != "AUTH" {
            return stay(say(500, "5.5.2 Line too long"));
        }
        if verb == "BDAT" && self.policy.offer.has(Keyword::Chunking) {
            return self.bdat(argument);
        }
        if let Some(reply) = self.quit_only(&verb) {
            return stay(reply);
        }
        if let Some(reply) = self.tls_first(&verb) {
            return grouped(reply);
        }
        match (verb.as_str(), self.protocol) {
            ("EHLO", Protocol::Smtp) | ("LHLO", Protocol::Lmtp) => self.hello(argument, true),
            ("HELO", Protocol::Smtp) => self.hello(argument, false),
            // RFC 2033 §4.1.
            ("EHLO" | "HELO", Protocol::Lmtp) => {
                stay(say(500, "5.5.1 This is LMTP, which begins with LHLO"))
            }
            ("LHLO", Protocol::Smtp) => {
                stay(say(500, "5.5.1 This is SMTP, which begins with EHLO"))
            }
            (verb, _) => self.shared_command(verb, argument),
        }
    }

    /// A command that SMTP and LMTP share.
    fn shared_command(&mut self, verb: &str, argument: &str) -> Answer {
        match verb {
            "STARTTLS" => self.starttls(argument),
            "AUTH" => self.auth(argument),
            "XCLIENT" => self.xclient(argument),
            "MAIL" => grouped(self.mail(argument)),
            "RCPT" => self.rcpt(argument),
            "DATA" => self.data(argument),
            "RSET" => grouped(self.reset(argument)),
            "VRFY" => stay(self.verify(argument)),
            "NOOP" => stay(say(250, "2.0.0 Ok")),
            "QUIT" if argument.is_empty() => {
                Answer { reply: Some(say(221, "2.0.0 Bye")), next: Next::Close, may_wait: false }
            }
            "QUIT" => stay(no_argument("QUIT")),
            _ => stay(say(502, &format!("5.5.1 {verb} is not implemented here"))),
        }
    }

    fn mail(&mut self, argument: &str) -> Reply {
        if self.transaction.is_some() {
            return say(503, "5.5.1 A mail transaction is open; RSET ends it");
        }
        if let Some(reply) = self.not_yet() {
            return reply;
        }
        if self.is_full {
            return ending::enough();
        }
        let (from, parameters) =
            match arguments::mail(argument, self.policy, |keyword| self.told(keyword)) {
                Ok(arguments) => arguments,
                Err(reply) => return reply,
            };
        let sizes = parameters.size.zip(self.policy.size_limit);
        if sizes.is_some_and(|(size, limit)| size > limit) {
            return say(552, "5.3.4 The message exceeds the size limit");
        }
        self.transaction = Some(Transaction { from, parameters, to: Vec::new() });
        say(250, "2.1.0 Ok")
    }

    fn rcpt(&mut self, argument: &str) -> Answer {
        if let Some(reply) = self.not_yet() {
            return grouped(reply);
        }
        let Some(transaction) = &self.transaction else {
            return grouped(say(503, "5.5.1 MAIL comes first"));
        };
        if self.chunked.is_some() {
            return grouped(say(503, "5.5.1 The message has begun; RSET ends it"));
        }
        let (smtputf8, before) = (transaction.parameters.smtputf8, transaction.to.len());
        let told = |keyword| self.told(keyword);
        let recipient = match arguments::rcpt(argument, self.policy, told, smtputf8) {
            Ok(recipient) => recipient,
            Err(reply) => return grouped(reply),
        };
        let refused = |rule: &'p Refusal| rule.applies(&recipient.path);
        if let Some(reply) = self.policy.refuse.iter().find_map(refused) {
            let last = reply.code == ReplyCode::CLOSING;
            let next = if last { Next::Close } else { Next::Command };
            return Answer { reply: Some(reply.clone()), next, may_wait: !last };
        }
        if before >= self.policy.most_recipients.unwrap_or(MOST_RECIPIENTS) {
            return grouped(say(452, "4.5.3 Too many recipients"));
        }
        if let Some(transaction) = &mut self.transaction {
            transaction.to.push(recipient);
        }
        grouped(say(250, "2.1.5 Ok"))
    }

    fn data(&mut self, argument: &str) -> Answer {
        if !argument.is_empty() {
            return stay(no_argument("DATA"));
        }
        if let Some(reply) = self.not_yet() {
            return stay(reply);
        }
        if let Some(reply) = self.nobody().or_else(|| self.not_by_data()) {
            return stay(reply);
        }
        let reply = say(354, "Go ahead; a line with a single dot ends the message");
        Answer { reply: Some(reply), next: Next::Content, may_wait: false }
    }

    /// Why there can be no message: it would be for nobody.
    fn nobody(&self) -> Option<Reply> {
        match &self.transaction {
            None => Some(say(503, "5.5.1 MAIL comes first")),
            Some(transaction) if transaction.to.is_empty() => {
                let code = match self.protocol {
                    Protocol::Smtp => 554,
                    // RFC 2033 §4.2.
                    Protocol::Lmtp => 503,
                };
                Some(say(code, "5.5.1 No valid recipients"))
            }
            Some(_) => None,
        }
    }

    fn reset(&mut self, argument: &str) -> Reply {
        if !argument.is_empty() {
            return no_argument("RSET");
        }
        self.close_transaction();
        say(250, "2.0.0 Ok")
    }

    fn verify(&self, argument: &str) -> Reply {
        // RFC 5321 §4.1.4: it needs no EHLO.
        match self.unknown_user() {
            Some(reply) => reply,
            None if argument.is_empty() => say(501, "5.5.4 Syntax: VRFY mailbox"),
            None => say(252, "2.0.0 Cannot tell; send to it and see"),
        }
    }

    /// Enhanced status codes are for clients that were told of them, and never
    /// in the reply to EHLO, which has none to take off (RFC 2034 §4).
    fn dressed(&self, mut reply: Reply) -> Reply {
        if !self.policy.offer.has(Keyword::EnhancedStatusCodes) {
            reply.enhanced = None;
        }
        reply
    }

    fn dressed_answer(&self, answer: Answer) -> Answer {
        Answer { reply: answer.reply.map(|reply| self.dressed(reply)), ..answer }
    }
}

/// A reply that goes out at once (RFC 2920 §3.2).
fn stay(reply: Reply) -> Answer {
    Answer { reply: Some(reply), next: Next::Command, may_wait: false }
}

/// A reply that may go out with the rest of its group.
fn grouped(reply: Reply) -> Answer {
    Answer { reply: Some(reply), next: Next::Command, may_wait: true }
}

fn no_argument(verb: &str) -> Reply {
    say(501, &format!("5.5.4 {verb} takes no argument"))
}

/// Cuts a line into its verb, upper case, and its argument.
fn words(line: &[u8]) -> Option<(String, &str)> {
    let text = std::str::from_utf8(line).ok()?.trim_end_matches(' ');
    if text.contains(|c: char| c.is_control() && c != '\t') {
        return None;
    }
    let (verb, argument) = text.split_once(' ').unwrap_or((text, ""));
    Some((verb.to_ascii_uppercase(), argument.trim()))
}

#[cfg(test)]
mod tests;
