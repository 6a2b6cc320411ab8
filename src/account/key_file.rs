//! Files of private keys, which others must not read (checklist SEC-9).

use super::private_file::{self, Fault};
use std::fs::{File, metadata};
use std::io::{self, Read};
use std::path::Path;
use zeroize::Zeroizing;

/// Why a file gives no key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFileError {
    /// It is missing, forbidden, or fails while being read.
    #[error("it cannot be read: {0}")]
    Unreadable(io::Error),
    /// A directory, or something that could be waited for.
    #[error("it is not a regular file")]
    NotAFile,
    /// People could read or write it who should not.
    #[error("{0}")]
    Exposed(Fault),
}

/// Reads a file that holds a private key, if it is ours alone.
pub(super) fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, KeyFileError> {
    // A pipe is not opened at all, for that would wait for its writer.
    if !metadata(path).map_err(KeyFileError::Unreadable)?.is_file() {
        return Err(KeyFileError::NotAFile);
    }
    let file = File::open(path).map_err(KeyFileError::Unreadable)?;
    if let Some(fault) = private_file::holding_a_key(&file).map_err(KeyFileError::Unreadable)? {
        return Err(KeyFileError::Exposed(fault));
    }
    // The room is made beforehand, so that no copy stays behind in memory that
    // was given back while growing. What is longer is no key, and cut off.
    let mut octets = Zeroizing::new(Vec::with_capacity(LONGEST));
    file.take(LONGEST as u64).read_to_end(&mut octets).map_err(KeyFileError::Unreadable)?;
    Ok(octets)
}

/// Many times the length of a key of 4096 bits with a chain of certificates.
const LONGEST: usize = 64 * 1024;
