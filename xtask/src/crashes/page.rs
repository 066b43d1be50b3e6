use std::{fs, path::Path, thread};

use anyhow::Context;

/// Writes the page, but for the sections below the table: those are written by hand.
pub fn write(path: &Path, table: &str, times: u32, seed: u64, server_version: &str) -> anyhow::Result<()> {
    let before = fs::read_to_string(path).unwrap_or_default();
    let by_hand = before.find("\n## ").map_or("", |at| &before[at..]);
    let page = format!(
        "# What is left after PostgreSQL has crashed\n\n\
         Written by `cargo xtask crashes --times {times} --power-loss --seed {seed}`, on {machine}, with\n\
         PostgreSQL {server_version}. Two servers, in the build of the tests, on one database, which is\n\
         kept over the rounds. The seed repeats what is chosen at random, not what the machine does meanwhile.\n\n\
         {table}{by_hand}",
        machine = machine()?,
    );
    fs::write(path, page).with_context(|| format!("cannot write {}", path.display()))
}

/// The machine in a few words.
fn machine() -> anyhow::Result<String> {
    let read = |path: &str| fs::read_to_string(path).with_context(|| format!("cannot read {path}"));
    let field = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let processor = field(&read("/proc/cpuinfo")?, "model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    let memory = field(&read("/proc/meminfo")?, "MemTotal").unwrap_or_default();
    let kibibytes: u64 = memory.split(' ').next().and_then(|number| number.parse().ok()).unwrap_or_default();
    let cores = thread::available_parallelism()?;
    let kernel = read("/proc/sys/kernel/osrelease")?;
    let kernel = kernel.split('-').next().unwrap_or_default().trim().to_owned();
    // Rounded: the kernel keeps some for itself.
    let memory = (kibibytes + (1 << 19)) >> 20;
    Ok(format!("{cores} cores of {processor}\n({memory} GiB, Linux {kernel})"))
}
