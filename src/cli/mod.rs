//! The top: argv, stdin, the terminal, exit statuses. The only floor that
//! prints.

mod exit;
mod failure;

pub use exit::Exit;
pub use failure::Failure;
