use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::Duration,
};

use comanda_undo_journal::{Journals, Lost};
use nix::{
    errno::Errno,
    sys::signal::{Signal, kill},
    unistd::Pid,
};

/// Power that the files in a folder depend on: what was not flushed is gone when it fails.
pub struct Power {
    /// The library `disk-shim`.
    shim: PathBuf,
    data: PathBuf,
    undo: PathBuf,
}

impl Power {
    /// Both folders exist, and nobody else uses the second.
    pub fn of(shim: PathBuf, data: &Path, undo: &Path) -> io::Result<Self> {
        Ok(Self { shim, data: data.canonicalize()?, undo: undo.canonicalize()? })
    }

    /// What makes a program depend on it.
    pub fn variables(&self) -> [(&'static str, &PathBuf); 3] {
        [("LD_PRELOAD", &self.shim), ("COMANDA_DATA_FOLDER", &self.data), ("COMANDA_UNDO_FOLDER", &self.undo)]
    }

    /// A program that depends on it.
    pub fn feed(&self, command: &mut Command) {
        command.envs(self.variables());
    }

    /// Takes back what was not flushed. The programs must have ended.
    pub fn fail(&self) -> io::Result<Lost> {
        Journals::in_folder(&self.undo).lose_power(&self.data)
    }
}

/// Kills a process and those that it has started, all at one moment: they are stopped first, so that none is in the
/// middle of a write, and none notices that another has died. The caller waits for the process itself.
pub fn kill_at_once(parent: u32) -> io::Result<()> {
    let parent = Pid::from_raw(i32::try_from(parent).map_err(io::Error::other)?);
    stop(parent)?;
    let children: Vec<Pid> =
        processes()?.filter(|process| process.parent == parent).map(|process| process.id).collect();
    for child in &children {
        signal(*child, Signal::SIGSTOP)?;
    }
    for child in &children {
        stop(*child)?;
    }
    for process in children.iter().chain([&parent]) {
        signal(*process, Signal::SIGKILL)?;
    }
    let is_left = |process: &Process| children.contains(&process.id) && process.state != 'Z';
    while processes()?.any(|process| is_left(&process)) {
        thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

/// Returns once it stands still, or has ended.
fn stop(id: Pid) -> io::Result<()> {
    signal(id, Signal::SIGSTOP)?;
    while Process::read(id).is_some_and(|process| !matches!(process.state, 'T' | 'Z' | 'X')) {
        thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

/// One that has ended needs no signal.
fn signal(id: Pid, signal: Signal) -> io::Result<()> {
    match kill(id, signal) {
        Ok(()) | Err(Errno::ESRCH) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

struct Process {
    id: Pid,
    parent: Pid,
    state: char,
}

impl Process {
    /// `None`: it has ended.
    fn read(id: Pid) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        // After the name in parentheses: the state, and the parent (proc_pid_stat(5)).
        let mut words = stat.rsplit_once(") ")?.1.split(' ');
        let state = words.next()?.chars().next()?;
        Some(Self { id, parent: Pid::from_raw(words.next()?.parse().ok()?), state })
    }
}

fn processes() -> io::Result<impl Iterator<Item = Process>> {
    let ids = fs::read_dir("/proc")?.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    Ok(ids.filter_map(|id| Process::read(Pid::from_raw(id))))
}
