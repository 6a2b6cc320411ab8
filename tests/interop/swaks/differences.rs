//! Where the transcripts of swaks and of the program differ. Each difference is
//! a row of the manual under TRANSCRIPT, with its reason.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// What swaks and the program showed of the same conversation.
#[derive(Clone)]
pub(super) struct Transcripts {
    pub(super) swaks: Vec<String>,
    pub(super) envoi: Vec<String>,
}

/// One difference, and what takes it away.
pub(super) struct Difference {
    /// As the manual calls it.
    pub(super) title: &'static str,
    remove: fn(&mut Transcripts),
}

pub(super) const DIFFERENCES: [Difference; 13] = [
    Difference { title: "The report", remove: report },
    Difference { title: "What is done to a message", remove: changes },
    Difference { title: "The address", remove: address },
    Difference { title: "The PROXY protocol", remove: proxy_header },
    Difference { title: "TLS", remove: tls },
    Difference { title: "Secrets", remove: secrets },
    Difference { title: "Replies about a recipient", remove: recipient },
    Difference { title: "The message in brief", remove: brief_message },
    Difference { title: "QUIT behind several commands", remove: quit },
    Difference { title: "The length of a message", remove: length },
    Difference { title: "Times", remove: times },
    Difference { title: "Errors", remove: errors },
    Difference { title: "A connection that is dropped", remove: dropped },
];

impl Transcripts {
    /// Of what both wrote, and the port that each was given. What is another at
    /// every run is left out.
    pub(super) fn of((swaks, swaks_port): (&str, u16), (envoi, envoi_port): (&str, u16)) -> Self {
        Self { swaks: comparable(swaks, swaks_port), envoi: comparable(envoi, envoi_port) }
    }

    pub(super) fn without<'d>(
        &self,
        differences: impl IntoIterator<Item = &'d Difference>,
    ) -> Self {
        let mut rest = self.clone();
        differences.into_iter().for_each(|difference| (difference.remove)(&mut rest));
        rest
    }
}

impl fmt::Display for Transcripts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "--- swaks\n{}", self.swaks.join("\n"))?;
        writeln!(f, "--- envoi\n{}", self.envoi.join("\n"))
    }
}

/// Ports, the moment at which Exim greets, how long a reply took, and the name
/// that a server gives to a message.
fn comparable(text: &str, port: u16) -> Vec<String> {
    let mut lines: Vec<String> =
        text.replace(&port.to_string(), "PORT").lines().map(str::to_owned).collect();
    let mut is_behind_message = false;
    for line in &mut lines {
        if line.starts_with("=== response in ") {
            set_text(line, "response in 0.000s");
        } else if line.starts_with('<') && is_behind_message {
            let last = line.split("  [").next().and_then(|text| text.rsplit(' ').next());
            let last = last.unwrap_or_default().to_owned();
            *line = line.replace(&last, "NAME");
        } else if is_sent(line) {
            is_behind_message = line.ends_with(" sent") || line.ends_with(" .");
        } else if let Some(at) = line.find(" Exim ") {
            line.truncate(at + " Exim ".len());
        }
    }
    lines
}

fn is_sent(line: &str) -> bool {
    [" -> ", " ~> "].iter().any(|hint| line.starts_with(hint))
}

/// What stands behind the hint.
fn text(line: &str) -> &str {
    line.get(4..).unwrap_or_default()
}

fn set_text(line: &mut String, text: &str) {
    line.replace_range(4.., text);
}

fn report(it: &mut Transcripts) {
    it.envoi.retain(|line| !line.starts_with("envoi: ") && !line.starts_with("hint: "));
}

fn changes(it: &mut Transcripts) {
    let begins = it.envoi.iter().position(|line| line.starts_with("=== Trying "));
    it.envoi.drain(..begins.unwrap_or_default());
}

fn address(it: &mut Transcripts) {
    for line in it.envoi.iter_mut().filter(|line| line.starts_with("=== Trying ")) {
        if let Some(at) = line.find(" (") {
            line.truncate(at);
            line.push_str("...");
        }
    }
}

fn proxy_header(it: &mut Transcripts) {
    // Octets, as swaks shows them in base64 and the program in hexadecimal.
    it.swaks.iter_mut().filter(|line| line.starts_with(" -> DQoNCgANClFVSVQK")).for_each(|line| {
        let octets = STANDARD.decode(text(line)).expect("base64");
        let digits: String = octets.iter().map(|octet| format!("{octet:02x}")).collect();
        set_text(line, &format!("PROXY v2 {digits}"));
    });
    for line in it.swaks.iter_mut().filter(|line| line.starts_with(" -> PROXY ")) {
        line.replace_range(..3, "===");
    }
}

fn tls(it: &mut Transcripts) {
    it.swaks.retain(|line| {
        !line.starts_with("=== TLS no local certificate") && !line.starts_with("=== TLS peer DN=")
    });
    for line in &mut it.swaks {
        if let Some(cipher) = text(line).strip_prefix("TLS started with cipher TLSv") {
            *line = format!("=== TLS {}", cipher.split(':').next().unwrap_or_default());
        }
    }
    it.envoi.retain(|line| line != "=== server certificate verified");
    for line in &mut it.envoi {
        if line.starts_with("=== TLS ") && line.contains(" started, cipher ") {
            let version = line.split(" started").next().unwrap_or_default().to_owned();
            *line = version;
        }
    }
}

fn secrets(it: &mut Transcripts) {
    let (mut is_signing_in, mut is_asked) = (false, false);
    for line in &mut it.swaks {
        if is_sent(line) {
            let words: Vec<&str> = text(line).split(' ').collect();
            match *words.as_slice() {
                ["AUTH", mechanism, _] => {
                    let hidden = format!("AUTH {mechanism} ***");
                    set_text(line, &hidden);
                    is_signing_in = true;
                }
                ["AUTH", _] => is_signing_in = true,
                _ if is_asked => set_text(line, "***"),
                _ => is_signing_in = false,
            }
            is_asked = false;
        } else if is_signing_in && text(line).starts_with("334 ") {
            set_text(line, "334 ***");
            is_asked = true;
        }
    }
}

fn recipient(it: &mut Transcripts) {
    for line in it.envoi.iter_mut().filter(|line| line.starts_with('<') && line.ends_with(']')) {
        if let Some(at) = line.rfind("  [") {
            line.truncate(at);
        }
    }
}

fn brief_message(it: &mut Transcripts) {
    for line in it.swaks.iter_mut().filter(|line| is_sent(line) && line.ends_with(" lines sent")) {
        set_text(line, "the message");
    }
    for line in it.envoi.iter_mut().filter(|line| line.ends_with(" octets sent, then .")) {
        set_text(line, "the message");
    }
}

fn quit(it: &mut Transcripts) {
    let is_reply = |line: &String| line.starts_with('<');
    let Some(quit) = it.swaks.iter().position(|line| is_sent(line) && text(line) == "QUIT") else {
        return;
    };
    if it.swaks[quit..].iter().filter(|line| is_reply(line)).count() > 1 {
        let last = it.swaks.iter().rposition(is_reply).unwrap_or(quit);
        it.swaks[quit..last].rotate_left(1);
    }
}

fn length(it: &mut Transcripts) {
    it.envoi.retain(|line| !line.starts_with("=== ") || !line.ends_with(" octets sent"));
}

fn times(it: &mut Transcripts) {
    it.envoi.retain(|line| !line.starts_with("=== timings: "));
}

fn errors(it: &mut Transcripts) {
    for lines in [&mut it.swaks, &mut it.envoi] {
        for line in lines.iter_mut().filter(|line| line.starts_with("*** ")) {
            set_text(line, "an error");
        }
    }
}

fn dropped(it: &mut Transcripts) {
    let dropping = it.envoi.iter().position(|line| line == "=== Dropping connection");
    if dropping.is_some() {
        it.envoi.retain(|line| line != "=== Connection closed with remote host.");
    }
}
