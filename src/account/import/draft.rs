//! What is said so far, while files are being read; and what their formats
//! have in common.

use super::text::{Text, wrong};
use super::{Format, Import, Imported, Line, Meaning};
use crate::account::error::Error;
use crate::account::rewriting::RewriteSettings;
use crate::account::server::{Server, host as parsed_host};
use crate::account::settings::Settings;
use crate::net::{Endpoint, Host, Place, Security};
use crate::smtp::Protocol;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

impl Import {
    /// Nothing yet.
    pub(super) fn of(format: Format) -> Self {
        Import {
            format,
            files: Vec::new(),
            accounts: Vec::new(),
            default: None,
            rewrite: RewriteSettings::default(),
            lines: Vec::new(),
            remarks: Vec::new(),
        }
    }

    /// Says what was made of a line. The text is shown: a secret in it must be
    /// masked already.
    pub(super) fn tell(
        &mut self,
        file: &Path,
        line: usize,
        text: impl Into<String>,
        meaning: Meaning,
    ) {
        self.lines.push(Line {
            file: file.to_owned(),
            line,
            text: text.into(),
            account: None,
            meaning,
            warning: None,
        });
    }

    /// What to know about the line that was told last.
    pub(super) fn warn(&mut self, warning: impl Into<String>) {
        if let Some(line) = self.lines.last_mut() {
            line.warning = Some(warning.into());
        }
    }

    /// Adds the one account that there is, named after the program; all lines
    /// are about it. One without a server is none.
    pub(super) fn finish(mut self, settings: Settings, file: &Path, line: usize) -> Self {
        let name = self.format.name().to_owned();
        if settings.servers.is_none() {
            return self;
        }
        for line in &mut self.lines {
            line.account = Some(name.clone());
        }
        self.default = Some(name.clone());
        self.accounts.push(Imported {
            name,
            settings,
            file: file.to_owned(),
            line,
            lines: BTreeMap::new(),
        });
        self
    }
}

impl Meaning {
    /// It cannot be had, and there is something to do instead.
    pub(super) fn lost(reason: impl Into<String>, instead: impl Into<String>) -> Self {
        Meaning::Lost { reason: reason.into(), instead: Some(instead.into()), protects: false }
    }

    /// It cannot be had.
    pub(super) fn gone(reason: impl Into<String>) -> Self {
        Meaning::Lost { reason: reason.into(), instead: None, protects: false }
    }

    /// If it cannot be had, messages are protected less.
    pub(super) fn protecting(mut self) -> Self {
        if let Meaning::Lost { protects, .. } = &mut self {
            *protects = true;
        }
        self
    }

    /// It takes nothing.
    pub(super) fn already(why: impl Into<String>) -> Self {
        Meaning::Already(why.into())
    }
}

/// A file that belongs to another and need not be there.
pub(super) fn beside(file: &Path, name: &str) -> Result<Option<Text>, Error> {
    optional(&file.parent().unwrap_or(Path::new("")).join(name))
}

/// A file that need not be there.
pub(super) fn optional(file: &Path) -> Result<Option<Text>, Error> {
    if file.exists() { Text::of(file).map(Some) } else { Ok(None) }
}

/// A host as configurations have it, an IPv6 address with brackets or without.
pub(super) fn host(text: &str) -> Option<Host> {
    match text.parse() {
        Ok(address) => Some(Host::Address(address)),
        Err(_) => parsed_host(text).ok(),
    }
}

/// A port, which is not 0.
pub(super) fn port(text: &str) -> Option<u16> {
    let digits = text.bytes().all(|octet| octet.is_ascii_digit());
    text.parse().ok().filter(|&port| digits && port > 0)
}

/// A server on the network, with nobody named.
pub(super) fn smtp(host: Host, port: u16, security: Security) -> Server {
    let endpoint =
        Endpoint { place: Place::Tcp { host, port }, protocol: Protocol::Smtp, security };
    Server { endpoint, user: None, password: None }
}

/// `HOST` or `HOST:PORT`; an error says which of the two is no good.
pub(super) fn place(file: &Path, line: usize, text: &str) -> Result<(Host, Option<u16>), Error> {
    if let Some(host) = host(text) {
        return Ok((host, None));
    }
    let bad_host = || wrong(file, line, format!("‘{text}’ is no host"));
    let (name, number) = text.rsplit_once(':').ok_or_else(bad_host)?;
    let host = host(name).ok_or_else(bad_host)?;
    let number = port(number)
        .ok_or_else(|| wrong(file, line, format!("‘{number}’ is no port from 1 to 65535")))?;
    Ok((host, Some(number)))
}

/// A path as it is found from here.
pub(super) fn absolute(path: impl Into<PathBuf>) -> PathBuf {
    let path = path.into();
    std::path::absolute(&path).unwrap_or(path)
}
