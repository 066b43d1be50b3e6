use std::{path::PathBuf, process::Command};

use crate::{
    process::{output_of, succeed},
    project,
};

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

/// A program of somebody else's that is built from its crate.
pub struct Tool {
    pub package: &'static str,
    pub version: &'static str,
    /// What it is called.
    pub program: &'static str,
    /// What has it say its version.
    pub says_version: &'static [&'static str],
    /// For `cargo install`.
    pub features: &'static [&'static str],
}

impl Tool {
    /// Where it is. It is built once, unoptimized and without debug information: its build takes longer than its run.
    pub fn built(&self) -> anyhow::Result<PathBuf> {
        let tools = project::root().join("target/ci-tools");
        let program = tools.join("bin").join(self.program);
        let version = output_of(Command::new(&program).args(self.says_version));
        let is_this = |word: &str| word.trim_start_matches('v') == self.version;
        if !version.is_ok_and(|version| version.split_whitespace().any(is_this)) {
            println!("building {} {}, which takes a minute or more", self.package, self.version);
            let mut install = cargo();
            install.env("CARGO_PROFILE_DEV_DEBUG", "0").args(["install", "--quiet", "--locked", "--debug"]);
            install.args([self.package, "--version", self.version]).args(self.features);
            install.arg("--root").arg(&tools).arg("--target-dir").arg(tools.join("build"));
            succeed(&mut install)?;
        }
        Ok(program)
    }
}
