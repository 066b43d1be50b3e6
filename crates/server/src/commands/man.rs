use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, CommandFactory};

use super::{Comanda, print};

#[derive(Args)]
pub struct Man {
    /// Write the pages of all commands into this folder instead, one file per command.
    #[arg(long)]
    folder: Option<PathBuf>,
}

impl Man {
    pub fn run(self) -> anyhow::Result<()> {
        let Some(folder) = self.folder else {
            let mut page = Vec::new();
            clap_mangen::Man::new(Comanda::command()).render(&mut page)?;
            return print(&String::from_utf8(page)?);
        };
        std::fs::create_dir_all(&folder)
            .and_then(|()| clap_mangen::generate_to(Comanda::command(), &folder))
            .with_context(|| format!("cannot write to {}", folder.display()))
    }
}
