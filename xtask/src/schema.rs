//! `cargo xtask schema`
//!
//! Diesel checks our queries against `schema.rs`, so it must say what the migrations make. Diesel's own command writes
//! it, from a private PostgreSQL that every migration has just been applied to; `diesel.toml` says where both are.
//!
//! The command is compiled on the first run, for PostgreSQL alone. It links to libpq, whose Debian package is installed
//! if it is missing.

use std::process::{Command, ExitCode};

use crate::{
    cargo::Tool,
    project::{self, State},
    services::{self, libpq},
};

const DIESEL: Tool = Tool {
    package: "diesel_cli",
    version: "2.3.14",
    program: "diesel",
    says_version: &["--version"],
    features: &["--no-default-features", "--features=postgres"],
};

/// Writes `schema.rs` anew. With `check` it changes nothing, and fails if there is anything to change.
pub fn run(check: bool) -> anyhow::Result<ExitCode> {
    libpq()?;
    let diesel = DIESEL.built()?;
    let state = State::open_empty("schema")?;
    let postgres = services::private_postgres(&state)?;
    let status = Command::new(diesel)
        .current_dir(project::root())
        .args(check.then_some("--locked-schema"))
        .args(["migration", "run"])
        .env("DATABASE_URL", postgres.url("comanda"))
        .status()?;
    if check && !status.success() {
        eprintln!("schema.rs is not what the migrations make: run `cargo xtask schema`");
    }
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
