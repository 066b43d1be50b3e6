use std::{
    io::{Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use nix::sys::signal::Signal;

use super::{Account, Durability, free_port, programs::redis_server};
use crate::{
    process::Process,
    project::{State, random_secret, write_private},
};

/// A private Redis.
pub struct Redis {
    process: Process,
    #[cfg_attr(not(feature = "load"), expect(dead_code, reason = "for the commands that break and restart it"))]
    program: PathBuf,
    #[cfg_attr(not(feature = "load"), expect(dead_code, reason = "for the commands that break and restart it"))]
    account: Account,
    pub port: u16,
    pub folder: PathBuf,
    password: String,
}

impl Redis {
    /// Enough for each test to have a numbered database of its own.
    const DATABASES: u16 = 1024;

    pub fn start(state: &State, account: &Account, durability: Durability) -> anyhow::Result<Self> {
        let program = redis_server()?;
        let password = state.keep("redis-password", || Ok(random_secret()))?;
        let folder = account.make_folder(state.path("redis"))?;
        let port = free_port()?;
        // In a file, since everybody on the machine can read a command line.
        let text = format!(
            "bind 127.0.0.1\nport {port}\nrequirepass {password}\ndatabases {}\n\
             dir \"{}\"\nlogfile \"{}\"\nsave 60 1\nappendonly {}\n",
            Self::DATABASES,
            folder.display(),
            folder.join("redis.log").display(),
            if durability == Durability::Full { "yes" } else { "no" },
        );
        write_private(&folder.join("redis.conf"), &text)?;
        account.make_folder(folder.clone())?;
        let process = launch(&program, account, &folder)?;
        let mut redis = Self { process, program, account: account.clone(), port, folder, password };
        redis.wait_until_it_answers()?;
        Ok(redis)
    }

    /// As if the power had failed.
    #[cfg(feature = "load")]
    pub fn kill(&mut self) -> anyhow::Result<()> {
        self.process.kill()
    }

    #[cfg(feature = "load")]
    pub fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        self.process.signal_family(signal)
    }

    /// Starts it again where it was.
    #[cfg(feature = "load")]
    pub fn start_again(&mut self) -> anyhow::Result<()> {
        self.process = launch(&self.program, &self.account, &self.folder)?;
        self.wait_until_it_answers()
    }

    /// Runs a command that is answered with `OK`.
    #[cfg(feature = "load")]
    pub fn command(&self, command: &str) -> anyhow::Result<()> {
        self.command_with(&self.password, command)
    }

    /// As long as it has another password than it was started with.
    #[cfg(feature = "load")]
    pub fn command_with(&self, password: &str, command: &str) -> anyhow::Result<()> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.write_all(format!("AUTH {password}\r\n{command}\r\n").as_bytes())?;
        let mut reply = [0; 8];
        stream.read_exact(&mut reply)?;
        if &reply != b"+OK\r\n+OK" {
            bail!("it replied {:?}", String::from_utf8_lossy(&reply));
        }
        Ok(())
    }

    /// Requires another password, and ends the connections that have given the old one.
    #[cfg(feature = "load")]
    pub fn change_password(&self, from: &str, to: &str) -> anyhow::Result<()> {
        self.command_with(from, &format!("CONFIG SET requirepass {to}"))?;
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.write_all(format!("AUTH {to}\r\nCLIENT KILL TYPE normal\r\n").as_bytes())?;
        let mut reply = [0; 6];
        stream.read_exact(&mut reply)?;
        if &reply != b"+OK\r\n:" {
            bail!("it replied {:?}", String::from_utf8_lossy(&reply));
        }
        Ok(())
    }

    #[cfg(feature = "load")]
    pub fn password(&self) -> &str {
        &self.password
    }

    pub fn url(&self) -> String {
        format!("redis://:{}@127.0.0.1:{}/0", self.password, self.port)
    }

    fn wait_until_it_answers(&mut self) -> anyhow::Result<()> {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            self.process.ensure_alive().with_context(|| format!("see redis.log in {}", self.folder.display()))?;
            match self.ping() {
                Ok(()) => return Ok(()),
                Err(error) if Instant::now() > deadline => return Err(error).context("it does not reply"),
                Err(_) => thread::sleep(Duration::from_millis(50)),
            }
        }
    }

    fn ping(&self) -> anyhow::Result<()> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.write_all(format!("AUTH {}\r\nPING\r\n", self.password).as_bytes())?;
        let mut reply = [0; 12];
        stream.read_exact(&mut reply)?;
        if &reply != b"+OK\r\n+PONG\r\n" {
            bail!("it replied {:?}", String::from_utf8_lossy(&reply));
        }
        Ok(())
    }
}

fn launch(program: &Path, account: &Account, folder: &Path) -> anyhow::Result<Process> {
    let mut command = account.command(program);
    command.arg(folder.join("redis.conf")).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    Process::start("Redis", command, Signal::SIGTERM)
}
