//! The time of day in the user's own zone.
//!
//! jiff could find the zone by itself, but would list the whole zone database
//! to do so, which takes longer than sending a small message.

use crate::account::Environment;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use std::path::{Component, Path};

/// Now, with the offset of the zone that `$TZ` or `/etc/localtime` says
/// (tzset(3)).
pub(super) fn now(environment: &Environment) -> Zoned {
    Timestamp::now().to_zoned(zone(environment))
}

/// A moment of Unix time, in that zone; `None` if no calendar has it.
pub(super) fn at(seconds: i64, environment: &Environment) -> Option<Zoned> {
    Some(Timestamp::from_second(seconds).ok()?.to_zoned(zone(environment)))
}

const DATABASE: &str = "/usr/share/zoneinfo";
const LOCAL: &str = "/etc/localtime";

/// The zone, read anew.
pub(super) fn zone(environment: &Environment) -> TimeZone {
    let named = environment.get("TZ").and_then(|zone| zone.into_string().ok());
    let found = match named.as_deref() {
        Some(zone) => by_name(zone.strip_prefix(':').unwrap_or(zone)),
        None => by_file(Path::new(LOCAL)),
    };
    found.unwrap_or(TimeZone::UTC)
}

/// A file of the database, any other file, or a rule such as `CET-1CEST`.
fn by_name(zone: &str) -> Option<TimeZone> {
    let path = Path::new(DATABASE).join(zone);
    let climbs = path.components().any(|part| part == Component::ParentDir);
    let from_file = if zone.is_empty() || climbs { None } else { by_file(&path) };
    from_file.or_else(|| TimeZone::posix(zone).ok())
}

fn by_file(path: &Path) -> Option<TimeZone> {
    TimeZone::tzif("", &std::fs::read(path).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offset(tz: &str) -> String {
        let zone = zone(&Environment::from([("TZ", tz)]));
        let summer: Timestamp = "2026-07-01T12:00:00Z".parse().unwrap();
        summer.to_zoned(zone).offset().to_string()
    }

    #[test]
    fn the_zone_is_a_name_a_file_or_a_rule() {
        // 5322-3.3
        for (tz, expected) in [
            ("UTC", "+00"),
            ("Asia/Kolkata", "+05:30"),
            (":Asia/Kolkata", "+05:30"),
            ("/usr/share/zoneinfo/America/St_Johns", "-02:30"),
            ("CET-1CEST,M3.5.0,M10.5.0/3", "+02"),
            ("<+0545>-5:45", "+05:45"),
            ("", "+00"),
            ("nowhere", "+00"),
            ("../../etc/localtime", "+00"),
        ] {
            assert_eq!(offset(tz), expected, "{tz}");
        }
    }
}
