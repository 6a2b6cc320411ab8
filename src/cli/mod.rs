//! The top: argv, stdin, the terminal, exit statuses. The only floor that
//! prints.

pub mod args;
mod exit;
mod failure;
mod hints;

pub use exit::Exit;
pub use failure::Failure;
