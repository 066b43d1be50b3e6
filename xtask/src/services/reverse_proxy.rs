use std::{
    fs,
    net::TcpStream,
    path::Path,
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, bail, ensure};
use nix::sys::signal::Signal;

use super::{
    Account, free_port,
    programs::{haproxy, nginx},
};
use crate::{
    process::Process,
    project::{self, State, open_private},
};

/// nginx or `HAProxy` before two servers, as in the configurations that are documented.
pub struct ReverseProxy {
    process: Process,
    /// Where customers come in.
    pub address: String,
}

impl ReverseProxy {
    /// What the documented configurations call the two servers.
    const SERVERS: [&str; 2] = ["10.0.0.11:8080", "10.0.0.12:8080"];

    pub fn nginx(state: &State, servers: [&str; 2]) -> anyhow::Result<Self> {
        let (account, program) = (Account::choose(state)?, nginx()?);
        let folder = account.make_folder(state.path("nginx"))?;
        let (address, other) = (format!("127.0.0.1:{}", free_port()?), free_port()?);
        // Customers come without TLS.
        let listens = [
            ("listen 443 ssl http2;", format!("listen {address};")),
            ("listen 80;", format!("listen 127.0.0.1:{other};")),
        ];
        let documented = documented("nginx.conf", servers, &listens)?;
        let without_tls = documented.lines().filter(|line| !line.trim_start().starts_with("ssl_"));
        let site = without_tls.collect::<Vec<_>>().join("\n");
        let path = folder.display();
        let bodies = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("{kind}_temp_path \"{path}/{kind}\";"))
            .join(" ");
        let whole = format!(
            "daemon off;\npid \"{path}/pid\";\nworker_processes 2;\nevents {{ worker_connections 4096; }}\n\
             http {{\naccess_log \"{path}/access.log\";\n{bodies}\n{site}\n}}\n"
        );
        fs::write(folder.join("nginx.conf"), whole)?;
        let folder = account.make_folder(folder)?;
        let mut command = account.command(&program);
        command.arg("-e").arg(folder.join("error.log")).arg("-c").arg(folder.join("nginx.conf"));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Self { process: Process::start("nginx", command, Signal::SIGTERM)?, address }.once_it_listens(&folder)
    }

    pub fn haproxy(state: &State, servers: [&str; 2]) -> anyhow::Result<Self> {
        const SORRY: &str = "comanda-unavailable.http";

        let (account, program) = (Account::choose(state)?, haproxy()?);
        let folder = account.make_folder(state.path("haproxy"))?;
        let (address, other) = (format!("127.0.0.1:{}", free_port()?), free_port()?);
        fs::copy(project::root().join("operations").join(SORRY), folder.join(SORRY))?;
        let sorry = folder.join(SORRY).display().to_string();
        let replaced = [
            ("bind :443 ssl crt /etc/ssl/comanda/comanda.pem alpn http/1.1", format!("bind {address}")),
            ("bind :80", format!("bind 127.0.0.1:{other}")),
            ("/etc/haproxy/comanda-unavailable.http", sorry),
        ];
        fs::write(folder.join("haproxy.cfg"), documented("haproxy.cfg", servers, &replaced)?)?;
        let folder = account.make_folder(folder)?;
        let log = open_private(&folder.with_extension("log"))?;
        let mut command = account.command(&program);
        command.arg("-db").arg("-f").arg(folder.join("haproxy.cfg"));
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        Self { process: Process::start("HAProxy", command, Signal::SIGTERM)?, address }.once_it_listens(&folder)
    }

    fn once_it_listens(mut self, folder: &Path) -> anyhow::Result<Self> {
        let deadline = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(&self.address).is_err() {
            self.process.ensure_alive().with_context(|| format!("see the logs in and beside {}", folder.display()))?;
            if Instant::now() > deadline {
                bail!("nobody listens on {}", self.address);
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(self)
    }
}

/// A configuration from `operations`, for the servers of ours.
fn documented(name: &str, servers: [&str; 2], replaced: &[(&str, String)]) -> anyhow::Result<String> {
    let path = project::root().join("operations").join(name);
    let mut text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let addresses = ReverseProxy::SERVERS.into_iter().zip(servers);
    for (from, to) in addresses.chain(replaced.iter().map(|(from, to)| (*from, to.as_str()))) {
        ensure!(text.contains(from), "{from:?} is not in {}", path.display());
        text = text.replace(from, to);
    }
    Ok(text)
}
