//! A message that waits until it is whole before it goes into a file with
//! others.

use super::partial::Partial;
use std::io::{self, Read, Seek as _, Write};
use std::path::PathBuf;

/// Lines that end in LF: small in memory, large in a file beside.
pub(in crate::sink) struct Lines {
    memory: Vec<u8>,
    file: Option<Partial>,
    /// What the file is called.
    beside: PathBuf,
    /// It is no lines: CR stays where it is.
    is_binary: bool,
}

impl Lines {
    pub(super) fn begin(beside: PathBuf, is_binary: bool) -> Self {
        Lines { memory: Vec::new(), file: None, beside, is_binary }
    }

    /// Has all of it read.
    pub(super) fn read<T>(
        mut self,
        by: impl FnOnce(&mut dyn Read) -> io::Result<T>,
    ) -> io::Result<T> {
        match &mut self.file {
            None => by(&mut &self.memory[..]),
            Some(partial) => {
                let file = partial.file()?;
                file.rewind()?;
                by(file)
            }
        }
    }

    fn put(&mut self, octets: &[u8]) -> io::Result<()> {
        match &mut self.file {
            Some(file) => file.write_all(octets),
            None if self.memory.len() + octets.len() <= IN_MEMORY => {
                self.memory.extend_from_slice(octets);
                Ok(())
            }
            None => {
                let mut file = Partial::begin(self.beside.clone())?;
                file.write_all(&std::mem::take(&mut self.memory))?;
                file.write_all(octets)?;
                self.file = Some(file);
                Ok(())
            }
        }
    }
}

impl Write for Lines {
    /// Takes the octets of a message, cut anywhere.
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        let mut rest = octets;
        while let Some(at) = memchr::memchr(b'\r', rest).filter(|_| !self.is_binary) {
            self.put(&rest[..at])?;
            rest = &rest[at + 1..];
        }
        self.put(rest)?;
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

const IN_MEMORY: usize = 128 * 1024;
