//! Building a binary of the workspace, with one line that says how far the build is.

use std::{
    collections::HashSet,
    io::{BufRead, BufReader, IsTerminal, Read, Write},
    path::PathBuf,
    process::Stdio,
    sync::mpsc::{RecvTimeoutError, Sender, channel},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use serde_json::Value;

use crate::{
    cargo::cargo,
    interrupt,
    process::{output_of, succeed},
};

/// How a binary is built.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// For tests: with assertions.
    Development,
    /// Built in the least time that makes a usable server.
    Trial,
    /// As it is shipped.
    Release,
}

impl Profile {
    const fn argument(self) -> &'static str {
        match self {
            Self::Development => "--profile=dev",
            Self::Trial => "--profile=trial",
            Self::Release => "--profile=release",
        }
    }
}

/// A binary to build, or a library for programs in other languages.
#[derive(Clone, Copy)]
pub struct Build {
    pub package: &'static str,
    pub binary: &'static str,
    pub profile: Profile,
    /// Besides the default ones.
    pub features: &'static [&'static str],
    /// What follows the build, for the progress line.
    pub next: &'static str,
}

impl Build {
    /// Builds the binary and returns its path.
    pub fn run(self) -> anyhow::Result<PathBuf> {
        fetch()?;
        let mut progress = Progress::new(self, self.count_crates()?);
        let color = if progress.terminal { "--color=always" } else { "--color=never" };
        let mut child = cargo()
            .args(["build", "--quiet", color, "--message-format=json-render-diagnostics"])
            .args(["--package", self.package, self.profile.argument()])
            .args(self.features.iter().map(|feature| format!("--features={feature}")))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("cannot run cargo")?;

        let (sender, received) = channel();
        let readers = [
            child.stdout.take().map(|output| forward(output, sender.clone(), Output::Message)),
            child.stderr.take().map(|output| forward(output, sender, Output::Diagnostic)),
        ];
        let mut executable = None;
        loop {
            match received.recv_timeout(Duration::from_millis(500)) {
                Ok(Output::Diagnostic(line)) => progress.print_above(&line),
                Ok(Output::Message(line)) => {
                    let Ok(message) = serde_json::from_str::<Value>(&line) else { continue };
                    executable = self.result(&message).or(executable);
                    progress.record(&message);
                }
                Err(RecvTimeoutError::Timeout) => progress.draw(),
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if interrupt::is_requested() {
                child.kill()?;
            }
        }
        for reader in readers.into_iter().flatten() {
            reader.join().map_err(|_| anyhow::anyhow!("reading cargo's output panicked"))?;
        }
        let status = child.wait()?;
        interrupt::check()?;
        progress.finish(status.success());
        if !status.success() {
            bail!("{} does not build", self.binary);
        }
        executable.context("cargo did not say where it put the binary")
    }

    /// Where the binary is, or the library for programs in other languages, if this is the message that says so.
    fn result(self, message: &Value) -> Option<PathBuf> {
        let is_library = message["target"]["kind"][0] == "cdylib" && message["target"]["name"] == self.binary;
        let path = if is_library { &message["filenames"][0] } else { &message["executable"] };
        path.as_str().map(PathBuf::from)
    }

    /// How many crates the build consists of.
    fn count_crates(self) -> anyhow::Result<usize> {
        let tree = output_of(
            cargo()
                .args(["tree", "--edges=normal,build", "--prefix=none", "--format={p}"])
                .args(["--package", self.package]),
        )?;
        // A crate that was listed before ends in `(*)`.
        let crates: HashSet<&str> = tree.lines().map(|line| line.trim_end_matches(" (*)")).collect();
        Ok(crates.len())
    }
}

/// Downloads dependencies that are not there yet.
fn fetch() -> anyhow::Result<()> {
    let fetch = || {
        let mut command = cargo();
        command.args(["fetch", "--quiet"]).args(host().map(|host| format!("--target={host}")));
        command
    };
    if output_of(fetch().arg("--offline")).is_err() {
        eprintln!("downloading dependencies");
        succeed(&mut fetch())?;
    }
    Ok(())
}

/// The target triple of this machine: dependencies of other platforms need not be downloaded.
fn host() -> Option<String> {
    let version = output_of(std::process::Command::new("rustc").arg("-vV")).ok()?;
    version.lines().find_map(|line| line.strip_prefix("host: ").map(str::to_owned))
}

/// A line of cargo's output.
enum Output {
    /// On standard output: JSON.
    Message(String),
    /// On standard error: warnings and errors as text.
    Diagnostic(String),
}

fn forward(
    output: impl Read + Send + 'static,
    sender: Sender<Output>,
    wrap: fn(String) -> Output,
) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        // A compiler's message may be in any encoding.
        for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
            if sender.send(wrap(String::from_utf8_lossy(&line).into_owned())).is_err() {
                return;
            }
        }
    })
}

/// On a terminal, one line that is redrawn; elsewhere a line per tenth.
struct Progress {
    build: Build,
    total: usize,
    built: HashSet<String>,
    /// Whether anything was compiled, rather than found as built before.
    compiled: bool,
    reported_tenths: usize,
    terminal: bool,
    begin: Instant,
}

impl Progress {
    fn new(build: Build, total: usize) -> Self {
        let terminal = std::io::stderr().is_terminal();
        Self {
            build,
            total,
            built: HashSet::new(),
            compiled: false,
            reported_tenths: 0,
            terminal,
            begin: Instant::now(),
        }
    }

    /// Takes note of a crate that is finished.
    fn record(&mut self, message: &Value) {
        let is_artifact = message["reason"] == "compiler-artifact";
        let is_build_script = message["target"]["kind"][0] == "custom-build";
        let (true, false, Some(id)) = (is_artifact, is_build_script, message["package_id"].as_str()) else { return };
        self.compiled |= message["fresh"] == false;
        if self.built.insert(id.to_owned()) && self.compiled {
            let tenths = self.built.len() * 10 / self.total.max(1);
            if self.terminal {
                self.draw();
            } else if tenths > self.reported_tenths {
                self.reported_tenths = tenths;
                eprintln!("{}", self.line());
            }
        }
    }

    fn line(&self) -> String {
        let (built, Build { binary, next, .. }) = (self.built.len(), self.build);
        format!("building {binary}: {built} of {} crates, {}; next: {next}", self.total.max(built), self.elapsed())
    }

    fn elapsed(&self) -> String {
        let seconds = self.begin.elapsed().as_secs();
        if seconds < 60 { format!("{seconds} s") } else { format!("{} min {} s", seconds / 60, seconds % 60) }
    }

    fn draw(&self) {
        if self.terminal && self.compiled {
            eprint!("\r\x1b[K{}", self.line());
            // A line that cannot be shown is no reason to stop.
            let _ = std::io::stderr().flush();
        }
    }

    fn erase(&self) {
        if self.terminal && self.compiled {
            eprint!("\r\x1b[K");
        }
    }

    fn print_above(&self, line: &str) {
        self.erase();
        eprintln!("{line}");
    }

    fn finish(&self, succeeded: bool) {
        self.erase();
        if succeeded && self.compiled {
            eprintln!("built {} in {}", self.build.binary, self.elapsed());
        }
    }
}
