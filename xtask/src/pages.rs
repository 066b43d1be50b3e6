//! `cargo xtask pages`: the types of the pages' scripts, and what else their tests need of other people's JavaScript.

use std::{
    fs,
    path::PathBuf,
    process::{Command, ExitCode},
};

use anyhow::Context;

use crate::{
    process::succeed,
    project,
    services::{node, node_packages},
};

/// Checks the pages' scripts with TypeScript, against types that are generated from `openapi.json`: a field that the
/// API does not have is an error.
pub fn run() -> anyhow::Result<ExitCode> {
    let folder = tools()?;
    let (types, node) = (folder.join("types"), node()?);
    fs::create_dir_all(&types)?;
    let program = |script: &str| {
        let mut command = Command::new(&node);
        command.arg(folder.join("node_modules").join(script)).current_dir(project::root());
        command
    };
    // Beside the scripts as far as TypeScript knows: `rootDirs` in tsconfig.json.
    let mut generate = program("openapi-typescript/bin/cli.js");
    generate.arg("openapi.json").arg("--output").arg(types.join("api-types.d.ts"));
    succeed(generate.stdout(fs::File::create(folder.join("generated.log"))?))
        .context("no types can be generated from openapi.json")?;
    succeed(program("typescript/bin/tsc").arg("--project").arg(pinned().join("tsconfig.json")))
        .context("the scripts of the pages do not fit the API, or not each other")?;
    println!("The scripts of the pages fit openapi.json");
    Ok(ExitCode::SUCCESS)
}

/// The script that tests look for barriers with.
pub fn axe() -> anyhow::Result<PathBuf> {
    Ok(tools()?.join("node_modules/axe-core/axe.min.js"))
}

/// The folder where the packages are, installed.
fn tools() -> anyhow::Result<PathBuf> {
    let folder = project::root().join("target/xtask/pages");
    node_packages(&pinned(), &folder)?;
    Ok(folder)
}

/// Where their versions are written down, beside the tests: the pages themselves need none of them.
fn pinned() -> PathBuf {
    project::root().join("tests/pages")
}
