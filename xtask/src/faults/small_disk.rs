use std::{fs, path::PathBuf, process::Command};

use crate::{process::succeed, services::Postgres};

/// A file system in memory, just large enough.
pub struct SmallDisk {
    folder: PathBuf,
}

impl SmallDisk {
    /// Moves a stopped PostgreSQL onto it. Needs root's rights.
    pub fn under(postgres: &Postgres) -> anyhow::Result<Self> {
        let (folder, aside) = (postgres.folder.clone(), postgres.folder.with_extension("aside"));
        fs::rename(&folder, &aside)?;
        fs::create_dir(&folder)?;
        let mounted = succeed(Command::new("mount").args(["-t", "tmpfs", "-o", "size=400m", "comanda"]).arg(&folder));
        let moved = mounted.and_then(|()| {
            let disk = Self { folder: folder.clone() };
            succeed(Command::new("cp").arg("--archive").arg(aside.join(".")).arg(&folder))?;
            Ok(disk)
        });
        if moved.is_err() {
            fs::remove_dir(&folder)?;
            fs::rename(&aside, &folder)?;
        }
        moved
    }

    pub fn fill(&self) -> anyhow::Result<()> {
        // Ends in an error: it is full.
        let _ = Command::new("dd")
            .args(["if=/dev/zero", "bs=64k", "status=none"])
            .arg(format!("of={}", self.folder.join("ballast").display()))
            .stderr(std::process::Stdio::null())
            .status()?;
        Ok(())
    }

    pub fn empty(&self) -> anyhow::Result<()> {
        Ok(fs::remove_file(self.folder.join("ballast"))?)
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // PostgreSQL may still be on it; it is gone when the last file on it is closed.
        if let Err(error) = succeed(Command::new("umount").arg("--lazy").arg(&self.folder)) {
            eprintln!("xtask: {error:#}");
        }
    }
}
