//! The browser of this machine.

use crate::account::environment::Environment;
use std::io;
use std::process::{Command, Stdio};

/// Whether there is a display on which a browser could be seen.
pub fn has_browser(environment: &Environment) -> bool {
    cfg!(target_os = "macos") || environment.has("DISPLAY") || environment.has("WAYLAND_DISPLAY")
}

/// Asks the desktop to show this, and does not wait for it. What it says is
/// heard by nobody.
pub fn browse(url: &str, environment: &Environment) -> io::Result<()> {
    let program = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    Command::new(program)
        .arg(url)
        .env_clear()
        .envs(environment.for_children())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map(drop)
}
