//! Exit statuses: `sysexits.h`, and 1 for a message that some recipients got.

use std::process::ExitCode;

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Exit {
    /// Every recipient was accepted.
    Ok,
    /// Some recipients were accepted and some were not.
    Partial,
    /// A wrong command line.
    Usage,
    /// A malformed address or message.
    DataErr,
    /// A file is missing or unreadable.
    NoInput,
    /// The server does not know the recipient.
    NoUser,
    /// The host or domain does not exist.
    NoHost,
    /// The server refused, or lacks what the message needs.
    Unavailable,
    /// A defect in envoi.
    Software,
    /// The operating system refused something it should not.
    OsErr,
    /// A file of the system is missing or bad.
    OsFile,
    /// An output file cannot be made.
    CantCreat,
    /// Reading or writing failed on this machine.
    IoErr,
    /// Try again later.
    TempFail,
    /// The server does not keep to the protocol, or is not who it should be.
    Protocol,
    /// The server refuses us: sign-in or policy.
    NoPerm,
    /// The configuration is wrong.
    Config,
    /// Ended by this signal: 128 + n.
    Signal(u8),
    /// `envoi sink wait` saw no message that fits.
    NoMatch,
    /// A number that is none of these: what a plug-in of Nagios says by 0 to 3, or
    /// as the command ended that `envoi sink --run` ran.
    Other(u8),
}

impl Exit {
    /// Each status of the table in the manual, with its name in `sysexits.h`
    /// and what it means there.
    pub const ALL: [(Exit, &'static str, &'static str); 17] = [
        (Exit::Ok, "OK", "every recipient was accepted by the server, or waits in the queue"),
        (
            Exit::Partial,
            "",
            "some recipients were accepted or wait in the queue, others were not: the report names them",
        ),
        (Exit::Usage, "USAGE", "the command line is wrong, or names no recipients"),
        (Exit::DataErr, "DATAERR", "an address or the message is malformed"),
        (Exit::NoInput, "NOINPUT", "a message or attachment is missing or cannot be read"),
        (Exit::NoUser, "NOUSER", "the server does not know the recipient"),
        (Exit::NoHost, "NOHOST", "the host or domain does not exist or takes no mail"),
        (Exit::Unavailable, "UNAVAILABLE", "the server refused, or lacks what the message needs"),
        (Exit::Software, "SOFTWARE", "a defect in envoi"),
        (Exit::OsErr, "OSERR", "the operating system refused something it should not"),
        (Exit::OsFile, "OSFILE", "a file of the system is missing or bad"),
        (Exit::CantCreat, "CANTCREAT", "an output file cannot be made"),
        (Exit::IoErr, "IOERR", "reading or writing failed on this machine"),
        (Exit::TempFail, "TEMPFAIL", "not now: the same command may succeed later"),
        (Exit::Protocol, "PROTOCOL", "the server breaks the protocol, or is not who it should be"),
        (Exit::NoPerm, "NOPERM", "the server refuses us: sign-in, policy, relaying"),
        (Exit::Config, "CONFIG", "the configuration is wrong"),
    ];

    /// The name in `sysexits.h`.
    pub fn name(self) -> &'static str {
        Exit::ALL.iter().find(|(exit, ..)| *exit == self).map_or("", |(_, name, _)| name)
    }

    /// The number.
    pub fn status(self) -> u8 {
        match self {
            Exit::Ok => 0,
            Exit::Partial | Exit::NoMatch => 1,
            Exit::Usage => 64,
            Exit::DataErr => 65,
            Exit::NoInput => 66,
            Exit::NoUser => 67,
            Exit::NoHost => 68,
            Exit::Unavailable => 69,
            Exit::Software => 70,
            Exit::OsErr => 71,
            Exit::OsFile => 72,
            Exit::CantCreat => 73,
            Exit::IoErr => 74,
            Exit::TempFail => 75,
            Exit::Protocol => 76,
            Exit::NoPerm => 77,
            Exit::Config => 78,
            Exit::Signal(number) => 128 + number,
            Exit::Other(number) => number,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit.status())
    }
}
