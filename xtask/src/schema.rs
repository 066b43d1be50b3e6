//! `cargo xtask schema`
//!
//! Diesel checks our queries against `schema.rs`, so it must say what the migrations make. Diesel's own command writes
//! it, from a private PostgreSQL that every migration has just been applied to; `diesel.toml` says where both are.
//!
//! The command is compiled on the first run, unoptimized and for PostgreSQL alone (about a minute and a half of one
//! core), and then kept in `target/tools`. It links to libpq, whose Debian package is installed if it is missing.

use std::{
    path::PathBuf,
    process::{Command, ExitCode},
};

use crate::{
    cargo::cargo,
    process::{output_of, succeed},
    project::{self, State},
    services::{self, libpq},
};

const DIESEL_CLI: &str = "2.3.14";

/// Writes `schema.rs` anew. With `check` it changes nothing, and fails if there is anything to change.
pub fn run(check: bool) -> anyhow::Result<ExitCode> {
    let diesel = diesel()?;
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

fn diesel() -> anyhow::Result<PathBuf> {
    let tools = project::root().join("target/tools");
    let program = tools.join("bin/diesel");
    let is_there = || {
        let version = output_of(Command::new(&program).arg("--version"));
        version.is_ok_and(|version| version.split_whitespace().any(|word| word == DIESEL_CLI))
    };
    if !is_there() {
        libpq()?;
        println!("Compiling diesel's command");
        succeed(
            cargo()
                .args(["install", "--quiet", "--locked", "--debug", "diesel_cli", "--version", DIESEL_CLI])
                .args(["--no-default-features", "--features", "postgres", "--root"])
                .arg(&tools)
                .arg("--target-dir")
                .arg(tools.join("build")),
        )?;
    }
    Ok(program)
}
