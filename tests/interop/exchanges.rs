//! What every server is put through, in the clear, after STARTTLS and inside
//! implicit TLS.

use serde_json::{Value, json};

use crate::letter::{Arrived, Letter};
use crate::program::Client;
use crate::server::{LATER, Mode, NOBODY, Server};

/// Makes a module of tests for each mode; `$server` is the function that lends
/// the server.
macro_rules! in_each_mode {
    ($server:ident) => {
        crate::exchanges::in_each_mode! { $server, Cleartext, cleartext:
            a_composed_letter_arrives_as_meant
            a_ready_message_arrives_as_it_is
            a_refused_recipient_does_not_stop_the_others
            a_refused_recipient_of_a_ready_message_does_not_stop_the_others
            a_deferred_recipient_does_not_stop_the_others
            a_recipient_unknown_to_the_server_is_67
            a_recipient_to_be_tried_later_is_75
        }
        crate::exchanges::in_each_mode! { $server, Starttls, starttls:
            a_composed_letter_arrives_as_meant
            a_ready_message_arrives_as_it_is
            a_refused_recipient_does_not_stop_the_others
            a_refused_recipient_of_a_ready_message_does_not_stop_the_others
            a_wrong_password_is_77
            a_certificate_of_an_unknown_authority_is_76
        }
        crate::exchanges::in_each_mode! { $server, ImplicitTls, implicit_tls:
            a_composed_letter_arrives_as_meant
            a_ready_message_arrives_as_it_is
            a_refused_recipient_does_not_stop_the_others
            a_refused_recipient_of_a_ready_message_does_not_stop_the_others
            a_wrong_password_is_77
            a_certificate_of_an_unknown_authority_is_76
        }
    };
    ($server:ident, $mode:ident, $module:ident: $($exchange:ident)+) => {
        mod $module {
            use crate::exchanges;
            use crate::server::Mode;

            $(
                #[test]
                fn $exchange() {
                    exchanges::$exchange(&*super::$server(), Mode::$mode);
                }
            )+
        }
    };
}
pub(crate) use in_each_mode;

pub(crate) fn a_composed_letter_arrives_as_meant(server: &dyn Server, mode: Mode) {
    let (client, letter) = (Client::of(server, mode), Letter::example());
    let bob = Letter::someone("bob");

    let report = client.send(letter.composed(&client, &bob)).exits(0).report();
    assert_eq!(addresses(&report, "accepted"), [&bob], "{report:#}");
    assert_eq!(report["accepted"][0]["code"], 250, "{report:#}");
    assert_eq!(report["rejected"], json!([]), "{report:#}");
    assert_eq!(report["deferred"], json!([]), "{report:#}");
    assert!(report["serverQueueId"].is_string(), "{report:#}");
    assert_protected(&report, mode);

    let arrived = Arrived::at(server, &bob);
    letter.assert_is_what(&arrived);
    assert_eq!(arrived.addresses("to"), [&bob]);
    assert_same_id(&report, arrived.id());
}

pub(crate) fn a_ready_message_arrives_as_it_is(server: &dyn Server, mode: Mode) {
    let (client, letter) = (Client::of(server, mode), Letter::example());
    let bob = Letter::someone("bob");
    let ready = letter.ready(&bob);

    let report = client.send(ready.arguments(&client, &[&bob])).exits(0).report();
    assert_eq!(addresses(&report, "accepted"), [&bob], "{report:#}");
    assert_same_id(&report, &ready.id);
    assert_protected(&report, mode);

    let arrived = Arrived::at(server, &bob);
    letter.assert_is_what(&arrived);
    ready.assert_untouched_in(&arrived);
}

pub(crate) fn a_refused_recipient_does_not_stop_the_others(server: &dyn Server, mode: Mode) {
    let (client, letter) = (Client::of(server, mode), Letter::example());
    let (bob, dora) = (Letter::someone("bob"), Letter::someone("dora"));

    let mut arguments = letter.composed(&client, &bob);
    arguments.extend(["--cc", NOBODY, "--bcc", &dora].map(Into::into));
    let report = client.send(arguments).exits(1).report();
    assert_eq!(addresses(&report, "accepted"), [&bob, &dora], "{report:#}");
    assert_refused(server, &report["rejected"], NOBODY, 550, "5.1.1", "no such user here");
    assert_eq!(report["deferred"], json!([]), "{report:#}");

    let arrived = Arrived::at(server, &bob);
    letter.assert_is_what(&arrived);
    assert_eq!(arrived.addresses("to"), [&bob]);
    assert_eq!(arrived.addresses("cc"), [NOBODY]);
    arrived.assert_does_not_say(&dora);
    letter.assert_is_what(&Arrived::at(server, &dora));
}

pub(crate) fn a_refused_recipient_of_a_ready_message_does_not_stop_the_others(
    server: &dyn Server,
    mode: Mode,
) {
    let (client, letter) = (Client::of(server, mode), Letter::example());
    let (bob, dora) = (Letter::someone("bob"), Letter::someone("dora"));
    let ready = letter.ready(&bob);

    let recipients = [&bob, NOBODY, &dora];
    let report = client.send(ready.arguments(&client, &recipients)).exits(1).report();
    assert_eq!(addresses(&report, "accepted"), [&bob, &dora], "{report:#}");
    assert_refused(server, &report["rejected"], NOBODY, 550, "5.1.1", "no such user here");

    for recipient in [&bob, &dora] {
        let arrived = Arrived::at(server, recipient);
        letter.assert_is_what(&arrived);
        ready.assert_untouched_in(&arrived);
    }
}

pub(crate) fn a_deferred_recipient_does_not_stop_the_others(server: &dyn Server, mode: Mode) {
    let (client, letter) = (Client::of(server, mode), Letter::example());
    let bob = Letter::someone("bob");

    let to = format!("{NOBODY}, {LATER}, {bob}");
    let report = client.send(letter.composed(&client, &to)).exits(1).report();
    assert_eq!(addresses(&report, "accepted"), [&bob], "{report:#}");
    assert_refused(server, &report["rejected"], NOBODY, 550, "5.1.1", "no such user here");
    assert_refused(server, &report["deferred"], LATER, 450, "4.2.0", "mailbox is busy");

    let arrived = Arrived::at(server, &bob);
    letter.assert_is_what(&arrived);
    assert_eq!(arrived.addresses("to"), [NOBODY, LATER, &bob]);
}

pub(crate) fn a_recipient_unknown_to_the_server_is_67(server: &dyn Server, mode: Mode) {
    let client = Client::of(server, mode);
    let arguments = Letter::example().composed(&client, NOBODY);
    let report = client.send(arguments).exits(67).report();
    assert_eq!(report["accepted"], json!([]), "{report:#}");
    assert_refused(server, &report["rejected"], NOBODY, 550, "5.1.1", "no such user here");
}

pub(crate) fn a_recipient_to_be_tried_later_is_75(server: &dyn Server, mode: Mode) {
    let client = Client::of(server, mode);
    let arguments = Letter::example().composed(&client, LATER);
    let report = client.send(arguments).exits(75).report();
    assert_eq!(report["accepted"], json!([]), "{report:#}");
    assert_refused(server, &report["deferred"], LATER, 450, "4.2.0", "mailbox is busy");
}

pub(crate) fn a_wrong_password_is_77(server: &dyn Server, mode: Mode) {
    let wrong = "Offen.43?allen";
    let client = Client::of(server, mode).signing_in(wrong);
    let bob = Letter::someone("bob");
    let run = client.send(Letter::example().composed(&client, &bob)).exits(77);
    let report = run.report();
    assert_eq!(addresses(&report, "rejected"), [&bob], "{report:#}");
    assert!(!run.to_string().contains(wrong), "{run}");
    assert_eq!(server.stored(&bob), None);
}

pub(crate) fn a_certificate_of_an_unknown_authority_is_76(server: &dyn Server, mode: Mode) {
    let client = Client::of(server, mode).trusting_the_web_only();
    let bob = Letter::someone("bob");
    let report = client.send(Letter::example().composed(&client, &bob)).exits(76).report();
    assert_eq!(addresses(&report, "rejected"), [&bob], "{report:#}");
    assert_eq!(report["attempts"][0]["auth"], Value::Null, "{report:#}");
    assert_eq!(server.stored(&bob), None);
}

/// The addresses of one list of a report, in its order.
pub(crate) fn addresses<'r>(report: &'r Value, list: &str) -> Vec<&'r str> {
    let list = report[list].as_array().expect("a list of recipients");
    list.iter().map(|recipient| recipient["address"].as_str().expect("an address")).collect()
}

/// The list holds this recipient alone, with what the server said to it.
#[track_caller]
fn assert_refused(
    server: &dyn Server,
    list: &Value,
    address: &str,
    code: u16,
    enhanced: &str,
    text: &str,
) {
    let enhanced = server.offers_enhanced_codes().then_some(enhanced);
    assert_eq!(list.as_array().map(Vec::len), Some(1), "{list:#}");
    let refused = &list[0];
    assert_eq!(refused["address"], address, "{list:#}");
    assert_eq!(refused["code"], code, "{list:#}");
    assert_eq!(refused["enhanced"].as_str(), enhanced, "{list:#}");
    let said = refused["text"].as_str().expect("the server's words");
    assert!(said.contains(text), "{list:#}");
}

/// The last attempt was protected and signed in as the mode demands.
#[track_caller]
fn assert_protected(report: &Value, mode: Mode) {
    let attempts = report["attempts"].as_array().expect("a list of attempts");
    let attempt = attempts.last().expect("an attempt");
    match mode {
        Mode::Cleartext => {
            assert_eq!(attempt["tls"], Value::Null, "{report:#}");
            assert_eq!(attempt["auth"], Value::Null, "{report:#}");
        }
        Mode::Starttls | Mode::ImplicitTls => {
            let version = attempt["tls"]["version"].as_str().expect("a TLS version");
            assert!(version.contains("1.3"), "{report:#}");
            assert_eq!(attempt["tls"]["verified"], true, "{report:#}");
            assert!(attempt["auth"]["mechanism"].is_string(), "{report:#}");
        }
    }
}

/// The report and the message name one and the same Message-ID.
#[track_caller]
fn assert_same_id(report: &Value, id: &str) {
    let reported = report["messageId"].as_str().expect("a Message-ID");
    let bare = |id: &str| id.trim_matches(['<', '>']).to_owned();
    assert_eq!(bare(reported), bare(id), "{report:#}");
}
