//! Name servers: Knot DNS, which knows its zones itself and signs one, and
//! Unbound, which resolves them and validates.

use std::ffi::OsStr;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, Weak};
use std::time::Duration;

use envoi::account::discover::{Candidate, Services, Trust, exchangers, services};
use envoi::dns::{Error, Name, Options, Resolver, Srv, Stub};
use envoi::net::{Deadline, Interrupt, Security};
use tempfile::TempDir;

use crate::server::{
    Kept, Lent, Logged, file, fill, free_ports, private_directory, program, wait_until,
    wait_until_listening,
};

/// Records below `_submissions._tcp.many`: far more than 1232 octets.
const MANY: u16 = 60;

const LOGS: &[&str] = &["knot.log", "unbound.log"];

pub(crate) struct NameServers {
    knot: SocketAddr,
    unbound: SocketAddr,
    /// Where Unbound listens on port 53, too.
    usual: Ipv4Addr,
    _processes: [Kept; 2],
    home: TempDir,
}

pub(crate) fn name_servers() -> Lent<NameServers> {
    static SLOT: Mutex<Weak<NameServers>> = Mutex::new(Weak::new());
    Lent::from(&SLOT, || NameServers::start(|_| String::new()))
}

impl NameServers {
    /// Starts them with these records in each zone beside the usual ones, which
    /// may have the address that nobody else has.
    pub(crate) fn start(more: impl FnOnce(Ipv4Addr) -> String) -> Self {
        let directory = private_directory();
        let home = directory.path();
        let [knot, unbound] = free_ports();
        let usual = own_address();
        write_zones(&directory, &more(usual));
        let template = fs::read_to_string(file("dns/knot.conf")).expect("reading a template");
        let home_text = home.display();
        let configuration = fill(&template, &[("HOME", &home_text), ("PORT", &knot)]);
        fs::write(home.join("knot.conf"), configuration).expect("writing a configuration");
        let first = run(&directory, "knotd", "knot", &["-c", "knot.conf"], "knot.log");
        wait_until_listening(&[knot], home, LOGS);

        write_anchors(&directory);
        let template = fs::read_to_string(file("dns/unbound.conf")).expect("reading a template");
        let values: [(&str, &dyn ToString); 4] =
            [("HOME", &home_text), ("PORT", &unbound), ("KNOT", &knot), ("USUAL", &usual)];
        fs::write(home.join("unbound.conf"), fill(&template, &values))
            .expect("writing a configuration");
        fs::write(home.join("resolv.conf"), format!("nameserver {usual}\n"))
            .expect("writing resolv.conf");
        fs::write(home.join("nsswitch.conf"), "hosts: files dns\n").expect("writing nsswitch.conf");
        let arguments = ["-d", "-c", "unbound.conf"];
        let second = run(&directory, "unbound", "unbound", &arguments, "unbound.log");
        wait_until_listening(&[unbound], home, LOGS);
        Self {
            knot: ([127, 0, 0, 1], knot).into(),
            unbound: ([127, 0, 0, 1], unbound).into(),
            usual,
            _processes: [first, second],
            home: directory,
        }
    }

    /// An address of this machine that nobody else listens at.
    pub(crate) fn usual(&self) -> Ipv4Addr {
        self.usual
    }

    /// A command in whose eyes these are the name servers of the machine.
    pub(crate) fn believed_by(&self, program: &Path) -> Command {
        let mut command = Command::new("unshare");
        let script = "for name in resolv.conf nsswitch.conf; do
            mount --bind \"$0/$name\" \"/etc/$name\" || exit 120
        done
        exec \"$@\"";
        command.args(["--mount", "sh", "-c", script]).arg(self.home.path()).arg(program);
        command
    }

    /// Who knows, and who asks him.
    fn both(&self) -> [Stub; 2] {
        [self.knot, self.unbound].map(stub)
    }
}

impl Logged for NameServers {
    fn directory(&self) -> &Path {
        self.home.path()
    }

    fn names(&self) -> &'static [&'static str] {
        LOGS
    }
}

fn stub(server: SocketAddr) -> Stub {
    let options = Options { timeout: Duration::from_secs(20), ..Options::default() };
    Stub::of(vec![server], options)
}

/// An address of this machine that nobody else has: other runs have other
/// numbers, and this one counts.
fn own_address() -> Ipv4Addr {
    static COUNT: AtomicU8 = AtomicU8::new(1);
    let [.., high, low] = std::process::id().to_be_bytes();
    // Never 127.0.0.0/16, where others listen.
    Ipv4Addr::new(127, high.max(1), low, COUNT.fetch_add(1, Ordering::Relaxed))
}

fn write_zones(home: &TempDir, more: &str) {
    let mut zone = fs::read_to_string(file("dns/zone")).expect("reading a zone");
    zone.push_str(more);
    zone.extend(
        (1..=MANY).map(|port| format!("_submissions._tcp.many SRV 0 0 {port} mail{port}\n")),
    );
    for name in ["plain", "forged", "signed"] {
        let path = home.path().join(format!("{name}.example.zone"));
        fs::write(path, format!("$ORIGIN {name}.example.\n{zone}")).expect("writing a zone");
    }
}

/// The key that Knot DNS made for the zone it signs, as that of two zones.
fn write_anchors(home: &TempDir) {
    let asked = || {
        let keymgr = program("keymgr", "knot");
        let mut command = Command::new(keymgr);
        command.current_dir(home.path()).args(["-c", "knot.conf", "signed.example", "ds"]);
        let output = command.output().expect("running keymgr");
        let said = String::from_utf8(output.stdout).expect("keymgr writes US-ASCII");
        said.contains(" DS ").then_some(said)
    };
    let keys = wait_until(|| "a key of signed.example".to_owned(), asked);
    let forged = keys.replace("signed.example", "forged.example");
    fs::write(home.path().join("anchors"), keys + &forged).expect("writing the anchors");
}

fn run(home: &TempDir, name: &str, package: &str, arguments: &[&str], log: &str) -> Kept {
    let program = program(name, package);
    let words = std::iter::once(program.as_os_str()).chain(arguments.iter().map(OsStr::new));
    Kept::followed(words, home.path(), log)
}

fn name(text: &str) -> Name {
    text.parse().expect("a name")
}

fn soon() -> Deadline {
    Deadline::after(Duration::from_secs(60))
}

fn srv(resolver: &dyn Resolver, owner: &str) -> Result<Vec<Srv>, Error> {
    let answer = resolver.srv(&name(owner), soon(), &Interrupt::default())?;
    Ok(answer.records)
}

fn found(resolver: &dyn Resolver, domain: &str) -> Services {
    let found = services(resolver, &name(domain), soon(), &Interrupt::default());
    found.expect("asking for services")
}

fn servers(services: Services) -> Vec<Candidate> {
    match services {
        Services::Servers(candidates) => candidates,
        other => panic!("no servers: {other:?}"),
    }
}

#[test]
fn records_come_with_all_that_they_say() {
    let servers = name_servers();
    for stub in servers.both() {
        let mut records = srv(&stub, "_submissions._tcp.plain.example").expect("records");
        records.sort_by_key(|record| record.priority);
        let record =
            |priority, target| Srv { priority, weight: 0, port: 465, target: Some(name(target)) };
        let expected = [record(10, "mail.plain.example"), record(20, "backup.elsewhere.example")];
        assert_eq!(records, expected, "{stub:?}");
    }
}

#[test]
fn an_answer_too_long_for_a_datagram_comes_by_tcp() {
    let servers = name_servers();
    for stub in servers.both() {
        let records = srv(&stub, "_submissions._tcp.many.plain.example").expect("records");
        let mut ports: Vec<_> = records.iter().map(|record| record.port).collect();
        ports.sort_unstable();
        assert_eq!(ports, (1..=MANY).collect::<Vec<_>>(), "{stub:?}");
    }
}

#[test]
fn use_vc_asks_by_tcp_from_the_start() {
    let servers = name_servers();
    let options = Options { use_tcp: true, ..Options::default() };
    let stub = Stub::of(vec![servers.unbound], options);
    assert_eq!(srv(&stub, "_submission._tcp.plain.example").expect("records").len(), 1);
}

#[test]
fn an_alias_leads_to_the_records() {
    let servers = name_servers();
    for stub in servers.both() {
        let records = srv(&stub, "_submissions._tcp.alias.plain.example").expect("records");
        assert_eq!(records.len(), 2, "{stub:?}");
    }
}

#[test]
fn no_such_name_and_no_such_record_are_told_apart() {
    let servers = name_servers();
    for stub in servers.both() {
        let none = srv(&stub, "_submissions._tcp.missing.plain.example");
        assert!(matches!(none, Err(Error::NoSuchName { .. })), "{none:?}");
        let none = srv(&stub, "_submissions._tcp.text.plain.example");
        assert!(matches!(none, Err(Error::NoRecords { .. })), "{none:?}");
    }
}

#[test]
fn what_a_server_refuses_or_cannot_validate_may_pass() {
    let servers = name_servers();
    // Knot DNS knows nothing of that zone, and Unbound finds no signature.
    for (server, owner) in [
        (servers.knot, "_submissions._tcp.elsewhere.example"),
        (servers.unbound, "_submissions._tcp.forged.example"),
    ] {
        let failed = srv(&stub(server), owner).expect_err("an error");
        assert!(matches!(failed, Error::Failed { .. }), "{failed:?}");
        assert!(failed.is_temporary());
    }
}

#[test]
fn only_what_is_signed_and_validated_is_authenticated() {
    let servers = name_servers();
    for (server, domain, expected) in [
        (servers.unbound, "signed.example", true),
        (servers.unbound, "alias.signed.example", true),
        (servers.unbound, "plain.example", false),
        // It has the signatures, and does not validate them itself.
        (servers.knot, "signed.example", false),
    ] {
        let owner = name(domain).below("_submissions._tcp").expect("a name");
        let answer = stub(server).srv(&owner, soon(), &Interrupt::default()).expect("records");
        assert_eq!(answer.authenticated, expected, "{domain} at {server}");
        let mx = stub(server).mx(&name(domain), soon(), &Interrupt::default()).expect("records");
        assert_eq!(mx.authenticated, expected, "MX of {domain} at {server}");
    }
}

#[test]
fn a_domain_names_its_servers_for_submission() {
    // 6186-3.4/8314-5.1, 6186-6
    let name_servers = name_servers();
    for stub in name_servers.both() {
        let candidates = servers(found(&stub, "plain.example"));
        let places: Vec<_> = candidates
            .iter()
            .map(|one| (one.endpoint.to_string(), one.endpoint.security))
            .collect();
        let expected = [
            ("mail.plain.example:465", Security::Implicit),
            ("backup.elsewhere.example:465", Security::Implicit),
            ("mail.plain.example:587", Security::StartTls),
        ];
        assert_eq!(places, expected.map(|(place, security)| (place.to_owned(), security)));
        assert_eq!(candidates[0].trust, Trust::OwnDomain);
        assert!(matches!(candidates[1].trust, Trust::Elsewhere { .. }), "{candidates:?}");
    }
    let signed = servers(found(&stub(name_servers.unbound), "signed.example"));
    assert!(signed.iter().all(|one| one.trust == Trust::Sure), "{signed:?}");
}

#[test]
fn a_domain_may_say_that_it_has_no_service_or_nothing_at_all() {
    // 6186-3.4/8314-5.1
    let servers = name_servers();
    for stub in servers.both() {
        let absent = found(&stub, "none.plain.example");
        assert!(matches!(&absent, Services::Absent { owners } if owners.len() == 2), "{absent:?}");
        assert_eq!(found(&stub, "missing.plain.example"), Services::Unsaid);
    }
}

#[test]
fn exchangers_come_in_order_and_a_domain_may_have_none() {
    // 5321-5.1c, 7505
    let servers = name_servers();
    for stub in servers.both() {
        let asked = |domain: &str| {
            let answer = exchangers(&stub, &name(domain), soon(), &Interrupt::default());
            answer.map(|answer| answer.records)
        };
        let hosts: Vec<_> = asked("plain.example")
            .expect("records")
            .into_iter()
            .map(|mx| (mx.preference, mx.exchanger))
            .collect();
        let expected = [(10, "mx1.provider.example"), (20, "mx2.provider.example")];
        assert_eq!(hosts, expected.map(|(preference, host)| (preference, Some(name(host)))));
        let null = asked("none.plain.example").expect("a record");
        assert_eq!((null.len(), &null[0].exchanger), (1, &None));
        assert!(matches!(asked("ns.plain.example"), Err(Error::NoRecords { .. })));
    }
}
