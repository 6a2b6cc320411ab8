//! Somebody between the program and a server, with a certificate for the
//! server's name that the program trusts: what channel binding is for.

use std::process::{Command, Stdio};

use crate::cyrus::{Cyrus, cyrus};
use crate::letter::Letter;
use crate::program::{Client, Run};
use crate::server::{
    Door, Kept, Mode, PASSWORD, Server, file, free_ports, python, wait_until_listening,
};
use crate::sign_in::{Offers as _, auth_commands, offered};

#[test]
fn a_bound_sign_in_fails_through_a_relay_in_tls_1_3_and_falls_to_nothing_weaker() {
    a_bound_sign_in_fails_through_a_relay("1.3", "tls-exporter");
}

#[test]
fn a_bound_sign_in_fails_through_a_relay_in_tls_1_2_and_falls_to_nothing_weaker() {
    a_bound_sign_in_fails_through_a_relay("1.2", "tls-server-end-point");
}

/// Named, and as the best that is offered.
fn a_bound_sign_in_fails_through_a_relay(version: &str, binding: &str) {
    // 5802-b
    let server = cyrus();
    let relay = Relay::before(&server, version, None);
    for named in [Some("SCRAM-SHA-256-PLUS"), Some("SCRAM-SHA-1-PLUS"), None] {
        let (run, to) = relay.send(&server, named);
        let mechanism = named.unwrap_or("SCRAM-SHA-256-PLUS");
        assert!([76, 77].contains(&run.status), "{run}");
        assert_eq!(auth_commands(&run), [mechanism], "{run}");
        let error = &run.report()["attempts"][0]["error"];
        assert!(error.as_str().is_some_and(|text| text.contains("sign-in")), "{run}");
        let refused = format!("{mechanism} p={binding} ");
        let mismatch = |line: &str| line.starts_with(&refused) && line.contains("mismatch");
        assert!(server.attempts().lines().any(mismatch), "{}\n{run}", server.attempts());
        assert_eq!(server.stored(&to), None);
    }
}

#[test]
fn a_relay_that_hides_the_bound_mechanisms_is_found_out_by_the_server() {
    // 5802-b: the flag `y`
    let server = cyrus();
    for version in ["1.2", "1.3"] {
        let relay = Relay::before(&server, version, Some("-PLUS"));
        for named in [None, Some("SCRAM-SHA-256"), Some("SCRAM-SHA-1")] {
            let before = server.attempts().len();
            let (run, to) = relay.send(&server, named);
            let mechanism = named.unwrap_or("SCRAM-SHA-256");
            assert!(!offered(&run).expect("an answer to EHLO").is_empty(), "{run}");
            assert!(!run.stderr.contains("-PLUS"), "{run}");
            assert!([76, 77].contains(&run.status), "{run}");
            assert_eq!(auth_commands(&run), [mechanism], "{run}");
            let found_out = format!("{mechanism} y ");
            let attempts = server.attempts().split_off(before);
            assert!(
                attempts.lines().any(|line| line.starts_with(&found_out)
                    && line.contains("client incorrectly assumed server had no channel binding")),
                "{attempts}\n{run}"
            );
            assert_eq!(server.stored(&to), None);
        }
    }
}

#[test]
fn a_bound_mechanism_that_was_hidden_is_not_replaced_where_it_is_named() {
    let server = cyrus();
    let relay = Relay::before(&server, "1.3", Some("-PLUS"));
    let (run, to) = relay.send(&server, Some("SCRAM-SHA-256-PLUS"));
    assert_ne!(run.status, 0, "{run}");
    assert!(auth_commands(&run).is_empty(), "{run}");
    assert_eq!(server.stored(&to), None);
}

/// What shows that the relay does relay: nothing but the binding stops it.
#[test]
fn a_password_passes_through_a_relay_that_is_trusted() {
    let server = cyrus();
    for version in ["1.2", "1.3"] {
        let relay = Relay::before(&server, version, None);
        let (run, to) = relay.send(&server, Some("PLAIN"));
        assert_eq!(run.status, 0, "{run}");
        assert!(server.stored(&to).is_some(), "{run}");
    }
}

struct Relay {
    door: Door,
    _process: Kept,
}

impl Relay {
    /// Before the door of `server` for this version of TLS from the start.
    fn before(server: &Cyrus, version: &str, hidden: Option<&str>) -> Self {
        let behind = server
            .doors()
            .into_iter()
            .find(|door| door.mode == Mode::ImplicitTls && door.tls == version)
            .expect("a door for this version");
        let [port] = free_ports();
        let process = Kept::spawn(
            Command::new(python())
                .arg(file("middle/relay.py"))
                .arg(server.home())
                .args([port, behind.port].map(|port| port.to_string()))
                .arg(version)
                .args(hidden)
                .stdout(Stdio::null()),
        );
        wait_until_listening(&[port], server.home(), &[]);
        Self { door: Door { port, ..behind }, _process: process }
    }

    /// What came of a letter to somebody, and to whom it was.
    fn send(&self, server: &Cyrus, named: Option<&str>) -> (Run, String) {
        let client = Client::before(server, self.door).signing_in(PASSWORD);
        let to = Letter::someone("oscar");
        let mut arguments = Letter::short(&to);
        arguments.push("-v".into());
        if let Some(mechanism) = named {
            arguments.extend(["--auth", &mechanism.to_lowercase()].map(Into::into));
        }
        let run = client.send(arguments);
        if let Some(attempt) = run.report()["attempts"].get(0) {
            assert!(attempt["tls"]["version"].to_string().contains(self.door.tls), "{run}");
        }
        (run, to)
    }
}
