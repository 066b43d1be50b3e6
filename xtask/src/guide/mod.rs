//! `cargo xtask guide`: the guide as a book, with every link alive and every example run.

mod chapter;
mod examples;
mod links;
mod output;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use anyhow::{Context, bail};

use self::chapter::Chapter;
use crate::{
    cargo::cargo,
    interrupt,
    process::{output_of, succeed},
    project,
    shop::Shop,
};

/// The version of mdBook.
const VERSION: &str = "0.5.4";

pub fn run() -> anyhow::Result<ExitCode> {
    interrupt::watch()?;
    let folder = project::root().join("docs/guide");
    let chapters = chapters(&folder.join("src"))?;
    let mut mistakes = links::dead(&folder.join("src"))?;
    mistakes.extend(chapters.iter().flat_map(|chapter| chapter.mistakes.clone()));
    if !mistakes.is_empty() {
        bail!("{}", mistakes.join("\n"));
    }
    succeed(Command::new(mdbook()?).arg("build").arg(&folder)).context("the guide cannot be built")?;

    let shop = Shop::open("guide", &[("ACCEPT_ORDERS", "paid")])?;
    let count = examples::run(&chapters, &shop)?;
    println!("The guide is in docs/guide/book. Its links lead somewhere, and its {count} examples do what they show");
    Ok(ExitCode::SUCCESS)
}

/// In the order in which they are read.
fn chapters(folder: &Path) -> anyhow::Result<Vec<Chapter>> {
    let summary = folder.join("SUMMARY.md");
    let text = fs::read_to_string(&summary).with_context(|| format!("cannot read {}", summary.display()))?;
    let paths = links::targets(&text).map(|target| folder.join(target));
    let chapters: Vec<Chapter> = paths.map(Chapter::read).collect::<anyhow::Result<_>>()?;
    let listed = chapters.len() + 1;
    let files = fs::read_dir(folder)?.filter(|file| {
        file.as_ref().is_ok_and(|file| file.path().extension().is_some_and(|extension| extension == "md"))
    });
    if files.count() != listed {
        bail!("a page in {} is not in SUMMARY.md", folder.display());
    }
    Ok(chapters)
}

/// Built once, unoptimized: its build takes longer than its run.
fn mdbook() -> anyhow::Result<PathBuf> {
    let tools = project::root().join("target/ci-tools");
    let program = tools.join("bin/mdbook");
    if output_of(Command::new(&program).arg("--version")).is_ok_and(|version| version.trim().ends_with(VERSION)) {
        return Ok(program);
    }
    println!("Building mdBook {VERSION}, which takes some minutes");
    let plain = ["--no-default-features", "--features=search", "mdbook"];
    succeed(
        cargo()
            .args(["install", "--quiet", "--locked", "--debug", "--version", VERSION, "--root"])
            .arg(&tools)
            .arg("--target-dir")
            .arg(tools.join("build"))
            .args(plain),
    )?;
    Ok(program)
}
