//! The programs whose configurations can be read, and where these stand.

use crate::account::Environment;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// A program, by whose rules a file is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// msmtp's msmtprc.
    Msmtp,
    /// ssmtp's ssmtp.conf.
    Ssmtp,
    /// dma's dma.conf.
    Dma,
    /// nullmailer's remotes.
    Nullmailer,
}

impl Format {
    /// Every format with its name.
    pub const ALL: [(&'static str, Format); 4] = [
        ("msmtp", Format::Msmtp),
        ("ssmtp", Format::Ssmtp),
        ("dma", Format::Dma),
        ("nullmailer", Format::Nullmailer),
    ];

    /// The name of its program.
    pub fn name(self) -> &'static str {
        match self {
            Format::Msmtp => "msmtp",
            Format::Ssmtp => "ssmtp",
            Format::Dma => "dma",
            Format::Nullmailer => "nullmailer",
        }
    }

    /// The format of a file with this name, if the name tells.
    pub fn of(file: &Path) -> Option<Self> {
        let name = file.file_name()?.to_str()?;
        let directory = file.parent().and_then(Path::file_name);
        match name {
            "msmtprc" | ".msmtprc" => Some(Format::Msmtp),
            "config" if directory == Some(OsStr::new("msmtp")) => Some(Format::Msmtp),
            "ssmtp.conf" => Some(Format::Ssmtp),
            "dma.conf" => Some(Format::Dma),
            "remotes" => Some(Format::Nullmailer),
            _ => Path::new(name)
                .extension()
                .is_some_and(|extension| extension == "msmtprc")
                .then_some(Format::Msmtp),
        }
    }

    /// Where such files usually stand, in the order in which one is looked for:
    /// what is the user's own comes first.
    pub fn places(environment: &Environment) -> Vec<(Format, PathBuf)> {
        let own = msmtp_of_user(environment).into_iter().map(|file| (Format::Msmtp, file));
        let system = [
            (Format::Msmtp, MSMTP_OF_SYSTEM),
            (Format::Ssmtp, "/etc/ssmtp/ssmtp.conf"),
            (Format::Dma, "/etc/dma/dma.conf"),
            (Format::Nullmailer, "/etc/nullmailer/remotes"),
        ];
        own.chain(system.map(|(format, file)| (format, PathBuf::from(file)))).collect()
    }
}

/// The file of the system, over which that of the user lies.
pub(super) const MSMTP_OF_SYSTEM: &str = "/etc/msmtprc";

/// The places of the user's file, of which the first that is there counts.
pub(super) fn msmtp_of_user(environment: &Environment) -> Vec<PathBuf> {
    let home = environment.home().map(|home| home.join(".msmtprc"));
    let config = environment.directory("XDG_CONFIG_HOME", ".config");
    home.into_iter().chain(config.map(|config| config.join("msmtp/config"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_whose_file_it_is() {
        for (file, format) in [
            ("/home/a/.msmtprc", Some(Format::Msmtp)),
            ("/etc/msmtprc", Some(Format::Msmtp)),
            ("/home/a/.config/msmtp/config", Some(Format::Msmtp)),
            ("old.msmtprc", Some(Format::Msmtp)),
            ("/home/a/.config/other/config", None),
            ("ssmtp.conf", Some(Format::Ssmtp)),
            ("/etc/dma/dma.conf", Some(Format::Dma)),
            ("/etc/nullmailer/remotes", Some(Format::Nullmailer)),
            ("/etc/mail.rc", None),
            ("/", None),
        ] {
            assert_eq!(Format::of(Path::new(file)), format, "{file}");
        }
    }

    #[test]
    fn every_format_is_known_by_its_name() {
        for (name, format) in Format::ALL {
            assert_eq!(format.name(), name);
        }
    }
}
