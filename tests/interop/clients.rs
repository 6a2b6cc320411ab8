//! Other people's clients before the receiver: what they sent is what it caught.
//!
//! Each client has a table, `clients/NAME.toml`, with a row for each mode in which
//! it speaks to a server: how the connection is protected, how it signs in, which
//! parameters it gives, and what it makes of refusals and faults. A row is a script
//! as people write it, run by `envoi --json sink --run`, which tells it where the
//! receiver is and whom to trust; the receiver ends with the script, and its lines
//! are compared with the row, whole.
//!
//! | file | what is there |
//! |---|---|
//! | `clients/row.rs` | what a row of a table says, and what is compared |
//! | `clients/letters.rs` | the messages that are handed to clients |
//! | `clients/lettre/` | lettre as a program, a crate of its own that the test builds |
//! | `clients/own_tests.rs` | the tests of Python's smtplib, with the receiver in place of their servers |

mod letters;
mod own_tests;
mod row;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::Deserialize;
use tempfile::TempDir;

use crate::authority::{AUTHORITY, write_certificates};
use crate::callers::packaged;
use crate::exim::unpacked;
use crate::program::{Run, finished};
use crate::server::{PASSWORD, USER, file, fill, free_ports, private_directory};
use crate::token::token;
use row::Row;

/// The authority of the clients that have a certificate.
const CLIENTS: &str = "clients.pem";

#[test]
fn msmtp() {
    packaged("msmtp", "msmtp");
    packaged("microsocks", "microsocks");
    Table::of("msmtp").holds();
}

#[test]
fn swaks() {
    packaged("swaks", "swaks");
    Table::of("swaks").holds();
}

#[test]
fn curl() {
    packaged("curl", "curl");
    packaged("microsocks", "microsocks");
    packaged("tinyproxy", "tinyproxy");
    Table::of("curl").holds();
}

#[test]
fn s_nail() {
    packaged("s-nail", "s-nail");
    packaged("microsocks", "microsocks");
    Table::of("s-nail").holds();
}

#[test]
fn smtplib_of_python() {
    packaged("python3", "python3");
    Table::of("smtplib").holds();
}

#[test]
fn nodemailer_of_nodejs() {
    packaged("nodejs", "nodejs");
    packaged("../share/nodejs/nodemailer/package.json", "node-nodemailer");
    Table::of("nodemailer").holds();
}

#[test]
fn lettre_of_rust() {
    Table { programs: Some(build_lettre()), ..Table::of("lettre") }.holds();
}

#[test]
fn git_send_email() {
    packaged("git", "git");
    packaged("../lib/git-core/git-send-email", "git-email");
    packaged("../share/perl5/Authen/SASL.pm", "libauthen-sasl-perl");
    packaged("../share/perl5/IO/Socket/SSL.pm", "libio-socket-ssl-perl");
    Table::of("git-send-email").holds();
}

#[test]
fn exim() {
    assert!(rustix::process::geteuid().is_root(), "Exim can only be started by root");
    let programs = unpacked().parent().map(Path::to_owned);
    Table { programs, ..Table::of("exim") }.holds();
}

/// Builds lettre's program, and gives the directory in which it is.
fn build_lettre() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("lettre");
    let mut build = Command::new(env!("CARGO"));
    build
        .args(["build", "--locked", "--quiet", "--manifest-path"])
        .arg(file("clients/lettre/Cargo.toml"))
        .arg("--target-dir")
        .arg(&target)
        .stdin(Stdio::null());
    let status = build.status().expect("running cargo");
    assert!(status.success(), "{build:?}: {status}");
    target.join("debug")
}

/// What a client is put through.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    /// What runs a script.
    run: String,
    /// What every script begins with.
    #[serde(default)]
    prelude: String,
    mode: Vec<Row>,
    /// Where programs are that nobody installed.
    #[serde(skip)]
    programs: Option<PathBuf>,
}

impl Table {
    fn of(client: &str) -> Self {
        let path = file(&format!("clients/{client}.toml"));
        let text = fs::read_to_string(&path)
            .unwrap_or_else(|error| panic!("reading {}: {error}", path.display()));
        toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// Runs every row, or those of which `MODE` has a part, and names all that do
    /// not hold.
    #[track_caller]
    fn holds(&self) {
        let wanted = std::env::var("MODE").unwrap_or_default();
        let home = Home::new();
        let rows = self.mode.iter().filter(|row| row.shows.contains(&wanted));
        let faults: Vec<String> = rows.filter_map(|row| self.fault(row, &home)).collect();
        let count = self.mode.len();
        assert!(faults.is_empty(), "{} of {count} modes\n{}", faults.len(), faults.join("\n"));
    }

    fn fault(&self, row: &Row, certificates: &Home) -> Option<String> {
        // For whoever waits for one that does not end.
        println!("{}", row.shows);
        let home = Home::with_certificates_of(certificates);
        let run = self.converse(row, &home);
        let wrong = row.wrong(&run, home.path());
        let said = fs::read(home.path().join("said")).unwrap_or_default();
        let said = String::from_utf8_lossy(&said);
        let shows = &row.shows;
        (!wrong.is_empty())
            .then(|| format!("=== {shows}\n{}\n{run}\n--- it said\n{said}", wrong.join("\n")))
    }

    /// Runs the script of a row before a receiver of its own; what it says goes to
    /// the file `said`, so that the lines of the receiver stand alone.
    fn converse(&self, row: &Row, home: &Home) -> Run {
        let [free] = free_ports();
        let values: [(&str, &dyn ToString); 5] = [
            ("NAME", &USER),
            ("PASSWORD", &PASSWORD),
            ("TOKEN", &token()),
            ("CLIENTS", &CLIENTS),
            // For what a script starts itself.
            ("PORT", &free),
        ];
        home.write("rules.toml", &row.rules);
        home.write("script", &fill(&format!("{}\n{}", self.prelude, row.typed), &values));
        let words = shell_words::split(&fill(&row.receiver(), &values)).expect("words of a shell");
        let mut command = Command::new(env!("CARGO_BIN_EXE_envoi"));
        command
            .args(["--json", "sink", "mail"])
            .args(words)
            .args(["--run", "sh", "-c", r#"exec "$@" >said 2>&1"#, "client", &self.run, "script"])
            .env_clear()
            .envs([("HOME", home.path()), ("TMPDIR", home.path())])
            .envs([("LANG", "C.UTF-8"), ("NODE_PATH", "/usr/share/nodejs")])
            .envs([("NAME", USER), ("PASSWORD", PASSWORD), ("TOKEN", &token())])
            .env("PATH", self.path())
            .current_dir(home.path())
            .stdin(Stdio::null());
        finished(&mut command, home.path())
    }

    fn path(&self) -> String {
        let system = "/usr/sbin:/usr/bin:/sbin:/bin";
        match &self.programs {
            Some(directory) => format!("{}:{system}", directory.display()),
            None => system.to_owned(),
        }
    }
}

/// Where a client works: letters and certificates lie there.
struct Home(TempDir);

impl Home {
    fn new() -> Self {
        let home = Self(private_directory());
        write_certificates(home.path());
        fs::rename(home.path().join(AUTHORITY), home.path().join(CLIENTS))
            .expect("renaming the authority");
        home
    }

    fn with_certificates_of(other: &Home) -> Self {
        let home = Self(private_directory());
        for name in [CLIENTS, "client.pem", "client.key", "stranger.pem", "stranger.key"] {
            fs::copy(other.path().join(name), home.path().join(name)).expect("copying a file");
        }
        for (name, octets) in letters::all() {
            fs::write(home.path().join(name), octets).expect("writing a letter");
        }
        home
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path().join(name), text).expect("writing a file");
    }
}
