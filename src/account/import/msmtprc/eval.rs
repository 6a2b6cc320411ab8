//! `eval`: a line that a shell computes whenever the file is read.

use super::super::Context;
use crate::account::error::Error;
use crate::account::secret::{SecretSource, computed};
use std::path::Path;
use zeroize::Zeroizing;

/// The first line that the command writes. Nobody is shown it: it may be a
/// password.
pub(super) fn line(
    file: &Path,
    number: usize,
    command: &str,
    context: Context<'_>,
) -> Result<Zeroizing<Vec<u8>>, Error> {
    computed(&by_shell(command), context.world()).map_err(|source| Error::Computed {
        file: file.to_owned(),
        line: number,
        source: Box::new(source),
    })
}

/// The words that have a shell run a command, as msmtp does.
fn by_shell(command: &str) -> Vec<String> {
    ["sh", "-c", command].map(str::to_owned).into()
}

/// A password that a shell command prints.
pub(super) fn printed(command: &str) -> SecretSource {
    SecretSource::Command(by_shell(command))
}

/// A password that stands in the line that a shell command computes: behind its
/// directive, in quotation marks or without. It is computed anew each time.
pub(super) fn in_line(command: &str) -> SecretSource {
    let script =
        "1{s/^[[:blank:]]*password[[:blank:]]*//;s/[[:blank:]]*$//;s/^\"\\(.*\\)\"$/\\1/;p;}";
    printed(&format!("{{ {command}\n}} | sed -n '{script}'"))
}
