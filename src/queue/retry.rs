//! When a message is tried again, and when no more (RFC 5321 §4.5.4.1). Pure:
//! the time and the dice are values.

use jiff::{SignedDuration, Timestamp};
use std::time::Duration;

/// How patient a queue is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The least time between two tries.
    pub min_retry: Duration,
    /// The most.
    pub max_retry: Duration,
    /// How long a message is tried.
    pub max_age: Duration,
    /// After how long its sender hears that it still waits.
    pub delay_notice: Duration,
}

impl Default for Policy {
    fn default() -> Self {
        const HOUR: u64 = 3600;
        Policy {
            min_retry: Duration::from_secs(5 * 60),
            max_retry: Duration::from_secs(3 * HOUR),
            max_age: Duration::from_secs(5 * 24 * HOUR),
            delay_notice: Duration::from_secs(4 * HOUR),
        }
    }
}

/// Why a try came to nothing, as far as the next one depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setback {
    /// No server was reached, or nobody could sign in: it may be over soon, and
    /// asking costs the server nothing.
    Unreached,
    /// The server does not know the three of us together yet: it said 450 or
    /// 451, as greylisting does, be it to RCPT or behind the message.
    Greylisted,
    /// Any other "not now".
    Deferred,
}

/// RFC 5321 §4.5.4.1: at least half an hour, unless the reason is known.
const UNKNOWN_REASON: Duration = Duration::from_secs(30 * 60);

/// A message is given up only if it was tried as often as this, so that a clock
/// that jumps ahead gives up nothing (checklist Q-12).
pub const LEAST_TRIES: u32 = 10;

impl Policy {
    /// How long to wait after this many tries, of which there was one at least.
    /// Each wait is twice the one before, up to the longest; `dice`, from 0 to
    /// 1, spreads it by a fifth to either side, so that what failed together is
    /// not tried together.
    pub fn pause(&self, tries: u32, setback: Setback, dice: f64) -> Duration {
        let first = match setback {
            Setback::Unreached | Setback::Greylisted => self.min_retry,
            Setback::Deferred => self.min_retry.max(UNKNOWN_REASON),
        };
        let doubled = 2_u32.checked_pow(tries.saturating_sub(1)).unwrap_or(u32::MAX);
        let aim = first.saturating_mul(doubled).min(self.max_retry);
        let least = aim.mul_f64(0.8).max(self.min_retry);
        let most = aim.mul_f64(1.2).min(self.max_retry);
        least + most.saturating_sub(least).mul_f64(dice.clamp(0.0, 1.0))
    }

    /// The moment after that pause.
    pub fn next(&self, now: Timestamp, tries: u32, setback: Setback, dice: f64) -> Timestamp {
        later(now, self.pause(tries, setback, dice))
    }

    /// Whether what was to be tried at `next` is to be tried now. What lies
    /// further ahead than any pause was put there by another clock.
    pub fn is_due(&self, next: Timestamp, now: Timestamp) -> bool {
        next <= now || next > later(now, self.max_retry.max(self.min_retry))
    }

    /// Whether a message that was kept then and tried this often is given up.
    pub fn is_over(&self, kept: Timestamp, now: Timestamp, tries: u32) -> bool {
        tries >= LEAST_TRIES && later(kept, self.max_age) <= now
    }

    /// Whether the sender of a message that still waits is to hear so.
    pub fn is_late(&self, kept: Timestamp, now: Timestamp) -> bool {
        later(kept, self.delay_notice) <= now
    }
}

/// The moment so much later; the last that there is where that is past it.
pub(super) fn later(moment: Timestamp, by: Duration) -> Timestamp {
    let by = SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX);
    moment.checked_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: u64 = 60;
    const YEAR: i64 = 366 * 86_400;

    fn moment(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn minutes(policy: &Policy, setback: Setback, dice: f64) -> Vec<u64> {
        (1..=8).map(|tries| policy.pause(tries, setback, dice).as_secs() / MINUTE).collect()
    }

    #[test]
    fn pauses_double_between_the_least_and_the_most() {
        //
        let policy = Policy::default();
        let middle = |setback| minutes(&policy, setback, 0.5);
        assert_eq!(middle(Setback::Unreached), [5, 10, 20, 40, 80, 154, 162, 162]);
        assert_eq!(middle(Setback::Greylisted)[0], 5);
        assert_eq!(middle(Setback::Deferred), [30, 60, 120, 162, 162, 162, 162, 162]);
        for dice in [0.0, 1.0] {
            for setback in [Setback::Unreached, Setback::Greylisted, Setback::Deferred] {
                for pause in minutes(&policy, setback, dice) {
                    assert!((5..=180).contains(&pause), "{setback:?} {dice} {pause}");
                }
            }
        }
        assert!(minutes(&policy, Setback::Deferred, 0.0)[0] >= 24);
        assert!(policy.pause(u32::MAX, Setback::Deferred, 1.0) == policy.max_retry);
    }

    #[test]
    fn limits_that_cross_still_give_a_pause() {
        let short = Policy {
            min_retry: Duration::from_secs(10),
            max_retry: Duration::from_secs(20),
            ..Policy::default()
        };
        for tries in 1..5 {
            let pause = short.pause(tries, Setback::Deferred, 0.7).as_secs();
            assert!((10..=20).contains(&pause), "{pause}");
        }
        let crossed = Policy { max_retry: Duration::from_secs(5), ..short };
        let next = crossed.next(moment(0), 1, Setback::Unreached, 0.5);
        assert_eq!(next, moment(10));
        assert!(!crossed.is_due(next, moment(1)));
    }

    #[test]
    fn a_clock_that_jumps_neither_gives_up_nor_floods() {
        //
        let policy = Policy::default();
        let next = policy.next(moment(0), 1, Setback::Unreached, 0.5);
        assert!(!policy.is_due(next, moment(299)));
        assert!(policy.is_due(next, moment(331)));
        // Ten years back: not in ten years, but now, and then as ever.
        assert!(policy.is_due(next, moment(-10 * YEAR)));
        let again = policy.next(moment(-10 * YEAR), 2, Setback::Unreached, 0.5);
        assert!(!policy.is_due(again, moment(-10 * YEAR + 1)));
        // Ten years ahead: nothing is given up that was not tried.
        assert!(!policy.is_over(moment(0), moment(10 * YEAR), LEAST_TRIES - 1));
        assert!(policy.is_over(moment(0), moment(10 * YEAR), LEAST_TRIES));
        assert!(!policy.is_over(moment(0), moment(86_400), 100));
        assert!(!policy.is_over(moment(0), moment(-10 * YEAR), 100));
    }
}
