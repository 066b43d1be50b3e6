//! `cargo xtask openapi`: whether other people's tools understand `openapi.json`.

use std::{
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use anyhow::Context;

use crate::{
    process::succeed,
    project,
    services::{node, node_packages, python_with},
};

const TOOLS: [&str; 2] = ["openapi-spec-validator==0.9.0", "openapi-python-client==0.29.1"];

/// Validates the document, holds it against the rules of two linters, and generates a client from it that leaves
/// nothing out. That it is current is a unit test of the server.
pub fn run() -> anyhow::Result<ExitCode> {
    let folder = project::folder_of("openapi");
    let python = python_with(&folder, &TOOLS)?;
    succeed(Command::new(&python).args(["-m", "openapi_spec_validator"]).arg(document()))
        .context("openapi.json is not valid")?;
    lint()?;
    generate_python(&python, &folder.join("client"))?;
    println!("openapi.json is valid and keeps the linters' rules, and a client was generated from all of it");
    Ok(ExitCode::SUCCESS)
}

pub fn document() -> PathBuf {
    project::root().join("openapi.json")
}

/// Generates a client in Python with the generator that this Python has.
pub fn generate_python(python: &Path, client: &Path) -> anyhow::Result<()> {
    // The generator formats the client with a program beside it.
    let beside = python.parent().context("Python is in a folder")?;
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths([beside.to_owned()].into_iter().chain(std::env::split_paths(&path)))?;
    succeed(
        Command::new(python)
            .args(["-m", "openapi_python_client", "generate", "--fail-on-warning", "--overwrite", "--meta", "none"])
            .arg("--path")
            .arg(document())
            .arg("--output-path")
            .arg(client)
            .env("PATH", path),
    )
    .context("a client that is generated from openapi.json lacks something")
}

/// Their recommended rules, where a warning is as bad as an error. `tests/openapi` pins the linters, and says where they
/// are wrong.
fn lint() -> anyhow::Result<()> {
    let (pinned, folder) = (project::root().join("tests/openapi"), project::root().join("target/xtask/linters"));
    node_packages(&pinned, &folder)?;
    let node = node()?;
    let program = |script: &str| {
        let mut command = Command::new(&node);
        command.arg(folder.join("node_modules").join(script)).arg("lint").current_dir(project::root());
        command
    };
    let mut redocly = program("@redocly/cli/bin/cli.js");
    redocly.args(["--config", "tests/openapi/redocly.yaml", "openapi.json"]);
    succeed(redocly.env("REDOCLY_TELEMETRY", "off").env("REDOCLY_SUPPRESS_UPDATE_NOTICE", "true"))
        .context("openapi.json breaks a rule of Redocly")?;
    let mut spectral = program("@stoplight/spectral-cli/dist/index.js");
    spectral.args(["--ruleset", "tests/openapi/spectral.yaml", "--fail-severity", "warn", "openapi.json"]);
    succeed(&mut spectral).context("openapi.json breaks a rule of Spectral")
}
