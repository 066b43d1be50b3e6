//! `cargo xtask env`

use std::{collections::HashMap, fs, net::TcpStream, path::PathBuf, process::ExitCode};

use anyhow::{Context, bail};

use crate::{
    comanda::{Admin, Comanda, Server},
    project::{State, folder_of, write_private},
};

const FILE: &str = "running.json";

/// What another shell needs to work with the running instances. Gone when they are.
pub struct Exports {
    path: PathBuf,
}

impl Exports {
    pub fn write(state: &State, comanda: &Comanda, admin: &Admin, server: &Server) -> anyhow::Result<Self> {
        let mut exports: HashMap<&str, &str> =
            comanda.settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let program = comanda.program.display().to_string();
        exports.extend([
            ("COMANDA_PROGRAM", program.as_str()),
            ("COMANDA_ADDR", server.address.as_str()),
            ("ADMIN_EMAIL", admin.email.as_str()),
            ("ADMIN_PASSWORD", admin.password.as_str()),
        ]);
        let path = state.path(FILE);
        write_private(&path, &serde_json::to_string(&exports)?)?;
        Ok(Self { path })
    }

    /// Those of the running instances, if any run.
    pub fn read() -> Option<HashMap<String, String>> {
        let text = fs::read_to_string(folder_of("run").join(FILE)).ok()?;
        let exports: HashMap<String, String> = serde_json::from_str(&text).ok()?;
        // A file that outlived its server says nothing.
        TcpStream::connect(exports.get("COMANDA_ADDR")?).ok().map(|_| exports)
    }
}

impl Drop for Exports {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.path).context("cannot remove the exports") {
            eprintln!("xtask: {error:#}");
        }
    }
}

pub fn run() -> anyhow::Result<ExitCode> {
    let Some(exports) = Exports::read() else { bail!("nothing runs; start `cargo xtask run` first") };
    let mut lines: Vec<String> =
        exports.iter().map(|(name, value)| format!("export {name}='{}'", value.replace('\'', r"'\''"))).collect();
    lines.sort();
    println!("{}", lines.join("\n"));
    Ok(ExitCode::SUCCESS)
}
