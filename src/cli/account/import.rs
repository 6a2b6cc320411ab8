//! `envoi account import`: what another program's configuration means here, and
//! the accounts that come of it.

mod json;
mod told;

use super::{installed, unwritten};
use crate::account::import::{Context, Format, Import};
use crate::account::{Edit, EditError, Environment, Error, Files, Machine};
use crate::cli::Surroundings;
use crate::cli::args::ImportArgs;
use crate::cli::escape::Escaped;
use crate::cli::exit::Exit;
use crate::cli::failure::{Failure, quoted};
use crate::cli::render;
use crate::net::Interrupt;
use json::ImportJson;
use std::fs;
use std::path::{Path, PathBuf};

pub(super) fn run(args: &ImportArgs, surroundings: &mut Surroundings<'_>) -> Result<Exit, Failure> {
    let (format, file) = source(args, surroundings.environment)?;
    let interrupt = installed()?;
    let mut import = read(args, format, &file, surroundings.environment, &interrupt)?;
    let target = target(surroundings);
    if args.write {
        write(&mut import, &target, args.replace, surroundings.environment, &interrupt)?;
    }
    let preview = import.preview()?;
    let written = args.write.then_some(target.as_path());
    let out = &mut *surroundings.out;
    let told = if surroundings.globals.json {
        render::line(&ImportJson::of(&import, &preview, written), out)
    } else if surroundings.globals.quiet {
        Ok(())
    } else {
        let config = surroundings.globals.config.as_deref();
        let typed = again(args, &file, config);
        told::people(&import, &preview, &target, args.write, &typed, out)
    };
    told.and_then(|()| surroundings.out.flush()).map_err(unwritten)?;
    if !surroundings.globals.json {
        told::warnings(&import, surroundings);
        told::others(args, &file, surroundings);
        if is_for_everybody(&file, &target) && !surroundings.globals.quiet {
            let words = again(args, &file, Some(&Files::of(None, surroundings.environment).system));
            let hint = format!("for every user of this machine: {words}");
            let _ = writeln!(surroundings.err, "hint: {}", Escaped(hint));
        }
    }
    Ok(Exit::Ok)
}

/// What is read: the file that is named, else the first of the usual ones.
fn source(args: &ImportArgs, environment: &Environment) -> Result<(Format, PathBuf), Failure> {
    let Some(file) = &args.file else {
        let mut places = Format::places(environment).into_iter();
        let wanted = |format| args.format.is_none_or(|wanted| wanted == format);
        let found = places.find(|(format, file)| wanted(*format) && file.exists());
        return found.ok_or_else(|| {
            Failure::say(
                Exit::NoInput,
                "no configuration of msmtp, ssmtp, dma or nullmailer is in its usual place",
            )
            .hint("name the file: envoi account import FILE")
        });
    };
    let unknown = || {
        let sentence =
            format!("the name of {} does not tell whose configuration it is", file.display());
        Format::ALL.iter().fold(Failure::say(Exit::Usage, sentence), |failure, (name, _)| {
            failure.hint(format!("envoi account import {} --format {name}", quoted(file)))
        })
    };
    match args.format.or_else(|| Format::of(file)) {
        Some(format) => Ok((format, file.clone())),
        // Of a file that is not there, the name tells nothing else.
        None => Err(match fs::metadata(file) {
            Err(source) => {
                let error = Error::Unreadable { file: file.clone(), source };
                Failure { exit: Exit::NoInput, ..Failure::from(error) }
            }
            Ok(_) => unknown(),
        }),
    }
}

fn read(
    args: &ImportArgs,
    format: Format,
    file: &Path,
    environment: &Environment,
    interrupt: &Interrupt,
) -> Result<Import, Failure> {
    let machine = Machine::this();
    let context = Context { environment, machine: &machine, interrupt };
    let mut import = Import::read(format, file, context).map_err(|error| match &error {
        Error::Unreadable { .. } => Failure { exit: Exit::NoInput, ..Failure::from(error) },
        _ => Failure::from(error),
    })?;
    if let Some(name) = &args.name {
        import.rename(name)?;
    }
    if import.accounts.is_empty() {
        let why = import.remarks.first().map(|remark| format!(": {remark}")).unwrap_or_default();
        let sentence = format!("{} names no server that envoi could use{why}", file.display());
        return Err(Failure::say(Exit::Config, sentence)
            .hint("name one by yourself: server = \"smtps://HOST\" in an account"));
    }
    Ok(import)
}

/// The configuration that is written to.
fn target(surroundings: &Surroundings<'_>) -> PathBuf {
    let config = surroundings.globals.config.as_deref();
    let files = Files::of(config, surroundings.environment);
    files.only.or(files.user).unwrap_or(files.system)
}

fn write(
    import: &mut Import,
    target: &Path,
    may_replace: bool,
    environment: &Environment,
    interrupt: &Interrupt,
) -> Result<(), Failure> {
    let mut edit = Edit::open(target, environment.home(), interrupt)?;
    import.put(&mut edit, may_replace).map_err(|error| match error {
        // Of several accounts none can be called otherwise.
        EditError::Exists { .. } if import.accounts.len() > 1 => Failure {
            hints: vec![
                "put them in its place: --replace; or write a file of their own: -C FILE".into(),
            ],
            ..Failure::from(error)
        },
        error => error.into(),
    })?;
    Ok(edit.save()?)
}

/// Whether what the machine had for every user would become one user's own.
fn is_for_everybody(file: &Path, target: &Path) -> bool {
    file.starts_with("/etc") && !target.starts_with("/etc")
}

/// The words that write what was shown.
fn again(args: &ImportArgs, file: &Path, config: Option<&Path>) -> String {
    let mut words = vec!["envoi account import".to_owned(), quoted(file)];
    words.extend(args.format.map(|format| format!("--format {}", format.name())));
    words.extend(args.name.as_ref().map(|name| format!("--name {}", shell_words::quote(name))));
    words.extend(config.map(|config| format!("-C {}", quoted(config))));
    words.push("--write".to_owned());
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_the_machine_is_no_users_own() {
        let is_told = |file: &str, target: &str| is_for_everybody(file.as_ref(), target.as_ref());
        assert!(is_told("/etc/ssmtp/ssmtp.conf", "/root/.config/envoi/config.toml"));
        assert!(!is_told("/etc/ssmtp/ssmtp.conf", "/etc/envoi/config.toml"));
        assert!(!is_told("/root/.msmtprc", "/root/.config/envoi/config.toml"));
    }
}
