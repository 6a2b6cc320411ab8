//! Where nothing runs the queue, who sends a message tries first what is due,
//! a little of it.

use super::courier::Couriers;
use super::keep::is_idle;
use super::place;
use crate::account::{Accounts, Environment, QueueSettings};
use crate::cli::send;
use crate::net::{Interrupt, Stopwatch};
use crate::queue::{Listed, Queue, Which};
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
    for Listed { id, head, .. } in due(&queue) {
        let left = PATIENCE.saturating_sub(since.elapsed());
        if left.is_zero() || interrupt.signal().is_some() {
            return;
        }
        // One message may have found out just now that the others need not try.
        if queue.rests(&head.account, Timestamp::now()).is_some() {
            continue;
        }
        let couriers = Couriers::of(&accounts, environment, interrupt, &host).patient_for(left);
        let _ = couriers.run(&queue, &Which::Named(vec![id]), 1, None, &|_| {});
    }
}

/// Those that have waited longest.
fn due(queue: &Queue) -> Vec<Listed> {
    let now = Timestamp::now();
    let is_due = |Listed { head, state, .. }: &Listed| {
        // Whoever sends his own mail is not to wait for what others handed in.
        head.owner.is_none()
            && !state.waiting().is_empty()
            && queue.is_due(head, state, now)
            && queue.rests(&head.account, now).is_none()
    };
    let entries = queue.list().map(|listing| listing.entries).unwrap_or_default();
    entries.into_iter().filter(is_due).take(MOST).collect()
}
