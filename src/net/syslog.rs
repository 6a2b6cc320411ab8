//! The system's log: datagrams to the socket where its daemon listens, which
//! on many systems is the journal (RFC 3164).

use std::fmt;
use std::io;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::time::Duration;

/// A way to the daemon that keeps the system's log.
#[derive(Debug)]
pub struct Syslog {
    socket: UnixDatagram,
    facility: Facility,
}

/// What kind of program a line is from (RFC 3164 §4.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Facility {
    /// 1, programs of users.
    User,
    /// 2, mail.
    Mail,
    /// 3, services.
    Daemon,
    /// 16 and those behind it, which mean what the administrator decides: 0 to
    /// 7.
    Local(u8),
}

/// How much a line matters (RFC 3164 §4.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// 3.
    Error,
    /// 6.
    Informational,
}

/// Whose a line is, and when.
#[derive(Clone, Copy, Debug)]
pub struct Stamp<'s> {
    /// `Nov  8 04:03:37`, in local time.
    pub moment: &'s str,
    /// The program, in letters, digits, and marks that end no tag.
    pub tag: &'s str,
}

impl Facility {
    /// Every facility with its name.
    pub const ALL: [(&'static str, Facility); 11] = [
        ("daemon", Facility::Daemon),
        ("local0", Facility::Local(0)),
        ("local1", Facility::Local(1)),
        ("local2", Facility::Local(2)),
        ("local3", Facility::Local(3)),
        ("local4", Facility::Local(4)),
        ("local5", Facility::Local(5)),
        ("local6", Facility::Local(6)),
        ("local7", Facility::Local(7)),
        ("mail", Facility::Mail),
        ("user", Facility::User),
    ];

    /// The facility of this name.
    pub fn named(name: &str) -> Option<Self> {
        Facility::ALL.iter().find(|(known, _)| *known == name).map(|(_, facility)| *facility)
    }

    fn code(self) -> u8 {
        match self {
            Facility::User => 1,
            Facility::Mail => 2,
            Facility::Daemon => 3,
            Facility::Local(number) => 16 + number,
        }
    }
}

impl fmt::Display for Facility {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = Facility::ALL.iter().find(|(_, known)| known == self);
        f.write_str(named.map_or("", |(name, _)| name))
    }
}

impl Severity {
    fn code(self) -> u8 {
        match self {
            Severity::Error => 3,
            Severity::Informational => 6,
        }
    }
}

impl Syslog {
    /// The most octets of a message: what every receiver should take (RFC 5424
    /// §6.1).
    pub const LONGEST: usize = 2048;

    /// Where the daemon listens (syslog(3)).
    pub const SOCKET: &'static str = "/dev/log";

    /// Turns to the daemon at this socket. A daemon that takes nothing more is
    /// given up on after `patience`.
    pub fn connect(socket: &Path, facility: Facility, patience: Duration) -> io::Result<Self> {
        let to = UnixDatagram::unbound()?;
        to.connect(socket)?;
        to.set_write_timeout(Some(patience))?;
        Ok(Syslog { socket: to, facility })
    }

    /// Sends a line.
    pub fn send(&self, severity: Severity, stamp: Stamp<'_>, line: &str) -> io::Result<()> {
        let priority = self.facility.code() * 8 + severity.code();
        let Stamp { moment, tag } = stamp;
        let message = format!("<{priority}>{moment} {tag}[{}]: {line}", std::process::id());
        self.socket.send(message.as_bytes()).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_datagram_in_the_form_that_daemons_read() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        let daemon = UnixDatagram::bind(&path).unwrap();
        for (facility, severity, priority) in [
            (Facility::Mail, Severity::Informational, 22),
            (Facility::User, Severity::Error, 11),
            (Facility::Local(7), Severity::Informational, 190),
        ] {
            let syslog = Syslog::connect(&path, facility, Duration::from_secs(10)).unwrap();
            let stamp = Stamp { moment: "Nov  8 04:03:37", tag: "envoi" };
            syslog.send(severity, stamp, "host=a").unwrap();
            let mut octets = [0; 100];
            let length = daemon.recv(&mut octets).unwrap();
            let id = std::process::id();
            let expected = format!("<{priority}>Nov  8 04:03:37 envoi[{id}]: host=a");
            assert_eq!(String::from_utf8_lossy(&octets[..length]), expected);
        }
    }

    #[test]
    fn a_daemon_that_takes_nothing_more_is_given_up_on() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        let _daemon = UnixDatagram::bind(&path).unwrap();
        let limit = Duration::from_millis(20);
        let syslog = Syslog::connect(&path, Facility::Mail, limit).unwrap();
        let stamp = Stamp { moment: "Nov  8 04:03:37", tag: "envoi" };
        let mut sent = std::iter::repeat_with(|| syslog.send(Severity::Error, stamp, "x"));
        let full = sent.by_ref().take(100_000).find_map(Result::err).unwrap();
        assert_eq!(full.kind(), io::ErrorKind::WouldBlock);
    }

    #[test]
    fn each_facility_has_one_name() {
        for (name, facility) in Facility::ALL {
            assert_eq!(
                (Facility::named(name), facility.to_string()),
                (Some(facility), name.to_owned())
            );
        }
        assert_eq!(Facility::named("local8"), None);
    }
}
