//! The messages that are handed to clients, as files of their working directory.

use std::iter;

const HEADER: &str = "From: Me <me@client.example>\n\
     To: ann@example.net\n\
     Subject: To be caught\n\
     Date: Sat, 28 Nov 2026 12:00:00 +0000\n\
     Message-ID: <caught@client.example>\n";

/// Lines that a client must not mistake, nor the receiver.
const DOTS: &str = "\n.\n..\n.two\n...three\nlast\n";

/// Each file, with its content.
pub(super) fn all() -> Vec<(&'static str, Vec<u8>)> {
    let letter = format!("{HEADER}{DOTS}");
    let long = "long ".repeat(2_000);
    let with_crlf = |text: &str| text.replace('\n', "\r\n").into_bytes();
    vec![
        ("letter", letter.clone().into_bytes()),
        ("second", letter.replace("caught", "second").into_bytes()),
        // For clients that compose.
        ("text", DOTS[1..].into()),
        // For clients that pass line ends on as they are.
        ("crlf", with_crlf(&letter)),
        ("second-crlf", with_crlf(&letter.replace("caught", "second"))),
        // The last line has no end.
        ("unfinished", letter.trim_end().into()),
        ("unfinished-crlf", with_crlf(letter.trim_end())),
        ("dot-last", format!("{letter}.\n").into_bytes()),
        ("dot-last-crlf", with_crlf(&format!("{letter}.\n"))),
        ("eight", format!("{HEADER}\nGrüße\n.\nend\n").into_bytes()),
        ("eight-crlf", with_crlf(&format!("{HEADER}\nGrüße\n.\nend\n"))),
        ("utf8", letter.replace("To be caught", "Grüße").into_bytes()),
        // Beyond what RFC 5321 §4.5.3.1.6 lets a client hope for.
        ("long", format!("{HEADER}\n{long}\n").into_bytes()),
        ("long-crlf", with_crlf(&format!("{HEADER}\n{long}\n"))),
        ("large", large().into_bytes()),
        ("large-crlf", with_crlf(&large())),
    ]
}

/// One MiB and some, with a line of a dot here and there.
fn large() -> String {
    let lines = iter::repeat_n("A line among many others, all of the same length.\n.\n", 20_000);
    [HEADER, "\n"].into_iter().chain(lines).chain(iter::once("last\n")).collect()
}

/// The content that arrives when this letter is sent: lines that end in CRLF, all
/// of them.
pub(super) fn on_the_wire(name: &str) -> Vec<u8> {
    let (_, octets) = all().into_iter().find(|(its, _)| *its == name).expect("a letter");
    let text = String::from_utf8(octets).expect("letters are UTF-8");
    text.lines().flat_map(|line| [line, "\r\n"]).collect::<String>().into_bytes()
}
