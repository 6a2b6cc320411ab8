//! A row of a client's table, and whether what was caught is what it says.

use std::fs;
use std::path::Path;

use ring::digest::{SHA256, digest};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::letters;
use crate::program::Run;
use crate::server::{PASSWORD, USER};
use crate::token::token;

/// One mode of a client.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Row {
    /// What is special about it, and where the client is at fault, why.
    pub(super) shows: String,
    /// How the receiver listens.
    way: Way,
    /// More options of the receiver.
    #[serde(default)]
    sink: String,
    /// The file of `--rules`.
    #[serde(default)]
    pub(super) rules: String,
    /// Only somebody with a name and a password or token is let in.
    #[serde(default)]
    signs_in: bool,
    /// The script, behind the prelude of the table.
    pub(super) typed: String,
    /// The exit status of the script.
    #[serde(default)]
    status: i32,
    /// What of each message is not as in [`Row::usual`]. By default one message
    /// came if the status is 0, else none.
    stored: Option<Vec<Map<String, Value>>>,
    /// What else the receiver told, in this order: `refused COMMAND CODE`,
    /// `rule STAGE`, `failed DOING`.
    #[serde(default)]
    events: Vec<String>,
    /// Parts of what the client said.
    #[serde(default)]
    says: Vec<String>,
}

#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
enum Way {
    Clear,
    Starttls,
    Tls,
    LmtpClear,
    Lmtp,
}

impl Row {
    /// The options of the receiver.
    pub(super) fn receiver(&self) -> String {
        let way = match self.way {
            Way::Clear => "--without STARTTLS --allow-cleartext-auth",
            Way::Starttls => "",
            Way::Tls => "--listen-tls 0",
            Way::LmtpClear => "--listen-lmtp 0 --without STARTTLS --allow-cleartext-auth",
            Way::Lmtp => "--listen-lmtp 0",
        };
        let users = if self.signs_in {
            "--require-auth --user @NAME@:@PASSWORD@ --user @NAME@:@TOKEN@"
        } else {
            ""
        };
        let rules = if self.rules.is_empty() { "" } else { "--rules rules.toml" };
        format!("{way} {users} {rules} {}", self.sink)
    }

    /// What does not hold of what came of it.
    pub(super) fn wrong(&self, run: &Run, home: &Path) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut differs = |what: &str, is: &dyn ToString, ought: &dyn ToString| {
            let (is, ought) = (is.to_string(), ought.to_string());
            if is != ought {
                wrong.push(format!("{what}: {is}\n  instead of {ought}"));
            }
        };
        let lines: Result<Vec<Value>, _> = run.stdout.lines().map(serde_json::from_str).collect();
        let lines = lines.unwrap_or_default();
        let (stored, others): (Vec<&Value>, Vec<&Value>) =
            lines.iter().partition(|line| line["event"] == "stored");
        let ought = self.stored();

        differs("the exit status", &run.status, &self.status);
        differs("problems", &run.stderr, &"");
        let ended = json!({ "event": "ended", "messages": ought.len(), "status": self.status });
        differs("the last line", &lines.last().unwrap_or(&Value::Null), &ended);
        let told: Vec<String> = others.into_iter().filter_map(as_line).collect();
        differs("events", &told.join("\n"), &self.events.join("\n"));
        for (number, (is, ought)) in stored.iter().zip(&ought).enumerate() {
            for (key, ought) in ought {
                let is = match key.as_str() {
                    "letter" => digested(is),
                    "has" => found(is, ought, home),
                    "recipients" => json!(is["to"].as_array().map(Vec::len)),
                    key => is[key].clone(),
                };
                let ought = if key == "letter" { digest_of(ought) } else { ought.clone() };
                differs(&format!("message {number}, {key}"), &is, &ought);
            }
        }
        let said = fs::read(home.join("said")).unwrap_or_default();
        let said = String::from_utf8_lossy(&said);
        let silent = self.says.iter().filter(|part| !said.contains(part.as_str()));
        wrong.extend(silent.map(|part| format!("it does not say: {part}")));
        wrong
    }

    /// All that is asked of each message.
    fn stored(&self) -> Vec<Map<String, Value>> {
        let one = || if self.status == 0 { vec![Map::new()] } else { Vec::new() };
        let deviations = self.stored.clone().unwrap_or_else(one);
        deviations.into_iter().map(|it| self.usual(it)).collect()
    }

    /// Adds to what deviates what is usual for a message.
    fn usual(&self, deviations: Map<String, Value>) -> Map<String, Value> {
        let is_secret = matches!(self.way, Way::Starttls | Way::Tls | Way::Lmtp);
        let kind = if matches!(self.way, Way::Lmtp | Way::LmtpClear) { "LMTP" } else { "ESMTP" };
        let protocol =
            [kind, if is_secret { "S" } else { "" }, if self.signs_in { "A" } else { "" }];
        let usual = json!({
            "from": "me@client.example",
            "to": ["ann@example.net"],
            "protocol": protocol.concat(),
            "tls": is_secret.then_some("TLS 1.3"),
            "user": self.signs_in.then_some(USER),
            "clientCertificate": null,
            "dsn": null,
            "hold": null,
            "body": null,
            "requireTls": false,
            "letter": "letter",
        });
        let Value::Object(mut usual) = usual else { unreachable!("it is written as an object") };
        // What the client composes itself is looked into.
        if deviations.contains_key("has") {
            usual.remove("letter");
        }
        if deviations.contains_key("recipients") {
            usual.remove("to");
        }
        usual.extend(deviations.into_iter().map(|(key, value)| (key, with_nulls(value))));
        usual
    }
}

/// TOML has no null: it is `none` there.
fn with_nulls(value: Value) -> Value {
    match value {
        Value::String(text) if text == "none" => Value::Null,
        Value::Array(items) => items.into_iter().map(with_nulls).collect(),
        Value::Object(members) => {
            members.into_iter().map(|(key, value)| (key, with_nulls(value))).collect()
        }
        other => other,
    }
}

/// Whether the receiver sees how a client leaves there is a matter of luck.
const LUCK: [&str; 4] = [
    "doing the TLS handshake",
    "waiting for a command",
    "answering a command",
    "answering a client that has left",
];

/// An event but `stored` in a line; nothing for one that is not compared.
fn as_line(event: &Value) -> Option<String> {
    let text = |key: &str| event[key].as_str().unwrap_or_default();
    let kind = text("event");
    Some(match kind {
        "ended" => return None,
        "refused" => format!("refused {} {}", without_secrets(text("command")), event["code"]),
        "rule" => format!("rule {}", text("stage")),
        "failed" if LUCK.contains(&text("doing")) => return None,
        "failed" => format!("failed {}: {}", text("doing"), text("error")),
        _ => kind.to_owned(),
    })
}

/// No secret may be in an event: one that is there makes the line another one.
fn without_secrets(command: &str) -> String {
    let leaks = [PASSWORD, &token()].iter().any(|secret| command.contains(secret));
    if leaks { "A SECRET".to_owned() } else { command.to_owned() }
}

fn digested(stored: &Value) -> Value {
    json!([stored["size"], stored["sha256"]])
}

/// Of what arrives when the letter of this name is sent.
fn digest_of(letter: &Value) -> Value {
    let octets = letters::on_the_wire(letter.as_str().expect("the name of a letter"));
    let digest: String =
        digest(&SHA256, &octets).as_ref().iter().map(|octet| format!("{octet:02x}")).collect();
    json!([octets.len(), digest])
}

/// Which of these parts the file of a message has.
fn found(stored: &Value, parts: &Value, home: &Path) -> Value {
    let path = home.join(stored["path"].as_str().expect("a path"));
    let octets = fs::read(path).expect("reading a message");
    let text = String::from_utf8_lossy(&octets);
    let has = |part: &&Value| text.contains(part.as_str().expect("a text"));
    parts.as_array().expect("a list").iter().filter(has).cloned().collect()
}
