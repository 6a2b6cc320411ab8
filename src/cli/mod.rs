//! The top: argv, stdin, the terminal, exit statuses. The only floor that
//! prints.

pub mod args;
mod exit;
mod failure;
mod hints;
pub mod input;
pub mod next;

pub use exit::Exit;
pub use failure::Failure;
