//! `cargo xtask guide`: the guide as a book, with every link alive and every example run.

mod chapter;
mod examples;
mod links;
mod output;

use std::{
    fs,
    path::Path,
    process::{Command, ExitCode},
};

use anyhow::{Context, bail};

use self::chapter::Chapter;
use crate::{cargo::Tool, interrupt, process::succeed, project, shop::Shop};

const MDBOOK: Tool = Tool {
    package: "mdbook",
    version: "0.5.4",
    program: "mdbook",
    says_version: &["--version"],
    features: &["--no-default-features", "--features=search"],
};

pub fn run() -> anyhow::Result<ExitCode> {
    interrupt::watch()?;
    let folder = project::root().join("docs/guide");
    let chapters = chapters(&folder.join("src"))?;
    let mut mistakes = links::dead(&folder.join("src"))?;
    mistakes.extend(chapters.iter().flat_map(|chapter| chapter.mistakes.clone()));
    if !mistakes.is_empty() {
        bail!("{}", mistakes.join("\n"));
    }
    succeed(Command::new(MDBOOK.built()?).arg("build").arg(&folder)).context("the guide cannot be built")?;

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
