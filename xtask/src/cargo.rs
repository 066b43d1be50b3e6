use std::process::Command;

use crate::project;

/// The cargo that runs us, in the project's folder, as if it had been called from a shell: what it told us about our own package must not
/// reach it, or build scripts that look at it (ring's) run again each time, and half of the dependencies are built anew.
pub fn cargo() -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(project::root());
    for (name, _) in std::env::vars_os() {
        let of_our_package = |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
        if name.to_str().is_some_and(of_our_package) {
            cargo.env_remove(name);
        }
    }
    cargo
}
