//! The password of an account that is added: where it comes from, and where it
//! goes.

use super::servers::Way;
use super::{Adding, absolute};
use crate::account::{Environment, OAuth2, Replaced, SecretError, SecretSource, Whose, World};
use crate::cli::Surroundings;
use crate::cli::args::Store;
use crate::cli::exit::Exit;
use crate::cli::failure::{Failure, of_secret};
use crate::cli::hint::Hint;
use crate::cli::words::plain;
use crate::sasl::Secret;

/// A password, or none.
pub(super) enum Password {
    /// Nobody signs in.
    Unwanted,
    /// It stays where it is, and that is written down.
    There(SecretSource),
    /// Tokens stand in for one, and are kept where that says.
    Tokens(Box<OAuth2>),
    /// It is to be put somewhere.
    Given {
        secret: Secret,
        /// The user typed it just now.
        was_typed: bool,
    },
}

/// Where a password is from now on.
pub(super) struct Written {
    pub(super) source: Option<SecretSource>,
    pub(super) kept: Kept,
}

/// What was put away, and in place of what.
#[derive(Default)]
pub(super) struct Kept {
    place: Option<SecretSource>,
    /// For each server, in their order.
    replaced: Vec<Replaced>,
}

impl Kept {
    /// Everything is as it was before.
    pub(super) fn undo(
        &self,
        whose: &[Whose<'_>],
        adding: &Adding<'_>,
        surroundings: &mut Surroundings<'_>,
    ) {
        let Some(place) = &self.place else { return };
        let world = world(adding, surroundings.environment);
        let mut pairs = whose.iter().zip(&self.replaced);
        let undone = pairs.try_for_each(|(&whose, was)| place.put_back(whose, was, world));
        if let Err(error) = undone {
            let error = plain(&format!("{:#}", anyhow::Error::new(error)));
            surroundings.warn(&format!("{place} is not as it was before: {error}"));
        }
    }
}

impl Password {
    /// The one that options lead to, else the one that is typed.
    pub(super) fn of(
        adding: &Adding<'_>,
        way: &Way,
        user: Option<&Option<String>>,
        surroundings: &Surroundings<'_>,
    ) -> Result<Self, Failure> {
        let Some(user) = user.and_then(Option::as_deref) else { return Ok(Password::Unwanted) };
        let whose = Whose { user, host: way.hosts.first().map_or("", String::as_str) };
        match (&adding.typed.password, &adding.args.store) {
            (None, _) if !adding.questions.is_somebody_there() => Err(Failure::say(
                Exit::Usage,
                format!("nobody can be asked for the password of {user}"),
            )
            .hint("say where it is: --password-from env:NAME, file:PATH or command:WORDS")),
            (None | Some(SecretSource::Prompt), _) => {
                Password::asked(adding, way, Some(&Some(user.to_owned())))
            }
            (Some(SecretSource::Fd(_)), None) => {
                Err(Failure::say(Exit::Usage, "a file descriptor is open in this run only").hint(
                    "say where the password is kept from now on: --store keyring, or file:PATH",
                ))
            }
            (Some(source), None) => Ok(Password::There(source.clone())),
            (Some(source), Some(_)) => {
                let world = world(adding, surroundings.environment);
                let secret = source.read(whose, world).map_err(|error| unread(&error))?;
                Ok(Password::Given { secret, was_typed: false })
            }
        }
    }

    /// The one that the user types.
    pub(super) fn asked(
        adding: &Adding<'_>,
        way: &Way,
        user: Option<&Option<String>>,
    ) -> Result<Self, Failure> {
        let user = user.and_then(Option::as_deref).unwrap_or_default();
        let host = way.hosts.first().map_or("", String::as_str);
        let question = format!("{} of {user} at {host}:", way.what_is_asked());
        let secret = adding.questions.secret(&question)?;
        if secret.is_empty() {
            return Err(Failure::say(Exit::Usage, "no password was typed; nothing was written"));
        }
        Ok(Password::Given { secret, was_typed: true })
    }

    /// What is said of tokens, where they stand in for a password.
    pub(super) fn oauth2(&self) -> Option<OAuth2> {
        match self {
            Password::Tokens(oauth2) => Some((**oauth2).clone()),
            Password::Unwanted | Password::There(_) | Password::Given { .. } => None,
        }
    }

    pub(super) fn was_typed(&self) -> bool {
        matches!(self, Password::Given { was_typed: true, .. })
    }

    /// Where it is while it is tried.
    pub(super) fn for_now(&self) -> Option<SecretSource> {
        match self {
            Password::Unwanted | Password::Tokens(_) => None,
            Password::There(source) => Some(source.clone()),
            Password::Given { secret, .. } => Some(SecretSource::Value(secret.clone())),
        }
    }

    /// Puts it where it will be.
    pub(super) fn put_away(
        self,
        adding: &Adding<'_>,
        whose: &[Whose<'_>],
        surroundings: &mut Surroundings<'_>,
    ) -> Result<Written, Failure> {
        let as_it_is = |source| Ok(Written { source, kept: Kept::default() });
        let secret = match self {
            Password::Unwanted | Password::Tokens(_) => return as_it_is(None),
            Password::There(source) => return as_it_is(Some(source)),
            Password::Given { secret, .. } => secret,
        };
        let store = adding.args.store.clone();
        if adding.args.dry_run {
            return as_it_is(Some(match store {
                Some(Store::Source(place)) => placed(place)?,
                Some(Store::Config) => SecretSource::Value(secret),
                Some(Store::Nowhere) => SecretSource::Prompt,
                None => SecretSource::Keyring,
            }));
        }
        match store {
            Some(Store::Config) => as_it_is(Some(SecretSource::Value(secret))),
            Some(Store::Nowhere) => as_it_is(Some(SecretSource::Prompt)),
            Some(Store::Source(place)) => {
                let place = placed(place)?;
                keep(&place, whose, &secret, adding, surroundings).map_err(|error| unkept(&error))
            }
            None => {
                let kept = keep(&SecretSource::Keyring, whose, &secret, adding, surroundings);
                match kept {
                    Ok(written) => Ok(written),
                    Err(error) => elsewhere(&error, whose, secret, adding, surroundings),
                }
            }
        }
    }
}

/// Where there is no keyring, the user says where.
fn elsewhere(
    error: &SecretError,
    whose: &[Whose<'_>],
    secret: Secret,
    adding: &Adding<'_>,
    surroundings: &mut Surroundings<'_>,
) -> Result<Written, Failure> {
    if !adding.questions.is_somebody_there() {
        return Err(unkept(error));
    }
    surroundings.warn(&plain(&error.to_string()));
    let question = "Where is the password to be kept: in a file of its own (file:PATH), \
                    in the configuration (config), or nowhere, and you are asked each time (nowhere)?";
    loop {
        let answer = adding.questions.text(question, "--store")?;
        return match answer.parse() {
            Ok(Store::Config) => {
                Ok(Written { source: Some(SecretSource::Value(secret)), kept: Kept::default() })
            }
            Ok(Store::Nowhere) => {
                Ok(Written { source: Some(SecretSource::Prompt), kept: Kept::default() })
            }
            Ok(Store::Source(place)) => {
                match keep(&placed(place)?, whose, &secret, adding, surroundings) {
                    Ok(written) => Ok(written),
                    Err(error) => {
                        surroundings.warn(&plain(&format!("{:#}", anyhow::Error::new(error))));
                        continue;
                    }
                }
            }
            Err(why) => {
                surroundings.warn(why);
                continue;
            }
        };
    }
}

/// A source whose path means the same from everywhere.
pub(super) fn placed(source: SecretSource) -> Result<SecretSource, Failure> {
    Ok(match source {
        SecretSource::File(path) => SecretSource::File(absolute(&path)?),
        SecretSource::Netrc(Some(path)) => SecretSource::Netrc(Some(absolute(&path)?)),
        source => source,
    })
}

/// Puts a password away for each server, or for none.
fn keep(
    place: &SecretSource,
    whose: &[Whose<'_>],
    secret: &Secret,
    adding: &Adding<'_>,
    surroundings: &mut Surroundings<'_>,
) -> Result<Written, SecretError> {
    let mut kept = Kept { place: Some(place.clone()), replaced: Vec::new() };
    for &whose_one in whose {
        let world = world(adding, surroundings.environment);
        match place.replace(whose_one, secret, world) {
            Ok(replaced) => kept.replaced.push(replaced),
            Err(error) => {
                kept.undo(whose, adding, surroundings);
                return Err(error);
            }
        }
    }
    Ok(Written { source: Some(place.clone()), kept })
}

fn world<'w>(adding: &'w Adding<'_>, environment: &'w Environment) -> World<'w> {
    World {
        environment,
        ask: &|_| Err(std::io::Error::other("there is nothing to ask")),
        interrupt: adding.interrupt,
        timeout: adding.typed.timeout,
        deadline: adding.deadline,
    }
}

fn unread(error: &SecretError) -> Failure {
    let sentence = format!("the password cannot be had: {}", plain(&error.to_string()));
    let exit = if error.is_temporary() { Exit::TempFail } else { Exit::Config };
    let hints = of_secret(error).map(Hint::from).into_iter().collect();
    Failure { hints, ..Failure::say(exit, sentence) }
}

fn unkept(error: &SecretError) -> Failure {
    let sentence = format!("the password cannot be kept: {}", plain(&error.to_string()));
    let exit = if error.is_temporary() { Exit::TempFail } else { Exit::CantCreat };
    let mut hints: Vec<Hint> = of_secret(error).map(Hint::from).into_iter().collect();
    hints.push("keep it elsewhere: --store file:PATH, or --store config".into());
    Failure { hints, ..Failure::say(exit, sentence) }
}
