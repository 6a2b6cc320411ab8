//! Which configuration files there are, and what they say together.

use super::environment::Environment;
use super::error::Error;
use super::grammar::{Document, document};
use super::private_file;
use super::value::Source;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// The files to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    /// The one file that `--config` or `ENVOI_CONFIG` names, in place of the
    /// other two. It must exist.
    pub only: Option<PathBuf>,
    /// The file of the system, which need not exist.
    pub system: PathBuf,
    /// The file of the user, which lies over the system's and need not exist.
    /// `None` where nothing says where home is.
    pub user: Option<PathBuf>,
}

impl Files {
    /// The usual places; `only` is `--config`.
    pub fn of(only: Option<&Path>, environment: &Environment) -> Self {
        let config = environment.directory("XDG_CONFIG_HOME", ".config");
        Files {
            only: only
                .map(Path::to_owned)
                .or_else(|| environment.get("ENVOI_CONFIG").map(PathBuf::from)),
            system: PathBuf::from("/etc/envoi/config.toml"),
            user: config.map(|directory| directory.join("envoi/config.toml")),
        }
    }

    /// Reads what there is. Beside what the files say together: which were
    /// there, in the order in which one lies over the other.
    pub(super) fn read(
        &self,
        environment: &Environment,
    ) -> Result<(Document, Vec<PathBuf>), Error> {
        let home = environment.home();
        if let Some(only) = &self.only {
            return Ok((read(only, home.as_deref())?, vec![only.clone()]));
        }
        let mut together = Document::default();
        let mut found = Vec::new();
        for file in [Some(&self.system), self.user.as_ref()].into_iter().flatten() {
            match read(file, home.as_deref()) {
                Ok(document) => {
                    together = document.over(together);
                    if *file == self.system {
                        together.queue.of_system = Some(Box::new(together.queue.clone()));
                    }
                    found.push(file.clone());
                }
                Err(Error::Unreadable { source, .. }) if is_missing(&source) => {}
                Err(error) => return Err(error),
            }
        }
        Ok((together, found))
    }
}

impl Document {
    /// Lays `self` over `below`: an account takes the place of the one of the
    /// same name, of everything else each key.
    fn over(self, mut below: Document) -> Document {
        below.accounts.extend(self.accounts);
        below.default = self.default.or(below.default);
        below.rewrite = self.rewrite.over(below.rewrite);
        below.message = self.message.over(below.message);
        below.queue = self.queue.over(below.queue);
        below
    }
}

fn read(path: &Path, home: Option<&Path>) -> Result<Document, Error> {
    let unreadable = |source| Error::Unreadable { file: path.to_owned(), source };
    let file = File::open(path).map_err(unreadable)?;
    let text = text(&file, path, home)?;
    let document = document(Source { file: path, text: &text, home })?;
    if document.holds_secret
        && let Some(fault) = private_file::holding_configuration(&file).map_err(unreadable)?
    {
        return Err(Error::Exposed { file: path.to_owned(), fault });
    }
    Ok(document)
}

/// The text of a configuration file.
pub(super) fn text(
    file: &File,
    path: &Path,
    home: Option<&Path>,
) -> Result<Zeroizing<String>, Error> {
    let unreadable = |source| Error::Unreadable { file: path.to_owned(), source };
    let octets = octets(file).map_err(unreadable)?;
    if octets.len() as u64 > LONGEST {
        return Err(Error::TooLong { file: path.to_owned() });
    }
    match std::str::from_utf8(&octets) {
        Ok(text) => Ok(Zeroizing::new(text.to_owned())),
        Err(error) => {
            let text = String::from_utf8_lossy(&octets[..error.valid_up_to()]);
            let end = text.len()..text.len();
            let at = Source { file: path, text: &text, home }.location(&end);
            Err(Error::Syntax { at, reason: "this is not UTF-8 text".to_owned() })
        }
    }
}

/// The whole file, or one octet more than it may have. A password may stand in
/// it: what is read is cleared, and room is made beforehand, so that growing
/// leaves no copies behind.
pub(super) fn octets(file: &File) -> io::Result<Zeroizing<Vec<u8>>> {
    let length = file.metadata()?.len().min(LONGEST) + 1;
    let mut octets = Zeroizing::new(Vec::with_capacity(usize::try_from(length).unwrap_or(0)));
    file.take(LONGEST + 1).read_to_end(&mut octets)?;
    Ok(octets)
}

/// A file that is not there, as opposed to one that cannot be looked at.
pub(super) fn is_missing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// The most octets that a configuration may have.
pub(super) const LONGEST: u64 = 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::super::error::Location;
    use super::*;
    use std::fs::{Permissions, create_dir_all, set_permissions, write};
    use std::os::unix::fs::PermissionsExt;
    use tempfile::TempDir;

    /// A system file and a user file below one directory.
    fn files(system: Option<&str>, user: Option<&str>) -> (TempDir, Files) {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        for (name, text) in [("system", system), ("user", user)] {
            if let Some(text) = text {
                write(path(name), text).unwrap();
            }
        }
        let files = Files { only: None, system: path("system"), user: Some(path("user")) };
        (directory, files)
    }

    fn environment() -> Environment {
        Environment::from([("HOME", "/home/alice")])
    }

    #[test]
    fn the_files_stand_where_xdg_says() {
        let named = Environment::from([("XDG_CONFIG_HOME", "/x"), ("ENVOI_CONFIG", "e.toml")]);
        let files = Files::of(None, &named);
        assert_eq!(files.user, Some("/x/envoi/config.toml".into()));
        assert_eq!(files.only, Some("e.toml".into()));
        assert_eq!(Files::of(Some(Path::new("c.toml")), &named).only, Some("c.toml".into()));
        let user = Files::of(None, &environment()).user;
        assert_eq!(user, Some("/home/alice/.config/envoi/config.toml".into()));
    }

    #[test]
    fn missing_files_say_nothing_but_a_named_one_must_exist() {
        let (directory, mut files) = files(None, None);
        let (document, found) = files.read(&environment()).unwrap();
        assert!(document.accounts.is_empty() && found.is_empty());
        files.only = Some(directory.path().join("nowhere"));
        let error = files.read(&environment()).unwrap_err();
        assert!(matches!(error, Error::Unreadable { .. }), "{error}");
    }

    #[test]
    fn a_file_that_is_there_and_cannot_be_read_is_an_error() {
        let (directory, files) = files(None, Some(""));
        create_dir_all(directory.path().join("system")).unwrap();
        let error = files.read(&environment()).unwrap_err();
        assert!(matches!(error, Error::Unreadable { .. }), "{error}");
    }

    #[test]
    fn the_user_s_file_lies_over_the_system_s_key_by_key() {
        let (_directory, files) = files(
            Some(
                "default = 'a'\n[message]\nmax-recipients = 7\n\
                 [accounts.a]\nserver = 'smtps://old'\nuser = 'old'\n\
                 [accounts.b]\nserver = 'smtps://b'\n",
            ),
            Some("default = 'b'\n[accounts.a]\nserver = 'smtps://new'\n"),
        );
        let (document, found) = files.read(&environment()).unwrap();
        assert_eq!(document.default.unwrap().0, "b");
        assert_eq!(document.message.max_recipients, Some(7));
        let names: Vec<_> = document.accounts.keys().collect();
        assert_eq!(names, ["a", "b"]);
        // The user's account replaces the system's: no user is left over.
        assert_eq!(document.accounts["a"].settings.user, None);
        assert_eq!(found.len(), 2);
    }

    #[test]
    fn a_password_in_a_file_that_others_may_read_is_refused() {
        // SEC-9
        for text in [
            "[accounts.a]\npassword = { value = 'hunter2' }\n",
            "[accounts.a]\nserver = 'smtps://alice:hunter2@h'\n",
        ] {
            let (directory, files) = files(None, Some(text));
            let path = directory.path().join("user");
            let link = directory.path().join("link");
            std::os::unix::fs::symlink(&path, &link).unwrap();
            let linked = Files { user: Some(link), ..files.clone() };
            set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
            assert!(files.read(&environment()).is_ok());
            for mode in [0o644, 0o640, 0o602] {
                set_permissions(&path, Permissions::from_mode(mode)).unwrap();
                for files in [&files, &linked] {
                    let error = files.read(&environment()).unwrap_err();
                    assert!(matches!(error, Error::Exposed { .. }), "{mode:o}");
                    assert!(!format!("{error} {error:?}").contains("hunter2"));
                }
            }
        }
    }

    #[test]
    fn a_file_without_a_password_may_be_readable_to_all() {
        // SEC-9
        let text = "[accounts.a]\nserver = 'smtps://h'\npassword = { env = 'P' }\n";
        let (directory, files) = files(Some(text), None);
        set_permissions(directory.path().join("system"), Permissions::from_mode(0o644)).unwrap();
        assert!(files.read(&environment()).is_ok());
    }

    #[test]
    fn octets_that_are_not_utf_8_are_found_by_line_and_column() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("c");
        write(&file, b"# \xc3\xa9\n# \xff\n").unwrap();
        let files =
            Files { only: Some(file.clone()), system: PathBuf::from("/nowhere"), user: None };
        let error = files.read(&environment()).unwrap_err();
        let Error::Syntax { at, .. } = error else { panic!("{error}") };
        assert_eq!(at, Location { file, line: 2, column: 3 });
    }
}
