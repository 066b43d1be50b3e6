//! `cargo xtask test`

use std::process::ExitCode;

use crate::{
    cargo::cargo,
    comanda::{Comanda, Profile, build},
    process::succeed,
    project::{self, State},
    services::{Durability, Services, chromium, python_with_servers, redis_server},
};

/// Brings up servers for the tests alone, prepares the database that each test's own is cloned from, and runs every test.
pub async fn run(arguments: &[String]) -> anyhow::Result<ExitCode> {
    let state = State::open_empty("test")?;
    let program = build(Profile::Development)?;
    let services = Services::start(&state, Durability::None).await?;
    let comanda = Comanda::new(program.clone(), &state, &services)?;
    succeed(comanda.command(&["migrate"]).env("LOG", "warn"))?;

    let one_package = arguments.iter().any(|argument| argument.starts_with("-p") || argument.starts_with("--package"));
    let status = cargo()
        .args(["test", "--no-fail-fast"])
        .args((!one_package).then_some("--workspace"))
        .args(arguments)
        .env("TEST_DATABASE_URL", &services.database_url)
        .env("TEST_REDIS_URL", &services.redis_url)
        .env("TEST_REDIS_SERVER", redis_server()?)
        .env("TEST_CHROMIUM", chromium()?)
        .env("TEST_PYTHON", python_with_servers(&project::folder_of("python"))?)
        .env("TEST_COMANDA", program)
        .status()?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
