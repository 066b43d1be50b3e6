//! `cargo xtask fuzz`: looks for bytes from anybody that make a part of the server panic.
//!
//! The targets are in `fuzz/`, and `fuzz/corpus` has what they begin with. They are built by the compiler of the
//! workspace, which `rust-toolchain.toml` names: libFuzzer needs its counters in the code, which every compiler can
//! make. Sanitizers, which need another one, would look for what cannot happen without `unsafe`, which the workspace
//! forbids.

use std::{
    fs,
    path::PathBuf,
    process::{Command, ExitCode},
};

use anyhow::{Context, bail};
use clap::Args;

use crate::{
    cargo::Tool,
    interrupt,
    process::{output_of, succeed},
    project,
};

const CARGO_FUZZ: Tool = Tool {
    package: "cargo-fuzz",
    version: "0.13.2",
    program: "cargo-fuzz",
    says_version: &["fuzz", "--version"],
    features: &[],
};

#[derive(Args)]
pub struct FuzzArguments {
    /// How long to run each target
    #[arg(long, default_value_t = 10)]
    seconds: u32,
    /// Only this target
    target: Option<String>,
    /// Keep what reaches code that nothing in the corpus has reached, in the corpus
    #[arg(long)]
    keep: bool,
}

pub fn run(arguments: &FuzzArguments) -> anyhow::Result<ExitCode> {
    interrupt::watch()?;
    let program = CARGO_FUZZ.built()?;
    let folder = project::root().join("fuzz");
    let fuzz = |command: &str| {
        let mut fuzz = Command::new(&program);
        fuzz.current_dir(project::root()).args(["fuzz", command, "--fuzz-dir"]).arg(&folder);
        fuzz
    };
    let listed = output_of(&mut fuzz("list"))?;
    let targets: Vec<&str> = match &arguments.target {
        Some(target) if listed.lines().any(|listed| listed == target) => vec![target],
        Some(target) => {
            bail!("there is no target {target}; there are {}", listed.lines().collect::<Vec<_>>().join(", "))
        }
        None => listed.lines().collect(),
    };
    let build = |command: &str| {
        let mut build = fuzz(command);
        build.args(["--dev", "--sanitizer", "none", "--target-dir"]).arg(project::root().join("target/fuzz"));
        build
    };
    println!("building the targets");
    succeed(build("build").args(targets.first().filter(|_| targets.len() == 1))).context("the targets do not build")?;

    let mut failed = Vec::new();
    for target in targets {
        interrupt::check()?;
        println!("\n== {target}");
        let corpus = folder.join("corpus").join(target);
        if fs::read_dir(&corpus).map_or(true, |mut inputs| inputs.next().is_none()) {
            bail!("{} has nothing to begin with", corpus.display());
        }
        let new = if arguments.keep { corpus.clone() } else { emptied(target)? };
        let mut command = build("run");
        command.arg(target).arg(new).arg(corpus).arg("--");
        command.args([format!("-max_total_time={}", arguments.seconds), "-max_len=4096".to_owned()]);
        command.args(["-timeout=10", "-print_final_stats=1", "-verbosity=0"]);
        if let Err(error) = succeed(&mut command) {
            interrupt::check()?;
            println!("{error:#}");
            failed.push(target);
        }
    }
    if failed.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    println!(
        "\nA promise is broken: {}. fuzz/artifacts has the bytes; once it is mended, they belong into fuzz/corpus",
        failed.join(", ")
    );
    Ok(ExitCode::FAILURE)
}

/// A folder for what a target finds besides the corpus, which changes on purpose only.
fn emptied(target: &str) -> anyhow::Result<PathBuf> {
    let folder = project::root().join("target/fuzz/found").join(target);
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    Ok(folder)
}
