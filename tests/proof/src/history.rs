use std::{
    fs::File,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
};

use anyhow::Context;

use crate::{Record, Tables};

/// All records of a run. It can be read more than once, so that nobody has to keep it in memory.
pub trait History {
    /// Hands every record to `see`, one after the other.
    fn read(&self, see: &mut dyn FnMut(&Record)) -> anyhow::Result<()>;
}

impl History for [Record] {
    fn read(&self, see: &mut dyn FnMut(&Record)) -> anyhow::Result<()> {
        self.iter().for_each(see);
        Ok(())
    }
}

/// A recorded run: a folder with `history.jsonl` and `tables.json`.
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    pub const HISTORY: &str = "history.jsonl";
    pub const TABLES: &str = "tables.json";

    pub fn at(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    pub fn tables(&self) -> anyhow::Result<Tables> {
        let path = self.path.join(Self::TABLES);
        let bytes = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_slice(&bytes).with_context(|| path.display().to_string())
    }
}

impl History for Folder {
    fn read(&self, see: &mut dyn FnMut(&Record)) -> anyhow::Result<()> {
        let path = self.path.join(Self::HISTORY);
        let file = File::open(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let (mut lines, mut line) = (BufReader::with_capacity(1 << 20, file), Vec::new());
        let place = |number: u64| format!("{}, line {number}", path.display());
        for number in 1.. {
            line.clear();
            if lines.read_until(b'\n', &mut line).with_context(|| place(number))? == 0 {
                break;
            }
            see(&serde_json::from_slice(&line).with_context(|| place(number))?);
        }
        Ok(())
    }
}
