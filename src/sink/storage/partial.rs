//! A file under another name, until what it is to hold is whole.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Dropping it leaves nothing behind.
pub(in crate::sink) struct Partial {
    path: PathBuf,
    file: File,
    /// What is not in the file yet.
    rest: Vec<u8>,
}

impl Partial {
    /// Makes the file, which nobody but its owner may read.
    pub(super) fn begin(path: PathBuf) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create_new(true).mode(0o600).open(&path)?;
        Ok(Partial { path, file, rest: Vec::new() })
    }

    /// It is whole, and gets its name.
    pub(super) fn rename(mut self, to: &Path) -> io::Result<()> {
        self.flush()?;
        fs::rename(&self.path, to)
    }

    /// It is whole, and can be read.
    pub(super) fn file(&mut self) -> io::Result<&mut File> {
        self.flush()?;
        Ok(&mut self.file)
    }
}

impl Write for Partial {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.rest.extend_from_slice(octets);
        if self.rest.len() >= BLOCK {
            self.flush()?;
        }
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.write_all(&self.rest)?;
        self.rest.clear();
        Ok(())
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        // One that was renamed is there no more.
        let _ = fs::remove_file(&self.path);
    }
}

const BLOCK: usize = 128 * 1024;
