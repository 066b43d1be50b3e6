//! `cargo xtask upgrade`

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
};

use anyhow::{Context, bail};

use crate::{
    cargo::cargo,
    process::{output_of, succeed},
    project, test,
};

/// Names the commit to compare with where `origin/main` does not: in a clone that has no origin, and on `main` itself.
const BASELINE: &str = ".ci/upgrade-baseline";

/// Has servers of the last version that landed serve beside those of this one, on one database and one Redis.
pub fn run(named: Option<String>) -> anyhow::Result<ExitCode> {
    let (commit, source) = match named {
        Some(commit) => (commit, "the command line".to_owned()),
        None => baseline()?,
    };
    let Ok(commit) = git(&["rev-parse", "--verify", "--quiet", &format!("{commit}^{{commit}}")]) else {
        println!(
            "this clone has no commit {commit}, which {source} names: nothing is compared. A shallow clone gets it by \
             `git fetch --depth=1 origin {commit}`"
        );
        // A developer's shallow clone is no mistake; a baseline that was rebased away is.
        return Ok(if std::env::var_os("CI").is_some() { ExitCode::FAILURE } else { ExitCode::SUCCESS });
    };
    println!("the last version that landed is {}, by {source}", git(&["log", "-1", "--format=%h %s", &commit])?);
    let program = build(&commit)?;
    let tests = ["-p", "comanda-tests", "--test", "black_box", "--", "--ignored", "--nocapture", "upgrade::"];
    test::run_with(&tests.map(str::to_owned), &[("TEST_OLD_COMANDA", program.as_path())])
}

/// The commit to compare with, and what names it.
fn baseline() -> anyhow::Result<(String, String)> {
    let landed = git(&["rev-parse", "--verify", "--quiet", "origin/main"]);
    if let Ok(landed) = landed
        && landed != git(&["rev-parse", "HEAD"])?
    {
        return Ok((landed, "origin/main".to_owned()));
    }
    let named =
        fs::read_to_string(project::root().join(BASELINE)).with_context(|| format!("cannot read {BASELINE}"))?;
    Ok((named.trim().to_owned(), BASELINE.to_owned()))
}

/// Builds that version's server, once.
fn build(commit: &str) -> anyhow::Result<PathBuf> {
    let folder = project::root().join("target/upgrade");
    let program = folder.join(format!("comanda-{commit}"));
    if program.exists() {
        return Ok(program);
    }
    let source = folder.join("source");
    if source.exists() {
        fs::remove_dir_all(&source)?;
    }
    fs::create_dir_all(&source)?;
    unpack(commit, &source)?;
    println!("building its server, in the time that a first build takes");
    succeed(
        cargo()
            .current_dir(&source)
            .args(["build", "--quiet", "--locked", "--package=comanda-server", "--bin=comanda", "--target-dir"])
            .arg(folder.join("target")),
    )?;
    for entry in fs::read_dir(&folder)?.flatten() {
        if entry.file_name().to_string_lossy().starts_with("comanda-") {
            fs::remove_file(entry.path())?;
        }
    }
    // Under its name only once it is complete.
    let copy = folder.join("copy");
    fs::copy(folder.join("target/debug/comanda"), &copy)?;
    fs::rename(copy, &program)?;
    Ok(program)
}

/// Not a work tree, of which the repository would have to be told when `target` is emptied.
fn unpack(commit: &str, folder: &Path) -> anyhow::Result<()> {
    let mut archive = in_repository("git").args(["archive", commit]).stdout(Stdio::piped()).spawn().context("git")?;
    let Some(content) = archive.stdout.take() else { bail!("git archive has no output") };
    // With the time of now: cargo compares it with that of its last build, which was of another version.
    succeed(Command::new("tar").args(["--extract", "--touch", "--directory"]).arg(folder).stdin(content))?;
    let status = archive.wait()?;
    if !status.success() {
        bail!("git archive failed: {status}");
    }
    Ok(())
}

fn git(arguments: &[&str]) -> anyhow::Result<String> {
    Ok(output_of(in_repository("git").args(arguments))?.trim().to_owned())
}

fn in_repository(program: &str) -> Command {
    let mut command = Command::new(program);
    command.current_dir(project::root());
    command
}
