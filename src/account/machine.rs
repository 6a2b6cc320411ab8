//! What this machine says about itself and its users, as far as mail wants to
//! know.

use super::Environment;
use crate::smtp::Domain;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Where the machine keeps what it says.
#[derive(Clone, Debug)]
pub struct Machine {
    /// The name that mail from here bears (Debian policy §11.6).
    pub mail_name: PathBuf,
    /// What the kernel calls it.
    pub node: String,
    /// Its users (passwd(5)).
    pub users: PathBuf,
    /// Its aliases (aliases(5)).
    pub aliases: PathBuf,
}

/// A user of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The name at the login.
    pub name: String,
    /// The full name, if there is one.
    pub full_name: Option<String>,
}

/// Somebody who can log in here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// The name at the login.
    pub name: String,
    /// The home directory.
    pub home: String,
    /// The number of the user, and of the group.
    pub numbers: (u32, u32),
}

impl Machine {
    /// This one.
    pub fn this() -> Self {
        Machine {
            mail_name: PathBuf::from("/etc/mailname"),
            node: rustix::system::uname().nodename().to_string_lossy().into_owned(),
            users: PathBuf::from("/etc/passwd"),
            aliases: PathBuf::from("/etc/aliases"),
        }
    }

    /// The domain of its users, where one of its names is a full one.
    pub(super) fn domain(&self) -> Option<Domain> {
        [self.mail_name(), Some(self.node.clone())]
            .into_iter()
            .flatten()
            .filter(|name| name.contains('.') && !name.starts_with("localhost"))
            .find_map(|name| name.parse().ok())
    }

    /// Its own names.
    pub(super) fn hosts(&self) -> Vec<Domain> {
        let short = self.node.split('.').next().unwrap_or_default();
        let mail_name = self.mail_name().filter(|name| name.split('.').next() == Some(short));
        let names = [Some(self.node.as_str()), Some(short), mail_name.as_deref()];
        let names = names.into_iter().flatten().chain(["localhost", "localhost.localdomain"]);
        names.filter_map(|name| name.parse().ok()).collect()
    }

    fn mail_name(&self) -> Option<String> {
        let text = String::from_utf8(small_file(&self.mail_name).ok()?).ok()?;
        text.lines().next().map(|line| line.trim().to_owned()).filter(|name| !name.is_empty())
    }

    /// Who logs in by this name.
    pub fn login(&self, name: &str) -> Option<Login> {
        let users = small_file(&self.users).unwrap_or_default();
        let users = String::from_utf8_lossy(&users);
        users.lines().find_map(|line| login(line, name))
    }

    /// The user with this number, else the one that the environment names.
    pub fn user(&self, number: u32, environment: &Environment) -> Option<User> {
        let users = small_file(&self.users).unwrap_or_default();
        let users = String::from_utf8_lossy(&users);
        let named = || {
            let name = ["LOGNAME", "USER"].into_iter().find_map(|name| environment.get(name))?;
            Some(User { name: name.into_string().ok()?, full_name: None })
        };
        let number = number.to_string();
        users.lines().find_map(|line| user(line, &number)).or_else(named)
    }
}

/// A line of passwd(5), if it is about the user of this name.
fn login(line: &str, name: &str) -> Option<Login> {
    let fields: Vec<&str> = line.split(':').collect();
    let [login, _, user, group, _, home, ..] = fields[..] else { return None };
    // In the path of a Maildir, no name leads elsewhere.
    if login != name || name.is_empty() || name.starts_with('.') || name.contains('/') {
        return None;
    }
    let numbers = (user.parse().ok()?, group.parse().ok()?);
    Some(Login { name: name.to_owned(), home: home.to_owned(), numbers })
}

/// A line of passwd(5), if it is about the user with this number. `&` in the
/// full name is the name at the login with a capital.
fn user(line: &str, number: &str) -> Option<User> {
    let fields: Vec<&str> = line.split(':').collect();
    let (Some(&name), Some(&uid), Some(&gecos)) = (fields.first(), fields.get(2), fields.get(4))
    else {
        return None;
    };
    if uid != number || name.is_empty() {
        return None;
    }
    let mut letters = name.chars();
    let capital: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
    let full = gecos.split(',').next().unwrap_or_default().trim();
    let full = full.replace('&', &(capital + letters.as_str()));
    let full_name = Some(full).filter(|full| !full.is_empty() && !full.contains(char::is_control));
    Some(User { name: name.to_owned(), full_name })
}

/// The octets of a regular file, or of `/dev/null`, of at most 1 MiB.
pub fn small_file(path: &Path) -> io::Result<Vec<u8>> {
    // A pipe is not opened at all, for that would wait for its writer.
    if !fs::metadata(path)?.is_file() && path != Path::new("/dev/null") {
        return Err(io::Error::other("it is not a regular file"));
    }
    let mut octets = Vec::new();
    File::open(path)?.take(LONGEST + 1).read_to_end(&mut octets)?;
    if octets.len() as u64 > LONGEST {
        return Err(io::Error::other("it is longer than 1 MiB"));
    }
    Ok(octets)
}

const LONGEST: u64 = 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(node: &str, mail_name: Option<&str>) -> (tempfile::TempDir, Machine) {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        if let Some(name) = mail_name {
            fs::write(path("mailname"), name).unwrap();
        }
        fs::write(
            path("passwd"),
            "root:x:0:0:root:/root:/bin/sh\nwww-data:x:33:33::/var/www:/bin/false\n\
             bad:x\nalice:x:1000:1000:& Example,Room 1,,:/home/alice:/bin/sh\n",
        )
        .unwrap();
        let machine = Machine {
            mail_name: path("mailname"),
            node: node.to_owned(),
            users: path("passwd"),
            aliases: path("aliases"),
        };
        (directory, machine)
    }

    #[test]
    fn a_domain_is_a_name_with_a_dot() {
        for (node, mail_name, domain) in [
            ("box", None, None),
            ("box.example.org", None, Some("box.example.org")),
            ("box.example.org", Some("mail.example.org\n"), Some("mail.example.org")),
            ("box", Some("mail.example.org"), Some("mail.example.org")),
            ("box", Some("box"), None),
            ("localhost.localdomain", Some("\n"), None),
            ("bad_name.example.org", None, None),
        ] {
            let (_directory, machine) = machine(node, mail_name);
            let found = machine.domain().map(|domain| domain.to_string());
            assert_eq!(found.as_deref(), domain, "{node} {mail_name:?}");
        }
    }

    #[test]
    fn the_names_of_the_machine_do_not_include_that_of_its_organisation() {
        let hosts = |node, mail_name| {
            let (_directory, machine) = machine(node, Some(mail_name));
            machine.hosts().iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        let local = ["localhost", "localhost.localdomain"];
        assert_eq!(hosts("box", "example.org")[..2], ["box", "box"]);
        assert_eq!(hosts("box", "example.org")[2..], local);
        assert_eq!(hosts("box", "box.example.org")[2..], ["box.example.org", local[0], local[1]]);
    }

    #[test]
    fn a_user_is_known_by_number_and_else_by_the_environment() {
        let (_directory, machine) = machine("box", None);
        let environment = Environment::from([("LOGNAME", "carol")]);
        let user = |number| machine.user(number, &environment).unwrap();
        let named = |name: &str, full: Option<&str>| User {
            name: name.to_owned(),
            full_name: full.map(str::to_owned),
        };
        assert_eq!(user(0), named("root", Some("root")));
        assert_eq!(user(33), named("www-data", None));
        assert_eq!(user(1000), named("alice", Some("Alice Example")));
        assert_eq!(user(12_345), named("carol", None));
        assert_eq!(machine.user(12_345, &Environment::from([("A", "b")])), None);
    }

    #[test]
    fn who_logs_in_is_known_by_name() {
        let (_directory, machine) = machine("box", None);
        let alice = Login {
            name: "alice".to_owned(),
            home: "/home/alice".to_owned(),
            numbers: (1000, 1000),
        };
        assert_eq!(machine.login("alice"), Some(alice));
        for name in ["carol", "", "bad", "Alice"] {
            assert_eq!(machine.login(name), None, "{name}");
        }
    }

    #[test]
    fn a_pipe_or_a_directory_is_not_waited_for() {
        let (directory, _) = machine("box", None);
        assert!(small_file(directory.path()).is_err());
        assert_eq!(small_file(Path::new("/dev/null")).unwrap(), b"");
        assert!(small_file(Path::new("/dev/zero")).is_err());
    }
}
