//! The top: argv, stdin, the terminal, exit statuses. The only floor that
//! prints.

mod escape;
mod exit;
mod failure;
mod interrupt;
mod render;
mod status;
mod transcript;
mod words;
mod sink;
pub mod args;
mod exit;
mod failure;
mod hints;

pub use exit::Exit;
pub use failure::Failure;
