//! Programs that run beside this one and end with it.

use std::{
    process::{Child, Command, ExitStatus},
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use std::os::unix::process::CommandExt;

use crate::interrupt;

/// A program that is told to stop, and waited for, when this is dropped.
pub struct Process {
    name: &'static str,
    child: Child,
    stop_with: Signal,
}

impl Process {
    /// How long a program may take to stop before it is killed.
    const STOP_TIMEOUT: Duration = Duration::from_secs(30);

    /// In a process group of its own, so that a Ctrl-C meant for us does not stop the database before the server.
    pub fn start(name: &'static str, mut command: Command, stop_with: Signal) -> anyhow::Result<Self> {
        let child = command.process_group(0).spawn().with_context(|| format!("cannot start {name}"))?;
        Ok(Self { name, child, stop_with })
    }

    #[cfg(feature = "load")]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn has_ended(&mut self) -> anyhow::Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// Fails when the program has ended by itself, or when this task was asked to stop.
    pub fn ensure_alive(&mut self) -> anyhow::Result<()> {
        interrupt::check()?;
        match self.has_ended()? {
            None => Ok(()),
            Some(status) => bail!("{} has ended: {status}", self.name),
        }
    }

    /// As if the power had failed.
    #[cfg(feature = "load")]
    pub fn kill(&mut self) -> anyhow::Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Signals the program and everything it has started.
    #[cfg(feature = "load")]
    pub fn signal_family(&self, signal: Signal) -> anyhow::Result<()> {
        let parent = self.child.id();
        for entry in std::fs::read_dir("/proc")?.flatten() {
            let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok()) else { continue };
            // It may have ended since it was listed.
            let Ok(stat) = std::fs::read_to_string(entry.path().join("stat")) else { continue };
            // After the name in parentheses: the state, and the parent (proc_pid_stat(5)).
            let parent_of_it = stat.rsplit_once(") ").and_then(|(_, rest)| rest.split(' ').nth(1)?.parse::<u32>().ok());
            if parent_of_it == Some(parent) {
                let _ = kill(Pid::from_raw(pid), signal);
            }
        }
        Ok(kill(Pid::from_raw(i32::try_from(parent)?), signal)?)
    }

    pub fn stop(&mut self) -> anyhow::Result<ExitStatus> {
        let pid = Pid::from_raw(i32::try_from(self.child.id())?);
        if let Some(status) = self.has_ended()? {
            return Ok(status);
        }
        kill(pid, self.stop_with)?;
        let deadline = Instant::now() + Self::STOP_TIMEOUT;
        while Instant::now() < deadline {
            if let Some(status) = self.has_ended()? {
                return Ok(status);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        eprintln!("xtask: {} does not stop; killing it", self.name);
        self.child.kill()?;
        Ok(self.child.wait()?)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Err(error) = self.stop() {
            eprintln!("xtask: cannot stop {}: {error:#}", self.name);
        }
    }
}

/// A command that gets the signal (`TERM`, `INT`) should we die without a word. `setpriv` is part of util-linux.
pub fn ending_with_us(signal: &str) -> Command {
    let mut command = Command::new("setpriv");
    command.arg(format!("--pdeathsig={signal}"));
    command
}

/// Runs a command to its end.
pub fn succeed(command: &mut Command) -> anyhow::Result<()> {
    let status = command.status().with_context(|| format!("cannot run {}", command.get_program().display()))?;
    if !status.success() {
        bail!("{} failed: {status}", command.get_program().display());
    }
    Ok(())
}

/// What a command prints.
pub fn output_of(command: &mut Command) -> anyhow::Result<String> {
    let output = command.output().with_context(|| format!("cannot run {}", command.get_program().display()))?;
    if !output.status.success() {
        let complaint = String::from_utf8_lossy(&output.stderr);
        bail!("{} failed: {}\n{}", command.get_program().display(), output.status, complaint.trim_end());
    }
    Ok(String::from_utf8(output.stdout)?)
}
