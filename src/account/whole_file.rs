//! Files that appear whole or not at all.

use crate::message::random_word;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Writes a file with this mode in the place of the one that may be there. Its
/// directories are made, closed to others. When this returns, the file is on
/// the disk.
pub(super) fn write(path: &Path, octets: &[u8], mode: u32) -> io::Result<()> {
    write_as(path, octets, |file| file.set_permissions(fs::Permissions::from_mode(mode)))
}

/// The same, with what else is to be done to the file before anybody sees it.
pub(super) fn write_as(
    path: &Path,
    octets: &[u8],
    finish: impl FnOnce(&File) -> io::Result<()>,
) -> io::Result<()> {
    refuse_other_kinds(path)?;
    let directory = directory(path);
    DirBuilder::new().recursive(true).mode(0o700).create(&directory)?;
    let word = random_word(8).map_err(io::Error::other)?;
    let beside = directory.join(format!(".envoi-{word}"));
    let written = (|| {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
        finish(&file)?;
        file.write_all(octets)?;
        file.sync_all()?;
        fs::rename(&beside, path)
    })();
    if written.is_err() {
        // What stood in the way is what is told.
        let _ = fs::remove_file(&beside);
    }
    written?;
    File::open(directory)?.sync_all()
}

/// Removes a file. That there is none is no error.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    refuse_other_kinds(path)?;
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// The superuser could replace or remove even a device.
pub(super) fn refuse_other_kinds(path: &Path) -> io::Result<()> {
    if fs::metadata(path).is_ok_and(|facts| !facts.is_file()) {
        return Err(io::Error::other("it is not a regular file"));
    }
    Ok(())
}

/// Where a file is; of a bare name it is here.
pub(super) fn directory(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_and_nothing_is_left_beside_it() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("a/b/secret");
        for text in ["one", "another"] {
            write(&file, text.as_bytes(), 0o600).unwrap();
            assert_eq!(fs::read_to_string(&file).unwrap(), text);
            assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
            assert_eq!(fs::read_dir(file.parent().unwrap()).unwrap().count(), 1);
        }
        let taken = directory.path().join("a");
        write(&taken, b"no", 0o600).unwrap_err();
        assert!(taken.is_dir());
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_is_no_file_is_not_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join("socket");
        let _socket = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        let error = write(&socket, b"x", 0o600).unwrap_err();
        assert_eq!(error.to_string(), "it is not a regular file");
        remove(&socket).unwrap_err();
        remove(&directory.path().join("none")).unwrap();
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }
}
