//! From an address to a message that arrived, with nobody at the keyboard: Knot
//! DNS and Unbound name the servers, Python publishes a document, Postfix takes
//! the mail. What was typed and answered is kept for whoever runs the tests.

use std::fs::{self, File};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Mutex, Weak};

use tempfile::TempDir;

use crate::authority::AUTHORITY;
use crate::dns::NameServers;
use crate::identity::{House, visit};
use crate::letter::Letter;
use crate::postfix::{Postfix, postfix};
use crate::program::Run;
use crate::secrets::assert_tells_no_secret;
use crate::server::{
    Kept, Lent, Logged, Mode, PASSWORD, Server, USER, file, fill, private_directory, python,
    wait_until,
};

/// A mail server, and all that leads to it.
pub(crate) struct Town {
    names: NameServers,
    server: Lent<Postfix>,
    _documents: Kept,
    home: TempDir,
}

pub(crate) fn town() -> Lent<Town> {
    static SLOT: Mutex<Weak<Town>> = Mutex::new(Weak::new());
    Lent::from(&SLOT, Town::start)
}

const LOGS: &[&str] = &["documents.log"];

impl Town {
    fn start() -> Self {
        let server = postfix();
        let implicit = server.port(Mode::ImplicitTls);
        let starttls = server.port(Mode::Starttls);
        let directory = private_directory();
        let home = directory.path();
        let names = NameServers::start(|usual| {
            format!(
                "_submissions._tcp.own SRV 0 0 {implicit} mail.own\n\
                 _submission._tcp.own SRV 0 0 {starttls} mail.own\n\
                 mail.own A 127.0.0.1\n\
                 _submission._tcp.away SRV 0 0 {starttls} mail.provider.plain.example.\n\
                 _submission._tcp.away SRV 9 0 {starttls} mail.other.plain.example.\n\
                 _submissions._tcp.vouched SRV 0 0 {implicit} mail.provider.plain.example.\n\
                 mail.provider A 127.0.0.1\n\
                 quiet TXT nothing\n\
                 autoconfig.docs A {usual}\n\
                 policy MX 10 mail.policy\n\
                 policy MX 20 backup.policy\n\
                 mail.policy A 127.0.0.1\n\
                 _mta-sts.policy TXT \"v=STSv1; id=20240101\"\n\
                 mta-sts.policy A {usual}\n"
            )
        });
        let document = fs::read_to_string(file("newcomer/config-v1.1.xml")).expect("the document");
        fs::create_dir(home.join("mail")).expect("making a directory");
        let document = fill(&document, &[("STARTTLS", &starttls)]);
        fs::write(home.join("mail/config-v1.1.xml"), document).expect("writing the document");
        fs::create_dir(home.join(".well-known")).expect("making a directory");
        fs::copy(file("newcomer/mta-sts.txt"), home.join(".well-known/mta-sts.txt"))
            .expect("publishing a policy");
        let certificate = |name: &str| server.home().join(name).display().to_string();
        let words = [
            python().display().to_string(),
            file("newcomer/serve.py").display().to_string(),
            names.usual().to_string(),
            home.display().to_string(),
            certificate("server.pem"),
            certificate("server.key"),
        ];
        let documents = Kept::followed(words, home, LOGS[0]);
        let place = (names.usual(), 443);
        wait_until(|| "the documents".to_owned(), || TcpStream::connect(place).ok());
        Self { names, server, _documents: documents, home: directory }
    }
}

impl Logged for Town {
    fn directory(&self) -> &Path {
        self.home.path()
    }

    fn names(&self) -> &'static [&'static str] {
        LOGS
    }
}

/// Somebody new in town.
pub(crate) struct Newcomer<'t> {
    names: &'t NameServers,
    home: TempDir,
    record: String,
}

impl<'t> Newcomer<'t> {
    pub(crate) fn to(town: &'t Town) -> Self {
        Self::with(&town.names, &town.server.home().join(AUTHORITY))
    }

    /// Somebody who asks these name servers and trusts this authority.
    pub(crate) fn with(names: &'t NameServers, authority: &Path) -> Self {
        let home = TempDir::new().expect("making a home");
        fs::write(home.path().join("password"), PASSWORD).expect("writing the password");
        fs::copy(authority, home.path().join("authority.pem")).expect("copying the authority");
        Self { names, home, record: String::new() }
    }

    /// Types this, with nothing on standard input.
    pub(crate) fn types(&mut self, words: &str) -> Run {
        self.types_and_looks(words, |_| true)
    }

    /// The same; what is said meanwhile is shown until it was enough.
    fn types_and_looks(&mut self, words: &str, mut looks: impl FnMut(&str) -> bool) -> Run {
        let envoi = Path::new(env!("CARGO_BIN_EXE_envoi"));
        let output = |name| File::create(self.home.path().join(name)).expect("an output file");
        let read = |name| fs::read_to_string(self.home.path().join(name)).expect("an output");
        let mut child = self
            .names
            .believed_by(envoi)
            .args(shell_words::split(words).expect("what is typed"))
            .env_clear()
            .env("HOME", self.home.path())
            .env("PATH", "/usr/bin:/bin")
            .env("PASSWORD", PASSWORD)
            .current_dir(self.home.path())
            .stdin(Stdio::null())
            .stdout(output("stdout"))
            .stderr(output("stderr"))
            .spawn()
            .expect("starting envoi");
        let mut has_ended = || child.try_wait().expect("waiting for envoi");
        let said = || format!("envoi to say more:\n{}{}", read("stdout"), read("stderr"));
        let seen = || (looks(&read("stderr")) || has_ended().is_some()).then_some(());
        wait_until(said, seen);
        let status = wait_until(|| "envoi to end".to_owned(), has_ended);
        let run = Run {
            status: status.code().expect("it ended by itself"),
            stdout: read("stdout"),
            stderr: read("stderr"),
        };
        let home = self.home.path().display().to_string();
        let shown = format!("$ envoi {words}\n{}{}", run.stderr, run.stdout);
        self.record.push_str(&shown.replace(&home, "~"));
        assert_tells_no_secret(&run);
        run
    }

    /// Keeps what was typed and answered under this name.
    pub(crate) fn keep_record(&self, name: &str) {
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("newcomer");
        fs::create_dir_all(&directory).expect("making a directory for records");
        fs::write(directory.join(format!("{name}.txt")), &self.record).expect("keeping a record");
    }

    fn configuration(&self) -> PathBuf {
        self.home.path().join(".config/envoi/config.toml")
    }

    /// Sends a message by the account, and waits until it has arrived.
    #[track_caller]
    fn sends_a_message_in(&mut self, town: &Town) {
        let heidi = Letter::someone("heidi");
        self.types(&format!("send -s Hello --body 'It works.' {heidi}")).exits(0);
        let arrived = wait_until(|| format!("a message to {heidi}"), || town.server.stored(&heidi));
        assert!(String::from_utf8_lossy(&arrived).contains("It works."));
    }
}

const HOW: &str = "--tls-ca authority.pem --password-from env:PASSWORD --store file:.password";

#[test]
fn an_address_becomes_an_account_by_the_records_of_its_own_domain() {
    // 6186-3.4, 8314-5.1, 6186-6
    let town = town();
    let mut newcomer = Newcomer::to(&town);
    let run = newcomer
        .types(&format!("account add 'Terry Tester <{USER}@own.plain.example>' {HOW}"))
        .exits(0);
    assert!(run.stdout.contains("(in the domain of the address)"), "{run}");
    let text = fs::read_to_string(newcomer.configuration()).expect("a configuration");
    let implicit = town.server.port(Mode::ImplicitTls);
    let starttls = town.server.port(Mode::Starttls);
    let servers = format!(
        "server = [\"smtps://mail.own.plain.example:{implicit}\", \
         \"smtp://mail.own.plain.example:{starttls}\"]\n"
    );
    assert!(text.contains(&servers), "{text}");
    // Postfix knows no address, only what stands before the @ (6186-4).
    assert!(text.contains(&format!("user = \"{USER}\"\n")), "{text}");
    newcomer.types("account show --for tester@own.plain.example -q").exits(0);
    newcomer.sends_a_message_in(&town);
    newcomer.keep_record("1 the domain's own records");
}

#[test]
fn a_document_of_the_domain_names_server_and_user() {
    let town = town();
    let mut newcomer = Newcomer::to(&town);
    let run = newcomer.types(&format!("account add {USER}@docs.plain.example {HOW}")).exits(0);
    assert!(run.stdout.contains("  SRV       docs.plain.example names no servers\n"), "{run}");
    assert!(run.stdout.contains("(sure)"), "{run}");
    assert!(!run.stdout.contains(&format!("Signing in as {USER}@")), "{run}");
    newcomer.sends_a_message_in(&town);
    newcomer.keep_record("2 a document of the domain");
}

#[test]
fn a_server_elsewhere_without_dnssec_is_refused_unless_the_user_knows_it() {
    // 6186-6
    let town = town();
    let mut newcomer = Newcomer::to(&town);
    let add = format!("account add {USER}@away.plain.example {HOW}");
    let run = newcomer.types(&add).exits(76);
    assert!(
        run.stderr.contains(
            "hint: if you know that it is your provider's: --accept mail.provider.plain.example\n"
        ),
        "{run}"
    );
    assert!(!newcomer.configuration().exists());
    assert!(!newcomer.home.path().join(".password").exists());
    newcomer.types(&format!("{add} --accept mail.provider.plain.example")).exits(0);
    // Nobody knows the second server.
    let text = fs::read_to_string(newcomer.configuration()).expect("a configuration");
    assert!(!text.contains("mail.other.plain.example"), "{text}");
    newcomer.sends_a_message_in(&town);
    newcomer.keep_record("3 a server elsewhere");
}

#[test]
fn a_server_elsewhere_with_a_certificate_for_the_domain_is_taken() {
    // 6186-6: the name to verify is that of the domain.
    let town = town();
    let mut newcomer = Newcomer::to(&town);
    newcomer.types(&format!("account add {USER}@vouched.plain.example {HOW}")).exits(0);
    let text = fs::read_to_string(newcomer.configuration()).expect("a configuration");
    assert!(text.contains("tls-name = \"vouched.plain.example\"\n"), "{text}");
    newcomer.sends_a_message_in(&town);
    newcomer.keep_record("4 a server that the domain vouches for");
}

#[test]
fn a_server_elsewhere_that_dnssec_has_signed_is_taken() {
    // 6186-6
    let town = town();
    let mut newcomer = Newcomer::to(&town);
    let run = newcomer.types(&format!("account add {USER}@away.signed.example {HOW}")).exits(0);
    assert!(run.stdout.contains("(sure)"), "{run}");
    newcomer.sends_a_message_in(&town);
    newcomer.keep_record("5 a server that DNSSEC has signed");
}

#[test]
fn a_domain_that_has_no_such_service_ends_the_search() {
    // 6186-3.4
    let town = town();
    let mut newcomer = Newcomer::to(&town);
    let run = newcomer.types(&format!("account add {USER}@none.plain.example {HOW}")).exits(69);
    assert!(run.stderr.contains("that it has no server for this"), "{run}");
    assert!(!run.stdout.contains("document"), "{run}");
    assert!(!newcomer.configuration().exists());
}

#[test]
fn where_nobody_names_a_server_the_search_says_who_was_asked() {
    let town = town();
    let mut newcomer = Newcomer::to(&town);
    let run = newcomer.types(&format!("account add {USER}@quiet.plain.example {HOW}")).exits(69);
    for asked in ["  SRV       ", "  document  https://autoconfig.quiet", "  MX        "] {
        assert!(run.stdout.contains(asked), "{run}");
    }
    let run = newcomer.types(&format!("account add {USER}@nothing.plain.example {HOW}")).exits(68);
    assert!(run.stderr.contains("the domain nothing.plain.example does not exist"), "{run}");
    // What name servers cannot say now they may say later.
    let run = newcomer.types(&format!("account add {USER}@own.forged.example {HOW}")).exits(75);
    assert!(run.stderr.contains("forged.example"), "{run}");
    assert!(!newcomer.configuration().exists());
}

#[test]
fn an_address_and_a_login_become_an_account() {
    // 7628, 8628, 8252
    let house = House::start();
    let [tls, https] = house.ports;
    let names = NameServers::start(|_| {
        format!("_submissions._tcp.tokens SRV 0 0 {tls} mail.tokens\nmail.tokens A 127.0.0.1\n")
    });
    let authority = house.home().join(AUTHORITY);
    let mut newcomer = Newcomer::with(&names, &authority);
    let visits = |before: &'static str| {
        let authority = authority.clone();
        move |said: &str| {
            let Some((_, rest)) = said.split_once(before) else { return false };
            let Some((url, _)) = rest.split_once('\n') else { return false };
            visit(url, &authority);
            true
        }
    };
    let add = format!(
        "account add {USER}@tokens.plain.example --name work --user {USER} \
         --tls-ca authority.pem --issuer https://localhost:{https} --client-id envoi \
         --scope smtp --store file:.tokens --device"
    );
    let run = newcomer.types_and_looks(&add, visits("or go straight to ")).exits(0);
    assert!(run.stdout.contains(", TLS 1.3, OAUTHBEARER\n"), "{run}");
    let run = newcomer.types("send -s Hello --body 'It works.' one@example.net").exits(0);
    house.await_arrival("one@example.net", &run);
    newcomer.types("account logout work").exits(0);
    newcomer.types("send -s Hello --body 'Nobody is logged in.' two@example.net").exits(78);
    newcomer.types_and_looks("account login work --browser", visits("go to:\n  ")).exits(0);
    let run = newcomer.types("send -s Hello --body 'It works again.' two@example.net").exits(0);
    house.await_arrival("two@example.net", &run);
    newcomer.types("account remove work --forget").exits(0);
    assert!(!newcomer.home.path().join(".tokens").exists());
    newcomer.keep_record("6 a login in place of a password");
}

#[test]
fn a_login_that_does_not_lead_to_a_sign_in_leaves_nothing() {
    let house = House::start();
    let [tls, https] = house.ports;
    let names = NameServers::start(|_| String::new());
    let authority = house.home().join(AUTHORITY);
    let mut newcomer = Newcomer::with(&names, &authority);
    let add = format!(
        "account add {USER}@tokens.plain.example --server smtps://localhost:{tls} \
         --user somebody-else --tls-ca authority.pem --issuer https://localhost:{https} \
         --client-id envoi --scope smtp --store file:.tokens --device"
    );
    let looks = |said: &str| {
        let url = said.split_once("or go straight to ").and_then(|(_, it)| it.split_once('\n'));
        url.inspect(|(url, _)| visit(url, &authority)).is_some()
    };
    let run = newcomer.types_and_looks(&add, looks).exits(77);
    assert!(run.stderr.contains("the account does not work: "), "{run}");
    assert!(!newcomer.configuration().exists());
    assert!(!newcomer.home.path().join(".tokens").exists());
}
