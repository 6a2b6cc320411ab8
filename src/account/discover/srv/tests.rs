use super::*;
use crate::dns::{Kind, Tlsa, Txt};
use std::cell::RefCell;
use std::net::IpAddr;
use std::time::Duration;

type Records = Result<Answer<Srv>, Error>;

/// Says what it is told, and keeps what it was asked.
#[derive(Default)]
struct Told {
    submissions: Option<Records>,
    submission: Option<Records>,
    mx: Option<Answer<Mx>>,
    asked: RefCell<Vec<String>>,
}

impl Resolver for Told {
    fn srv(&self, name: &Name, _: Deadline, _: &Interrupt) -> Result<Answer<Srv>, Error> {
        self.asked.borrow_mut().push(name.to_string());
        let told = if name.to_string().starts_with("_submissions.") {
            &self.submissions
        } else {
            &self.submission
        };
        told.clone().unwrap_or(Err(Error::NoSuchName { name: name.clone() }))
    }

    fn mx(&self, name: &Name, _: Deadline, _: &Interrupt) -> Result<Answer<Mx>, Error> {
        self.asked.borrow_mut().push(name.to_string());
        let none = || Error::NoRecords { name: name.clone(), kind: Kind::Mx };
        self.mx.clone().ok_or_else(none)
    }

    fn txt(&self, name: &Name, _: Deadline, _: &Interrupt) -> Result<Answer<Txt>, Error> {
        Err(Error::NoRecords { name: name.clone(), kind: Kind::Txt })
    }

    fn tlsa(&self, name: &Name, _: Deadline, _: &Interrupt) -> Result<Answer<Tlsa>, Error> {
        Err(Error::NoRecords { name: name.clone(), kind: Kind::Tlsa })
    }

    fn addresses(&self, name: &Name, _: Deadline, _: &Interrupt) -> Result<Answer<IpAddr>, Error> {
        Err(Error::NoRecords { name: name.clone(), kind: Kind::A })
    }
}

impl Told {
    fn services(&self) -> Result<Services, Error> {
        services(self, &name("example.org"), soon(), &Interrupt::default())
    }

    fn servers(&self) -> Vec<Candidate> {
        match self.services() {
            Ok(Services::Servers(candidates)) => candidates,
            other => panic!("{other:?}"),
        }
    }
}

fn soon() -> Deadline {
    Deadline::after(Duration::from_secs(60))
}

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn srv(priority: u16, port: u16, target: &str) -> Srv {
    let target = (target != ".").then(|| name(target));
    Srv { priority, weight: 0, port, target }
}

#[expect(clippy::unnecessary_wraps, reason = "it fills a field, and so reads better")]
fn unsigned(records: Vec<Srv>) -> Option<Records> {
    Some(Ok(Answer { records, authenticated: false, canonical: None }))
}

fn servfail() -> Error {
    Error::TimedOut { name: name("example.org"), kind: Kind::Srv }
}

fn places(candidates: &[Candidate]) -> Vec<String> {
    candidates.iter().map(|candidate| candidate.endpoint.to_string()).collect()
}

#[test]
fn tls_from_the_start_goes_before_starttls_whatever_the_priorities() {
    // 6186-3.4/8314-5.1
    let told = Told {
        submissions: unsigned(vec![srv(90, 465, "b.example.org"), srv(50, 465, "a.example.org")]),
        submission: unsigned(vec![srv(1, 587, "a.example.org")]),
        ..Told::default()
    };
    let candidates = told.servers();
    let expected = ["a.example.org:465", "b.example.org:465", "a.example.org:587"];
    assert_eq!(places(&candidates), expected);
    let security: Vec<_> = candidates.iter().map(|one| one.endpoint.security).collect();
    assert_eq!(security, [Security::Implicit, Security::Implicit, Security::StartTls]);
    let owner = "_submission._tcp.example.org".to_owned();
    assert_eq!(candidates[2].found, Found::Srv { owner });
    assert_eq!(candidates[2].user, None);
}

#[test]
fn only_the_services_for_users_are_asked_for() {
    // 6186-3.4/8314-5.1: never _smtp, which is for servers.
    let told = Told::default();
    assert_eq!(told.services(), Ok(Services::Unsaid));
    let asked = ["_submissions._tcp.example.org", "_submission._tcp.example.org"];
    assert_eq!(*told.asked.borrow(), asked);
}

#[test]
fn a_service_that_is_declared_absent_is_not_one_of_which_nothing_is_said() {
    // 6186-3.4/8314-5.1
    let [submissions, submission] =
        ["_submissions._tcp.example.org", "_submission._tcp.example.org"].map(str::to_owned);
    let absent = || unsigned(vec![srv(0, 0, ".")]);
    let told = Told { submissions: absent(), submission: absent(), ..Told::default() };
    let owners = vec![submissions, submission.clone()];
    assert_eq!(told.services(), Ok(Services::Absent { owners }));
    let told = Told { submission: absent(), ..Told::default() };
    assert_eq!(told.services(), Ok(Services::Absent { owners: vec![submission] }));
}

#[test]
fn one_service_that_is_absent_leaves_the_other() {
    // 6186-3.4/8314-5.1
    let told = Told {
        submissions: unsigned(vec![srv(0, 0, ".")]),
        submission: unsigned(vec![srv(0, 587, "mail.example.org")]),
        ..Told::default()
    };
    assert_eq!(places(&told.servers()), ["mail.example.org:587"]);
    let told = Told {
        submissions: unsigned(vec![srv(0, 465, "mail.example.org"), srv(1, 0, ".")]),
        submission: unsigned(vec![srv(0, 0, ".")]),
        ..Told::default()
    };
    assert_eq!(places(&told.servers()), ["mail.example.org:465"]);
}

#[test]
fn a_server_is_trusted_as_far_as_it_is_signed_or_in_the_domain() {
    // 6186-6
    let elsewhere = Trust::Elsewhere { domain: Host::Name("example.org".to_owned()) };
    for (target, authenticated, expected) in [
        ("mail.example.org", false, Trust::OwnDomain),
        ("MAIL.Example.ORG", false, Trust::OwnDomain),
        ("example.org", false, Trust::OwnDomain),
        ("mail.example.net", false, elsewhere.clone()),
        ("bad-example.org", false, elsewhere.clone()),
        ("example.org.evil.example", false, elsewhere.clone()),
        ("org", false, elsewhere),
        ("mail.example.net", true, Trust::Sure),
        ("mail.example.org", true, Trust::Sure),
    ] {
        let records = vec![srv(0, 465, target)];
        let submissions = Some(Ok(Answer { records, authenticated, canonical: None }));
        let told = Told { submissions, ..Told::default() };
        assert_eq!(told.servers()[0].trust, expected, "{target}");
    }
}

#[test]
fn what_cannot_be_a_server_is_left_out() {
    let told = Told {
        submissions: unsigned(vec![
            srv(0, 465, "localhost"),
            srv(0, 465, "192.0.2.1"),
            srv(0, 465, "mail_server.example.org"),
            srv(0, 0, "mail.example.org"),
            srv(0, 465, "Mail.example.org"),
            srv(1, 465, "mail.example.org"),
        ]),
        ..Told::default()
    };
    assert_eq!(places(&told.servers()), ["mail.example.org:465"]);
    let told = Told { submissions: unsigned(vec![srv(0, 465, "localhost")]), ..Told::default() };
    assert_eq!(told.services(), Ok(Services::Unsaid));
}

#[test]
fn what_could_not_be_found_out_matters_only_without_servers() {
    let failed = || Some(Err(servfail()));
    let told = Told {
        submissions: failed(),
        submission: unsigned(vec![srv(0, 587, "mail.example.org")]),
        ..Told::default()
    };
    assert_eq!(places(&told.servers()), ["mail.example.org:587"]);
    for submission in [None, failed(), unsigned(vec![srv(0, 0, ".")])] {
        let told = Told { submissions: failed(), submission, ..Told::default() };
        assert_eq!(told.services(), Err(servfail()));
    }
}

#[test]
fn the_wish_to_stop_is_not_asked_about_twice() {
    let told = Told { submissions: Some(Err(Error::Interrupted)), ..Told::default() };
    assert_eq!(told.services(), Err(Error::Interrupted));
    assert_eq!(told.asked.borrow().len(), 1);
}

#[test]
fn the_preferred_exchanger_stands_first() {
    let mx = |preference, host| Mx { preference, exchanger: Some(name(host)) };
    let told = Told {
        mx: Some(Answer {
            records: vec![mx(20, "b.example.net"), mx(5, "a.example.net")],
            authenticated: true,
            canonical: None,
        }),
        ..Told::default()
    };
    let asked = |told: &Told| exchangers(told, &name("example.org"), soon(), &Interrupt::default());
    let answer = asked(&told).unwrap();
    assert!(answer.authenticated);
    assert_eq!(answer.records, [mx(5, "a.example.net"), mx(20, "b.example.net")]);
    assert!(matches!(asked(&Told::default()), Err(Error::NoRecords { .. })));
}
