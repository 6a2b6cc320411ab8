//! The top: argv, stdin, the terminal, exit statuses. The only floor that
//! prints.

mod exit;
mod failure;
mod sink;

pub use exit::Exit;
pub use failure::Failure;
