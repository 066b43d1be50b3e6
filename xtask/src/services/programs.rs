//! Finding the servers' programs, and installing them where they are missing.

use std::{
    cmp::Reverse,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, bail};
use nix::unistd::geteuid;

use crate::process::succeed;

/// The programs of one PostgreSQL version.
pub struct PostgresPrograms {
    pub folder: PathBuf,
}

impl PostgresPrograms {
    pub fn find_or_install() -> anyhow::Result<Self> {
        let find = || postgres_folders().into_iter().find(|folder| has(folder, "postgres") && has(folder, "initdb"));
        if let Some(folder) = find() {
            return Ok(Self { folder });
        }
        install("PostgreSQL", "postgresql")?;
        find().map(|folder| Self { folder }).context("PostgreSQL was installed, but its programs cannot be found")
    }

    pub fn path(&self, program: &str) -> PathBuf {
        self.folder.join(program)
    }
}

/// Distributions keep each version's programs apart, off the `PATH`; the newest first.
fn postgres_folders() -> Vec<PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = ["/usr/lib/postgresql", "/usr/lib64/pgsql"]
        .iter()
        .filter_map(|parent| fs::read_dir(parent).ok())
        .flatten()
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .collect();
    versions.sort_by_key(|(version, _)| Reverse(*version));
    versions.into_iter().map(|(_, folder)| folder).chain(path_folders()).collect()
}

fn path_folders() -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).chain(["/usr/sbin", "/usr/local/bin"].map(PathBuf::from)).collect()
}

pub fn redis_server() -> anyhow::Result<PathBuf> {
    find_or_install("Redis", &["redis-server", "valkey-server"], "redis-server")
}

/// For `cargo xtask bench reads`.
#[cfg(feature = "load")]
pub fn wrk() -> anyhow::Result<PathBuf> {
    find_or_install("wrk", &["wrk"], "wrk")
}

/// For the test of event streams behind it, and for `cargo xtask faults`.
pub fn nginx() -> anyhow::Result<PathBuf> {
    find_or_install("nginx", &["nginx"], "nginx-light")
}

/// For `cargo xtask faults`.
#[cfg(feature = "load")]
pub fn haproxy() -> anyhow::Result<PathBuf> {
    find_or_install("HAProxy", &["haproxy"], "haproxy")
}

/// For `cargo xtask faults`.
#[cfg(feature = "load")]
pub fn prometheus() -> anyhow::Result<PathBuf> {
    find_or_install("Prometheus", &["prometheus"], "prometheus")
}

/// For `cargo xtask alerts`.
pub fn promtool() -> anyhow::Result<PathBuf> {
    find_or_install("promtool", &["promtool"], "prometheus")
}

/// PostgreSQL's client library, with what compiling against it needs: for `cargo xtask schema`.
pub fn libpq() -> anyhow::Result<()> {
    let headers = ["/usr/include/postgresql/libpq-fe.h", "/usr/include/libpq-fe.h", "/usr/include/pgsql/libpq-fe.h"];
    if headers.iter().any(|header| Path::new(header).exists()) { Ok(()) } else { install("libpq", "libpq-dev") }
}

/// For the tests that put a pooler before PostgreSQL.
pub fn pgbouncer() -> anyhow::Result<PathBuf> {
    find_or_install("PgBouncer", &["pgbouncer"], "pgbouncer")
}

/// For the tests that need a real browser.
pub fn chromium() -> anyhow::Result<PathBuf> {
    find_or_install("Chromium", &["chromium", "chromium-browser", "google-chrome"], "chromium")
}

/// What tests steer Chromium with. Debian's is of the same version as its Chromium.
pub fn chromedriver() -> anyhow::Result<PathBuf> {
    find_or_install("ChromeDriver", &["chromedriver"], "chromium-driver")
}

/// JavaScript packages as `package-lock.json` pins them, in a folder of their own. Their install scripts do not run.
pub fn node_packages(pinned: &Path, folder: &Path) -> anyhow::Result<()> {
    const FILES: [&str; 2] = ["package.json", "package-lock.json"];
    let complete = folder.join("complete");
    let mut wanted = String::new();
    for file in FILES {
        let path = pinned.join(file);
        wanted += &fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    }
    if fs::read_to_string(&complete).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    node()?;
    let npm = find_or_install("npm", &["npm"], "npm")?;
    println!("Installing the packages of {} into {}", pinned.display(), folder.display());
    fs::create_dir_all(folder)?;
    for file in FILES {
        fs::copy(pinned.join(file), folder.join(file))?;
    }
    let quiet = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
    succeed(Command::new(npm).args(quiet).current_dir(folder).stdout(Stdio::null()))?;
    fs::write(complete, wanted)?;
    Ok(())
}

/// Runs JavaScript outside a browser.
pub fn node() -> anyhow::Result<PathBuf> {
    find_or_install("Node.js", &["node", "nodejs"], "nodejs")
}

/// For the examples of the guide.
pub fn jq() -> anyhow::Result<PathBuf> {
    find_or_install("jq", &["jq"], "jq")
}

/// Other people's servers that ours are tested against, in a folder of Python's own: a fake of Stripe, and a mail
/// server.
pub fn python_with_servers(folder: &Path) -> anyhow::Result<PathBuf> {
    python_with(folder, &["localstripe==1.15.10", "aiosmtpd==1.4.6", "setuptools==80.9.0"])
}

/// A Python with these packages, in a folder of its own.
pub fn python_with(folder: &Path, packages: &[&str]) -> anyhow::Result<PathBuf> {
    let (python, complete) = (folder.join("bin/python"), folder.join("complete"));
    if fs::read_to_string(&complete).is_ok_and(|installed| installed == packages.join(" ")) {
        return Ok(python);
    }
    println!("Installing {} into {}", packages.join(", "), folder.display());
    let make = |python: &Path| succeed(Command::new(python).args(["-m", "venv", "--clear"]).arg(folder));
    let system = find_or_install("Python", &["python3"], "python3-venv")?;
    if make(&system).is_err() {
        // Debian keeps the module apart from Python itself.
        install("Python's venv", "python3-venv")?;
        make(&system)?;
    }
    succeed(
        Command::new(&python).args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).args(packages),
    )?;
    fs::write(complete, packages.join(" "))?;
    Ok(python)
}

fn find_or_install(what: &str, programs: &[&str], package: &str) -> anyhow::Result<PathBuf> {
    let folders = path_folders();
    let find = || programs.iter().find_map(|name| folders.iter().find(|f| has(f, name)).map(|f| f.join(name)));
    if let Some(program) = find() {
        return Ok(program);
    }
    install(what, package)?;
    find().with_context(|| format!("{what} was installed, but its program cannot be found"))
}

fn has(folder: &Path, program: &str) -> bool {
    folder.join(program).metadata().is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

/// Debian's packages start a server of their own right away unless this file forbids it (Debian's `invoke-rc.d(8)`).
const POLICY: &str = "/usr/sbin/policy-rc.d";

fn install(what: &str, package: &str) -> anyhow::Result<()> {
    let by_hand = format!(
        "{what} is missing: install it (Debian, Ubuntu: `apt-get install {package}`), \
         or name a running one in the environment (DATABASE_URL, REDIS_URL)"
    );
    if !path_folders().iter().any(|folder| has(folder, "apt-get")) {
        bail!("{by_hand}");
    }
    let privileges: &[&str] = if geteuid().is_root() {
        &[]
    } else if Command::new("sudo").args(["-n", "true"]).output().is_ok_and(|output| output.status.success()) {
        &["sudo", "-n"]
    } else {
        bail!("{by_hand}; this user may not, at least not without a password");
    };
    let as_root = |arguments: &[&str]| {
        let words: Vec<&str> = privileges.iter().chain(arguments).copied().collect();
        let mut command = Command::new(words[0]);
        // What goes wrong is on standard error; the rest is the package manager's chatter.
        succeed(command.args(&words[1..]).stdout(Stdio::null()))
    };

    println!("{what} is missing; installing Debian's package {package}, without letting it start a server");
    let ours = !Path::new(POLICY).exists();
    if ours {
        as_root(&["sh", "-c", &format!("printf '#!/bin/sh\\nexit 101\\n' > {POLICY} && chmod 755 {POLICY}")])?;
    }
    let apt = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq"];
    let updated = as_root(&[&apt[..], &["update"]].concat());
    let installed = updated
        .and_then(|()| as_root(&[&apt[..], &["install", "-y", "--no-install-recommends", package]].concat()))
        .with_context(|| format!("cannot install {package}; {by_hand}"));
    if ours {
        as_root(&["rm", "-f", POLICY])?;
    }
    installed?;
    if Path::new("/run/systemd/system").exists() {
        // Nor at the next boot. What is no service has nothing to disable.
        if let Err(error) = as_root(&["systemctl", "disable", "--now", package]) {
            eprintln!("xtask: {error:#}");
        }
    }
    Ok(())
}
