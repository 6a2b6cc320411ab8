//! What programs in PHP, Perl and JavaScript send with.

use serde_json::json;

use super::{Machine, SUBJECT, TERRY, TEXT, arrived, packaged};
use crate::letter::{Arrived, Letter};
use crate::postfix::{Postfix, postfix};
use crate::program::Run;

/// A way to send: the program that runs a script, its package, the script.
pub(super) struct Library {
    pub(super) program: &'static str,
    pub(super) package: &'static str,
    pub(super) script: &'static str,
}

/// PHP 8.2 calls, through `sh -c`, `/usr/sbin/sendmail -t -i` and what the fifth
/// argument of `mail()` says, here `-fbounce@example.net`. Its fields end in CRLF,
/// the text in what the script had, and one more CRLF; Date and Message-ID are
/// left to sendmail.
pub(super) const PHP: Library = Library { program: "php", package: "php-cli", script: "mail.php" };

/// `Email::Sender` 2.6 calls `sendmail -i -f SENDER -- RECIPIENT…`, found in the PATH
/// and else in /usr/sbin. It adds Date and no Message-ID.
pub(super) const EMAIL_SENDER: Library =
    Library { program: "perl", package: "libemail-sender-perl", script: "email_sender.pl" };

/// `MIME::Lite` 3.033 calls `/usr/lib/sendmail -t -oi -oem -fSENDER`, with Bcc in the
/// header. It says that a multipart is `binary`, though no part of it is.
const MIME_LITE: Library =
    Library { program: "perl", package: "libmime-lite-perl", script: "mime_lite.pl" };

/// Nodemailer 6.8 calls `sendmail -i -f SENDER RECIPIENT…`, with the blind ones
/// among them and in the header. Its fields end in CRLF, the text in LF.
const NODEMAILER: Library =
    Library { program: "nodejs", package: "node-nodemailer", script: "nodemailer.js" };

impl Library {
    pub(super) fn send(&self, machine: &Machine, arguments: &[&str]) -> Run {
        packaged(self.program, self.package);
        let script = machine.script(self.script);
        machine.run(TERRY, &[&[self.program, &script], arguments].concat(), "")
    }

    /// Sends to three, of whom the copy is to root and the last one is blind.
    #[track_caller]
    pub(super) fn delivers(
        &self,
        server: &Postfix,
        more: &[&str],
        sender: &str,
        from: [&str; 2],
    ) -> Arrived {
        let machine = Machine::before(server);
        let [ann, bob] = ["ann", "bob"].map(Letter::someone);
        self.send(&machine, &[&[&ann, "root@localhost", &bob], more].concat()).exits(0);

        let arrived = arrived(server, sender, &[&ann, &machine.root, &bob]);
        assert_eq!(arrived.read()["from"], json!([from]));
        assert_eq!(arrived.addresses("to"), [&ann]);
        assert_eq!(arrived.addresses("cc"), [&machine.root]);
        arrived.assert_does_not_say(&bob);
        assert_eq!(arrived.read()["subject"], SUBJECT);
        let text = arrived.read()["text"].as_str().expect("a text");
        assert_eq!(text.trim_end(), TEXT.trim_end());
        arrived
    }

    /// The failure as the script sees it.
    #[track_caller]
    pub(super) fn fails(&self, more: &[&str]) -> Run {
        let machine = Machine::cut_off();
        let ann = Letter::someone("ann");
        self.send(&machine, &[&[&ann, "root@localhost", &ann], more].concat())
    }
}

pub(super) fn every_octet() -> Vec<u8> {
    (0..=u8::MAX).collect()
}

#[test]
fn mail_of_php() {
    let server = postfix();
    let from = ["Shop", "shop@example.net"];
    let options = ["-fbounce@example.net"];
    PHP.delivers(&server, &options, "bounce@example.net", from);
}

#[test]
fn email_sender_of_perl() {
    let server = postfix();
    let from = ["Terry Tester", "terry@example.net"];
    EMAIL_SENDER.delivers(&server, &[], "bounce@example.net", from);
}

#[test]
fn mime_lite_of_perl() {
    let server = postfix();
    let from = ["Terry Tester", "terry@example.net"];
    let arrived = MIME_LITE.delivers(&server, &[], "terry@example.net", from);
    assert_eq!(arrived.attachment(), ("octets.bin", every_octet()));
}

#[test]
fn nodemailer_of_nodejs() {
    let server = postfix();
    let from = ["Zoë Tester", "zoe@example.net"];
    let arrived = NODEMAILER.delivers(&server, &[], "zoe@example.net", from);
    assert_eq!(arrived.attachment(), ("Übersicht.bin", every_octet()));
}

#[test]
fn every_library_hears_that_it_was_not_sent() {
    // `mail()` returns false.
    let php = PHP.fails(&[""]).exits(1);
    let email_sender = EMAIL_SENDER.fails(&[]).exits(75);
    let text = "error when closing pipe to sendmail";
    assert!(email_sender.stderr.contains(text), "{email_sender}");
    let mime_lite = MIME_LITE.fails(&[]);
    assert_ne!(mime_lite.status, 0, "{mime_lite}");
    // 75, as wait(2) gives it.
    let text = "error closing /usr/lib/sendmail:  (exit 19200)";
    assert!(mime_lite.stderr.contains(text), "{mime_lite}");
    for run in [php, email_sender, mime_lite] {
        assert!(run.stderr.contains("cannot be reached"), "{run}");
    }
    // It keeps to itself what sendmail says.
    let nodemailer = NODEMAILER.fails(&[]).exits(1);
    assert!(nodemailer.stderr.contains("Sendmail exited with code 75"), "{nodemailer}");
}
