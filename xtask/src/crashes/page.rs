use std::{fs, path::Path};

use anyhow::Context;

use crate::machine::Machine;

/// Writes the page, but for the sections below the table: those are written by hand.
pub fn write(path: &Path, table: &str, times: u32, seed: u64, server_version: &str) -> anyhow::Result<()> {
    let before = fs::read_to_string(path).unwrap_or_default();
    let by_hand = before.find("\n## ").map_or("", |at| &before[at..]);
    let page = format!(
        "# What is left after PostgreSQL has crashed\n\n\
         Written by `cargo xtask crashes --times {times} --power-loss --seed {seed}`, on {machine}, with\n\
         PostgreSQL {server_version}. Two servers, in the build of the tests, on one database, which is\n\
         kept over the rounds, and with `EARLY_LOCK_RELEASE=always`. The seed repeats what is chosen at random, not what the machine does meanwhile.\n\n\
         {table}{by_hand}",
        machine = Machine::here()?.in_few_words(),
    );
    fs::write(path, page).with_context(|| format!("cannot write {}", path.display()))
}
