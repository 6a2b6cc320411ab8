//! One line for Nagios and its kin, and their status: the Monitoring Plugins
//! Development Guidelines, "Plugin Output for Nagios".

use super::Checked;
use super::finding::{Finding, Verdict};
use super::server::days_left;
use super::table::total;
use crate::cli::failure::Failure;

const STATES: [&str; 4] = ["OK", "WARNING", "CRITICAL", "UNKNOWN"];
const UNKNOWN: u8 = 3;

/// The line and the status.
pub(super) fn line(checked: &Checked) -> (String, u8) {
    let status = status(checked);
    let worst = checked.findings().filter(|(_, it)| it.verdict >= Verdict::Unknown);
    // Of several that are as bad, the first: the reverse, since the last of equals wins.
    let worst: Vec<_> = worst.collect();
    let worst = worst.into_iter().rev().max_by_key(|(_, finding)| finding.verdict);
    let told = |(subject, finding): (&super::Subject, &Finding)| {
        let name = subject.name.split(',').next().unwrap_or_default();
        format!("{name}: {}: {}; {}", finding.rule, finding.found, total(checked))
    };
    let told = worst.map_or_else(|| total(checked), told);
    // What stands behind it is performance data.
    let told = told.replace('|', "/");
    let data = performance(checked);
    let data = if data.is_empty() { String::new() } else { format!(" | {}", data.join(" ")) };
    (format!("ENVOI {} - {told}{data}", STATES[usize::from(status)]), status)
}

/// The same where nothing could be looked at.
pub(super) fn unknown(failure: &Failure) -> (String, u8) {
    let told = format!("{:#}", failure.error).replace('|', "/");
    (format!("ENVOI UNKNOWN - {told}"), UNKNOWN)
}

fn status(checked: &Checked) -> u8 {
    let has = |verdict| checked.count(verdict) > 0;
    match () {
        () if checked.signal.is_some() => UNKNOWN,
        () if has(Verdict::Fault) => 2,
        () if has(Verdict::Warning) => 1,
        () if has(Verdict::Unknown) => UNKNOWN,
        () => 0,
    }
}

/// How long the phases took at the first server, in seconds, and how many days
/// its certificates are good for.
fn performance(checked: &Checked) -> Vec<String> {
    let Some(first) = checked.seen().next() else { return Vec::new() };
    let timings = first.attempt.timings.iter();
    let mut data: Vec<String> = timings
        .map(|(phase, time)| format!("{}={:.6}s;;;0;", phase.word(), time.as_secs_f64()))
        .collect();
    if let Some((days, _)) = days_left(first) {
        data.push(format!("certificate_days={days};{}:;0:", first.warn_days));
    }
    data
}
