//! `--at` and `--in`: when a message is to be sent that is not to be sent now.

use super::clock;
use super::exit::Exit;
use super::failure::Failure;
use crate::account::Environment;
use jiff::civil::{Date, DateTime, Time};
use jiff::{SignedDuration, Timestamp, Zoned};
use std::time::Duration;

/// The moment that was typed, if one was.
pub(super) fn moment(
    at: Option<&str>,
    after: Option<Duration>,
    environment: &Environment,
) -> Result<Option<Timestamp>, Failure> {
    let now = clock::now(environment);
    if let Some(after) = after {
        let after = SignedDuration::try_from(after).ok();
        let moment = after.and_then(|after| now.timestamp().checked_add(after).ok());
        return moment.map(Some).ok_or_else(|| no_time("--in", "no calendar goes that far"));
    }
    let Some(text) = at else { return Ok(None) };
    let moment = read(text.trim(), &now).ok_or_else(|| {
        no_time("--at", &format!("‘{text}’ is no time"))
            .hint("a day and a time: --at '2026-12-24 18:00'; a time alone: --at 18:00")
    })?;
    if moment < now.timestamp() {
        return Err(no_time("--at", &format!("‘{text}’ has passed"))
            .hint("leave it out to send the message now"));
    }
    Ok(Some(moment))
}

fn no_time(option: &str, why: &str) -> Failure {
    Failure::say(Exit::Usage, format!("{option}: {why}"))
}

/// A moment with its zone, or a day, a time of day, or both, in ours. A time of
/// day alone is the next one.
fn read(text: &str, now: &Zoned) -> Option<Timestamp> {
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Some(moment);
    }
    let zoned = |moment: DateTime| moment.to_zoned(now.time_zone().clone()).ok();
    let has_day = text.contains('-');
    if !has_day {
        let time = text.parse::<Time>().ok().filter(|_| text.contains(':'))?;
        let today = zoned(now.date().to_datetime(time))?;
        let tomorrow = || zoned(now.date().tomorrow().ok()?.to_datetime(time));
        return Some(if today < *now { tomorrow()? } else { today }.timestamp());
    }
    let day = text.parse::<Date>().ok().filter(|_| !text.contains(':'));
    let moment = day.map(|day| day.at(0, 0, 0, 0)).or_else(|| text.parse().ok())?;
    Some(zoned(moment)?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_day_a_time_of_day_or_both() {
        let now: Zoned = "2026-11-28T18:00:00+01:00[Europe/Paris]".parse().unwrap();
        for (text, expected) in [
            ("2026-12-24", "2026-12-23T23:00:00Z"),
            ("2026-12-24 18:00", "2026-12-24T17:00:00Z"),
            ("2026-12-24T18:00:30", "2026-12-24T17:00:30Z"),
            ("2027-07-01 12:00", "2027-07-01T10:00:00Z"),
            ("19:30", "2026-11-28T18:30:00Z"),
            ("07:00", "2026-11-29T06:00:00Z"),
            ("2026-12-24T18:00Z", "2026-12-24T18:00:00Z"),
            ("2026-12-24T18:00+05:30", "2026-12-24T12:30:00Z"),
        ] {
            let moment = read(text, &now).map(|moment| moment.to_string());
            assert_eq!(moment.as_deref(), Some(expected), "{text}");
        }
        for wrong in ["", "soon", "25:00", "2026-13-01", "18", "12-24"] {
            assert_eq!(read(wrong, &now), None, "{wrong}");
        }
    }
}
