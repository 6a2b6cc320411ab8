//! Running the binary as one user with a home of his own, and what it answered.

use std::ffi::OsString;
use std::fmt;
use std::fs::{self, File};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::authority::AUTHORITY;
use crate::server::{Door, Mode, PASSWORD, Server, USER, wait_until};

/// One user of the program at one port of one server: by default he trusts its
/// authority and, inside TLS, signs in.
pub(crate) struct Client {
    home: TempDir,
    url: String,
    authority: Option<PathBuf>,
    /// The options by which he signs in.
    login: Vec<OsString>,
}

impl Client {
    pub(crate) fn of(server: &dyn Server, mode: Mode) -> Self {
        let client = Self::at(server, mode, server.port(mode));
        match mode {
            Mode::Cleartext => client,
            Mode::Starttls | Mode::ImplicitTls => client.signing_in(PASSWORD),
        }
    }

    /// At this door, and not signing in.
    pub(crate) fn before(server: &dyn Server, door: Door) -> Self {
        Self::at(server, door.mode, door.port)
    }

    fn at(server: &dyn Server, mode: Mode, port: u16) -> Self {
        let scheme = match mode {
            Mode::Cleartext => "smtp+notls",
            Mode::Starttls => "smtp",
            Mode::ImplicitTls => "smtps",
        };
        let home = TempDir::new().expect("making a home");
        fs::set_permissions(home.path(), fs::Permissions::from_mode(0o700)).expect("closing it");
        let authority = (mode != Mode::Cleartext).then(|| server.home().join(AUTHORITY));
        let url = format!("{scheme}://localhost:{port}");
        Self { home, url, authority, login: Vec::new() }
    }

    /// Signs in with this password, which the program reads from a file.
    pub(crate) fn signing_in(self, password: &str) -> Self {
        self.write_private("password", password);
        let source = format!("file:{}/password", self.home().display());
        self.signing_in_by(["--user", USER, "--password-from", &source].map(Into::into).into())
    }

    /// Signs in by these options.
    pub(crate) fn signing_in_by(self, login: Vec<OsString>) -> Self {
        Self { login, ..self }
    }

    /// Writes a file of the home that nobody else may read.
    pub(crate) fn write_private(&self, name: &str, text: &str) {
        let file = self.home().join(name);
        let _ = fs::remove_file(&file);
        fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&file)
            .and_then(|mut open| std::io::Write::write_all(&mut open, text.as_bytes()))
            .expect("writing a private file");
    }

    /// Trusts the well-known authorities of the Web and no other.
    pub(crate) fn trusting_the_web_only(self) -> Self {
        Self { authority: None, ..self }
    }

    /// Speaks as it would on its own port.
    pub(crate) fn at_port(self, port: u16) -> Self {
        let (scheme, _) = self.url.rsplit_once(':').expect("the URL has a port");
        Self { url: format!("{scheme}:{port}"), ..self }
    }

    /// Sends by this URL instead.
    pub(crate) fn by(self, url: String) -> Self {
        Self { url, ..self }
    }

    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    /// `envoi send --json`, the options that lead to the server, and these.
    pub(crate) fn send<A: Into<OsString>>(&self, arguments: impl IntoIterator<Item = A>) -> Run {
        finished(
            Command::new(env!("CARGO_BIN_EXE_envoi"))
                .args(["send", "--json", "--server", &self.url])
                .args(self.connection())
                .args(arguments.into_iter().map(Into::into))
                .env_clear()
                .envs(self.environment())
                .current_dir(self.home())
                .stdin(Stdio::null()),
            self.home(),
        )
    }

    fn connection(&self) -> Vec<OsString> {
        let mut arguments = Vec::new();
        if let Some(authority) = &self.authority {
            arguments.extend(["--tls-ca".into(), authority.into()]);
        }
        arguments.extend(self.login.iter().cloned());
        arguments
    }

    /// Nothing of the developer's own: no account, no proxy, no secret.
    fn environment(&self) -> Vec<(&'static str, OsString)> {
        let configuration = self.home().join("envoi.toml");
        fs::write(&configuration, "").expect("writing an empty configuration");
        vec![
            ("ENVOI_CONFIG", configuration.into()),
            ("HOME", self.home().into()),
            ("XDG_CONFIG_HOME", self.home().join("config").into()),
            ("XDG_STATE_HOME", self.home().join("state").into()),
            ("PATH", "/usr/bin:/bin".into()),
            ("LANG", "C.UTF-8".into()),
        ]
    }
}

/// Runs this to its end, its outputs in files of this directory.
pub(crate) fn finished(command: &mut Command, directory: &Path) -> Run {
    let output = |name| File::create(directory.join(name)).expect("making an output file");
    let child = command.stdout(output("stdout")).stderr(output("stderr")).spawn();
    let mut running = Running(child.unwrap_or_else(|error| panic!("{command:?}: {error}")));
    let read = |name| {
        let octets = fs::read(directory.join(name)).expect("reading an output file");
        String::from_utf8_lossy(&octets).into_owned()
    };
    let status = wait_until(
        || format!("{command:?} to end; it said:\n{}{}", read("stdout"), read("stderr")),
        || running.0.try_wait().expect("waiting for a program"),
    );
    Run {
        status: status.code().expect("no signal ends it"),
        stdout: read("stdout"),
        stderr: read("stderr"),
    }
}

/// A program that does not outlive the test that waits for it.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What one run of the program left behind.
pub(crate) struct Run {
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    #[track_caller]
    pub(crate) fn exits(self, status: i32) -> Self {
        assert_eq!(self.status, status, "exit status\n{self}");
        self
    }

    /// The JSON report on standard output.
    #[track_caller]
    pub(crate) fn report(&self) -> Value {
        let report: Value = serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("the report is not one JSON object: {error}\n{self}"));
        assert_eq!(report["version"], 1, "{self}");
        assert_eq!(report["exit"], self.status, "the report knows the status\n{self}");
        report
    }
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { status, stdout, stderr } = self;
        write!(f, "status {status}\n--- stdout\n{stdout}\n--- stderr\n{stderr}")
    }
}
