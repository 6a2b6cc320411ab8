//! The queue: what is left of it after a crash or on a disk that fails, beside
//! other runners, and as the days go by.
#![expect(clippy::disallowed_macros, reason = "how many states were tried, and how long some took")]
#![expect(clippy::disallowed_methods, reason = "a watch")]
#![expect(unreachable_pub, reason = "modules of one target")]

#[path = "queue/clock.rs"]
mod clock;
#[path = "queue/crash.rs"]
mod crash;
#[path = "queue/failing.rs"]
mod failing;
#[path = "queue/foreign.rs"]
mod foreign;
#[path = "queue/handed_in.rs"]
mod handed_in;
mod harness;
#[path = "queue/large.rs"]
mod large;
#[path = "queue/model.rs"]
mod model;
#[path = "queue/office.rs"]
mod office;
#[path = "queue/runners.rs"]
mod runners;
#[path = "queue/sending.rs"]
mod sending;
#[path = "queue/spool.rs"]
mod spool;
#[path = "queue/taking_over.rs"]
mod taking_over;
