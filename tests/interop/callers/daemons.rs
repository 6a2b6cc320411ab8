//! Programs that run in the background and mail what a job said.

use serde_json::json;

use super::{DOMAIN, Machine, TERRY, TEXT, arrived, packaged};
use crate::letter::Letter;
use crate::postfix::postfix;
use crate::server::Kept;

/// A job that says the text.
const JOB: &str = r"printf 'Gr\303\274ezi\n.\n..two\nend\n'";

/// Debian's cron 3.0pl1 calls, as the user whose job it was,
/// `/usr/sbin/sendmail -FCronDaemon -i -B8BITMIME -oem RECIPIENT`, where the
/// recipient is the user or the whole value of MAILTO as one word. It writes no
/// Date and no Message-ID.
pub(crate) fn cron(machine: &Machine, jobs: &[(&str, &str)]) -> Kept {
    packaged("cron", "cron");
    for (user, jobs) in jobs {
        machine.write(&format!("{user}.crontab"), format!("{jobs}\n"));
    }
    machine.keep("cron", &["sh", &machine.script("cron.sh")])
}

#[test]
fn what_a_job_of_cron_says_is_mailed_to_its_user() {
    let server = postfix();
    let machine = Machine::before(&server);
    let _cron = cron(&machine, &[("root", &format!("@reboot {JOB}"))]);

    let sender = format!("root@{DOMAIN}");
    let arrived = arrived(&server, &sender, &[&machine.root]);
    // The name stays as cron writes it; the address is one that others can see.
    assert!(arrived.says(&format!("\nFrom: {sender} (Cron Daemon)\n")));
    assert_eq!(arrived.addresses("to"), [&machine.root]);
    assert_eq!(arrived.read()["subject"], format!("Cron <root@box> {JOB}"));
    assert_eq!(arrived.read()["text"], TEXT);
    assert!(arrived.says("\nX-Cron-Env: <SHELL=/bin/sh>\n"));
}

#[test]
fn mailto_of_a_crontab_may_name_several_and_a_job_that_fails_is_mailed_all_the_same() {
    let server = postfix();
    let machine = Machine::before(&server);
    let (ann, bob) = (Letter::someone("ann"), Letter::someone("bob"));
    let jobs = format!("MAILTO={ann},{bob}\nMAILFROM=jobs@example.net\n@reboot {JOB}; exit 3");
    let _cron = cron(&machine, &[(TERRY, &jobs)]);

    let arrived = arrived(&server, "jobs@example.net", &[&ann, &bob]);
    assert_eq!(arrived.addresses("from"), ["jobs@example.net"]);
    assert_eq!(arrived.addresses("to"), [&ann, &bob]);
    assert_eq!(arrived.read()["text"], TEXT);
    // Where cron knows in time that it failed, `(failed)` follows.
    let subject = arrived.read()["subject"].as_str().expect("a subject");
    assert!(subject.starts_with(&format!("Cron <terry@box> {JOB}; exit 3")), "{subject}");
}

#[test]
fn cron_logs_that_its_mail_was_not_sent() {
    let machine = Machine::cut_off();
    let _cron = cron(&machine, &[(TERRY, "@reboot echo hello")]);
    // 0x4b is 75.
    machine.log.wait_for("(terry) MAIL (mailed 6 bytes of output but got status 0x004b from MTA");
}

/// atd calls, as the user whose job it was, `/usr/sbin/sendmail -i USER`, from
/// the directory `/`, with Subject and To for a header. It has become sendmail by
/// then: nobody looks at the status, and nothing is logged.
fn at(machine: &Machine, user: &str) -> Kept {
    packaged("atd", "at");
    let job = machine.write("job", format!("{JOB}\n")).display().to_string();
    machine.keep("at", &["sh", &machine.script("at.sh"), user, &job])
}

#[test]
fn what_a_job_of_at_says_is_mailed_to_its_user() {
    let server = postfix();
    let machine = Machine::before(&server);
    let _at = at(&machine, TERRY);

    let sender = format!("terry@{DOMAIN}");
    let arrived = arrived(&server, &sender, &[&machine.terry]);
    assert_eq!(arrived.read()["from"], json!([["Terry Tester", sender]]));
    assert_eq!(arrived.addresses("to"), [&machine.terry]);
    assert_eq!(arrived.read()["subject"], "Output from your job        1");
    // The text has eight bits, and nobody but the program says which these are.
    assert_eq!(arrived.read()["text"], TEXT);
}

#[test]
fn that_mail_of_at_was_not_sent_is_in_the_log_of_the_system() {
    let machine = Machine::cut_off();
    let _at = at(&machine, TERRY);
    machine.log.wait_for(&format!(" recipients={} ", machine.terry));
    machine.log.wait_for(" exitcode=EX_TEMPFAIL ");
}
