//! Where nothing runs the queue, who sends a message tries first what is due,
//! a little of it.

use super::courier::Couriers;
use super::keep::is_idle;
use super::place;
use crate::account::{Accounts, Environment, QueueSettings};
use crate::cli::send;
use crate::net::{Interrupt, Stopwatch};
use crate::queue::{Id, Listed, Queue, Which};
use jiff::Timestamp;
use std::path::Path;
use std::time::Duration;

/// How many messages are tried, and for how long in all.
const MOST: usize = 3;
const PATIENCE: Duration = Duration::from_secs(10);

/// Tries a few messages that are due. Nobody is told of it: what fails stays in
/// the queue, and whoever sends a message wants to hear of that one.
pub(in crate::cli) fn catch_up(
    settings: &QueueSettings,
    config: Option<&Path>,
    environment: &Environment,
    interrupt: &Interrupt,
) {
    let Ok(Some(queue)) = place::existing(settings, environment) else { return };
    if !is_idle(queue.last_run(), queue.policy.max_retry, Timestamp::now()) {
        return;
    }
    let Ok(accounts) = Accounts::load(config, environment) else { return };
    let (host, since) = (send::host_name(), Stopwatch::start());
    for id in due(&queue) {
        let left = PATIENCE.saturating_sub(since.elapsed());
        if left.is_zero() || interrupt.signal().is_some() {
            return;
        }
        let couriers = Couriers::of(&accounts, environment, interrupt, &host).patient_for(left);
        let couriers = couriers.without_handed_in(true);
        let _ = couriers.run(&queue, &Which::Named(vec![id]), 1, None, &|_| {});
    }
}

/// Those that have waited longest.
fn due(queue: &Queue) -> Vec<Id> {
    let now = Timestamp::now();
    let is_due = |listed: &Listed| {
        let state = &listed.state;
        let is_early = listed.head.not_before.is_some_and(|moment| moment > now);
        let is_due = state.next_try.is_none_or(|next| queue.policy.is_due(next, now));
        !state.waiting().is_empty() && !state.held && !is_early && is_due
    };
    let entries = queue.list().map(|listing| listing.entries).unwrap_or_default();
    entries.into_iter().filter(is_due).take(MOST).map(|listed| listed.id).collect()
}
