//! `envoi completions`: the scripts that are checked in, which a test keeps
//! equal to the definition of the command line.

use super::args::Shell;
use super::exit::Exit;
use super::failure::Failure;
use std::io::Write;

pub(super) fn run(shell: Shell, out: &mut dyn Write) -> Result<Exit, Failure> {
    let script = match shell {
        Shell::Bash => include_str!("../../completions/envoi.bash"),
        Shell::Elvish => include_str!("../../completions/envoi.elv"),
        Shell::Fish => include_str!("../../completions/envoi.fish"),
        Shell::PowerShell => include_str!("../../completions/_envoi.ps1"),
        Shell::Zsh => include_str!("../../completions/_envoi"),
    };
    out.write_all(script.as_bytes()).map_err(|error| {
        Failure::caused(Exit::IoErr, "cannot write to the standard output", error)
    })?;
    Ok(Exit::Ok)
}
