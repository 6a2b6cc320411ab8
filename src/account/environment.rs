//! The variables of the process, as a value that tests can make up.
#![expect(clippy::disallowed_methods, reason = "the one room that reads the environment")]

use super::error::Error;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::PathBuf;
use zeroize::Zeroizing;

/// Where variables are looked up. A variable that is set to nothing counts as
/// one that is not set (XDG Base Directory Specification; shells make the two
/// hard to tell apart).
#[derive(Clone)]
pub struct Environment(Variables);

#[derive(Clone)]
enum Variables {
    Process,
    Given(BTreeMap<OsString, OsString>),
}

impl Environment {
    /// The variables this process was started with. They are looked up when
    /// asked for: no copy of a password is kept.
    pub fn of_process() -> Self {
        Environment(Variables::Process)
    }

    /// The value of a variable, if there is one.
    pub fn get(&self, name: &str) -> Option<OsString> {
        let value = match &self.0 {
            Variables::Process => std::env::var_os(name),
            Variables::Given(variables) => variables.get(OsStr::new(name)).cloned(),
        };
        value.filter(|value| !value.is_empty())
    }

    /// True where the variable has a value.
    pub fn has(&self, name: &str) -> bool {
        self.secret(name).is_some()
    }

    /// The value of a variable that may be a password.
    pub(super) fn secret(&self, name: &str) -> Option<Zeroizing<Vec<u8>>> {
        self.get(name).map(|value| Zeroizing::new(value.into_encoded_bytes()))
    }

    /// The value as text; an error if it is not UTF-8.
    pub fn text(&self, name: &'static str) -> Result<Option<String>, Error> {
        let utf8 = |value: OsString| {
            value.into_string().map_err(|_| Error::Variable {
                variable: name,
                reason: "its value is not UTF-8 text".to_owned(),
            })
        };
        self.get(name).map(utf8).transpose()
    }

    /// A directory: the value of `name` if it is an absolute path, else
    /// `fallback` below `$HOME` (XDG Base Directory Specification). `None`
    /// without both.
    pub fn directory(&self, name: &str, fallback: &str) -> Option<PathBuf> {
        let named = self.get(name).map(PathBuf::from).filter(|path| path.is_absolute());
        named.or_else(|| self.home().map(|home| home.join(fallback)))
    }

    /// `$HOME`.
    pub fn home(&self) -> Option<PathBuf> {
        self.get("HOME").map(PathBuf::from)
    }

    /// What a child process is given: everything but our own password, which may
    /// stand in the URL of the server, too.
    pub fn for_children(&self) -> Vec<(OsString, OsString)> {
        let ours = |name: &OsStr, value: &OsStr| {
            name.as_encoded_bytes().starts_with(PASSWORD_VARIABLES.as_bytes())
                || (name == SERVER_VARIABLE && value.as_encoded_bytes().contains(&b'@'))
        };
        let mut variables: Vec<_> = match &self.0 {
            Variables::Process => std::env::vars_os().collect(),
            Variables::Given(variables) => variables.clone().into_iter().collect(),
        };
        for (_, value) in variables.extract_if(.., |(name, value)| ours(name, value)) {
            drop(Zeroizing::new(value.into_encoded_bytes()));
        }
        variables
    }
}

impl<K: Into<OsString>, V: Into<OsString>> FromIterator<(K, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(variables: I) -> Self {
        let variables = variables.into_iter().map(|(name, value)| (name.into(), value.into()));
        Environment(Variables::Given(variables.collect()))
    }
}

impl<K: Into<OsString>, V: Into<OsString>, const N: usize> From<[(K, V); N]> for Environment {
    fn from(variables: [(K, V); N]) -> Self {
        variables.into_iter().collect()
    }
}

impl fmt::Debug for Environment {
    /// Without the variables: one of them may be a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Environment")
    }
}

/// `ENVOI_PASSWORD` and all that begins so.
const PASSWORD_VARIABLES: &str = "ENVOI_PASSWORD";
const SERVER_VARIABLE: &str = "ENVOI_SERVER";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_set_to_nothing_is_not_set() {
        let environment = Environment::from([("A", ""), ("B", "b")]);
        assert_eq!(environment.get("A"), None);
        assert_eq!(environment.get("B"), Some("b".into()));
        assert_eq!(environment.get("C"), None);
    }

    #[test]
    fn a_relative_xdg_directory_is_ignored() {
        let environment = |xdg: &str| Environment::from([("X", xdg), ("HOME", "/home/a")]);
        let found = |xdg: &str| environment(xdg).directory("X", ".config");
        assert_eq!(found("/x"), Some("/x".into()));
        assert_eq!(found("x"), Some("/home/a/.config".into()));
        assert_eq!(Environment::from([("X", "x")]).directory("X", ".config"), None);
    }

    #[test]
    fn a_child_inherits_everything_but_our_password() {
        // SEC-7, SEC-14
        let environment = Environment::from([
            ("ENVOI_PASSWORD", "1"),
            ("ENVOI_PASSWORD_FILE", "2"),
            ("ENVOI_USER", "3"),
        ]);
        assert_eq!(environment.for_children(), [("ENVOI_USER".into(), "3".into())]);
        for (url, given) in [("smtps://a:p@b.example", 0), ("smtps://b.example", 1)] {
            let environment = Environment::from([("ENVOI_SERVER", url)]);
            assert_eq!(environment.for_children().len(), given, "{url}");
        }
        assert_eq!(format!("{environment:?}"), "Environment");
    }
}
