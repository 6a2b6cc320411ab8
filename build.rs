//! Asks the linker for compact relocations, which take a tenth off the start
//! of a process that lives for milliseconds. GNU ld from 2.38 on and lld know
//! the option, older ones pass over it with a warning; the program then needs
//! glibc 2.36, as one that is linked against it does anyway.
#![expect(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    reason = "this is how a build script hears and speaks"
)]

use std::env::var;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let is = |name: &str, value: &str| var(name).is_ok_and(|found| found == value);
    if is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ENV", "gnu") {
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
}
