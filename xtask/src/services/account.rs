use std::{
    fs,
    os::unix::fs::{PermissionsExt, chown},
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, bail};
use nix::unistd::{User, geteuid};

use crate::{
    process::{ending_with_us, output_of, succeed},
    project::State,
};

/// Who the servers run as: whoever started us or, when that is root, which PostgreSQL refuses, somebody without rights.
#[derive(Clone)]
pub enum Account {
    Own,
    Unprivileged {
        user: User,
        /// For `setpriv`: what lets the user reach a project that lies in a folder of root's, and nothing more.
        passage: &'static [&'static str],
    },
}

impl Account {
    /// Ways through a folder that only root may pass, from none to the bluntest: containers do not give root every
    /// capability.
    const PASSAGES: [&'static [&'static str]; 3] = [
        &[],
        &["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"],
        &["--inh-caps=+dac_override", "--ambient-caps=+dac_override"],
    ];

    pub fn choose(state: &State) -> anyhow::Result<Self> {
        if !geteuid().is_root() {
            return Ok(Self::Own);
        }
        let user = ["postgres", "nobody"]
            .iter()
            .find_map(|name| User::from_name(name).ok().flatten())
            .context("root cannot run PostgreSQL, and there is neither a user postgres nor nobody")?;
        state.let_pass(user.gid.as_raw())?;
        let probe = state.path("probe");
        fs::create_dir_all(&probe)?;
        chown(&probe, Some(user.uid.as_raw()), Some(user.gid.as_raw()))?;
        for passage in Self::PASSAGES {
            let account = Self::Unprivileged { user: user.clone(), passage };
            let file = probe.join("file").display().to_string();
            if output_of(account.command(Path::new("sh")).args(["-c", ": > \"$0\"", &file])).is_ok() {
                return Ok(account);
            }
        }
        bail!(
            "the user {} cannot reach {}; move the project to a folder that others may pass through (chmod o+x)",
            user.name,
            probe.display()
        )
    }

    /// A command that runs as this account and stops should we die without a word.
    pub fn command(&self, program: &Path) -> Command {
        let mut command = ending_with_us("INT");
        if let Self::Unprivileged { user, passage } = self {
            command.arg(format!("--reuid={}", user.uid)).arg(format!("--regid={}", user.gid)).arg("--clear-groups");
            command.args(*passage);
        }
        command.arg(program);
        command
    }

    /// Makes a folder that belongs to this account alone.
    pub fn make_folder(&self, folder: PathBuf) -> anyhow::Result<PathBuf> {
        fs::create_dir_all(&folder)?;
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o700))?;
        if let Self::Unprivileged { user, .. } = self {
            // All of it: an earlier start may have run as somebody else.
            succeed(Command::new("chown").arg("-R").arg(format!("{}:{}", user.uid, user.gid)).arg(&folder))?;
        }
        Ok(folder)
    }
}
