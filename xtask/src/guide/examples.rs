//! Running the shell commands of the guide, in the order in which they are read, in one shell.

use std::{
    fmt::Write,
    fs::{self, File},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use nix::sys::signal::Signal;

use super::{chapter::Chapter, output::is_as_shown};
use crate::{
    process::Process,
    project,
    services::jq,
    shop::{Shop, directly},
};

/// Where the guide's examples find the server.
const ADDRESS: &str = "127.0.0.1:8080";

/// They take seconds.
const TIMEOUT: Duration = Duration::from_mins(3);

/// Runs all, and returns how many there were.
pub fn run(chapters: &[Chapter], shop: &Shop) -> anyhow::Result<usize> {
    jq()?;
    let folder = project::root().join("target/guide");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    let examples: Vec<_> = chapters.iter().flat_map(|c| c.examples.iter().map(move |example| (c, example))).collect();
    let mut script = "set -eu\n".to_owned();
    for (number, (_, example)) in examples.iter().enumerate() {
        let commands = example.commands.replace(ADDRESS, shop.address());
        write!(script, "{{\n{commands}\n}} > {number}.out 2>&1\n")?;
    }
    fs::write(folder.join("script.sh"), script)?;

    let mut bash = Command::new("bash");
    bash.arg("script.sh").current_dir(&folder).stdin(Stdio::null()).stderr(File::create(folder.join("errors"))?);
    bash.env("ADMIN_EMAIL", &shop.admin.email).env("ADMIN_PASSWORD", &shop.admin.password);
    directly(&mut bash);
    let mut shell = Process::start("the shell", bash, Signal::SIGTERM)?;
    let deadline = Instant::now() + TIMEOUT;
    let status = loop {
        crate::interrupt::check()?;
        match shell.has_ended()? {
            Some(status) => break Some(status),
            None if Instant::now() > deadline => break None,
            None => thread::sleep(Duration::from_millis(50)),
        }
    };

    for (number, (chapter, example)) in examples.iter().enumerate() {
        let place = format!("{}:{}", chapter.path.display(), example.line);
        let printed =
            fs::read_to_string(folder.join(format!("{number}.out"))).with_context(|| format!("{place} was not run"))?;
        let printed = printed.replace(shop.address(), ADDRESS);
        let was_last = !folder.join(format!("{}.out", number + 1)).exists();
        if was_last && !status.is_some_and(|status| status.success()) {
            let how = status.map_or("takes too long".to_owned(), |status| format!("fails: {status}"));
            bail!("{place}: the example {how}\n{printed}{}", fs::read_to_string(folder.join("errors"))?);
        }
        if example.output.as_ref().is_some_and(|shown| !is_as_shown(shown, &printed)) {
            bail!("{place}: the example prints something else:\n{printed}");
        }
    }
    Ok(examples.len())
}
