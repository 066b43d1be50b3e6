use std::process::Command;

use crate::project;

/// The cargo that runs us, in the workspace's folder and with the environment of a shell. What cargo has set for our
/// own package must not reach it: build scripts that read those variables (ring's) would run again each time, and half
/// of the dependencies would be rebuilt.
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
