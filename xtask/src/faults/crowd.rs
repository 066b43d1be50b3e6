//! More clients than a server has room for.

use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::rush::stage::Stage;

/// Connections that stay open, and ask for nothing more.
pub struct Crowd {
    _kept: Vec<TcpStream>,
}

impl Crowd {
    /// How many connections a server has at most.
    pub const ALLOWED: usize = 2500;
    /// How many of them are kept before the rest comes.
    const KEPT: usize = 2000;

    /// All of it comes to the first server: as many as are allowed, and as many again, which are refused.
    pub async fn gather(stage: &Stage) -> anyhow::Result<Self> {
        let limit = getrlimit(Resource::Nofile);
        setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit })?;
        let (crowded, address) = (stage.servers.first().context("a server")?, &stage.addresses[0]);
        let before = crowded.resident_memory()?;
        let mut kept = Vec::new();
        while kept.len() < Self::KEPT {
            let (stream, status) = ask(address).await?;
            ensure!(status == "200", "{status} instead of 200 on connection {}", kept.len() + 1);
            kept.push(stream);
        }
        let memory = crowded.resident_memory()?.saturating_sub(before) / Self::KEPT as u64;
        let (mut served, mut refused) = (Self::KEPT, 0);
        let begin = Instant::now();
        while served + refused < 2 * Self::ALLOWED {
            let (stream, status) = ask(address).await?;
            match status.as_str() {
                "200" => {
                    kept.push(stream);
                    served += 1;
                }
                "503" => refused += 1,
                status => bail!("{status} instead of 503 on connection {}", served + refused + 1),
            }
        }
        let each = begin.elapsed() / u32::try_from(2 * Self::ALLOWED - Self::KEPT)?;
        println!("{served} connections are served, {memory} bytes each; {refused} are refused, after {each:?} each");
        ensure!(served <= Self::ALLOWED && refused >= Self::ALLOWED, "{served} connections, and {refused} refused");
        Ok(Self { _kept: kept })
    }
}

/// Asks on a new connection, and says what the status is.
async fn ask(address: &str) -> anyhow::Result<(TcpStream, String)> {
    let attempt = async {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(format!("GET /health/live HTTP/1.1\r\nhost: {address}\r\n\r\n").as_bytes()).await?;
        let mut response = [0; 2048];
        let length = stream.read(&mut response).await?;
        let response = String::from_utf8_lossy(&response[..length]).into_owned();
        let status = response.split(' ').nth(1).context("no response")?.to_owned();
        anyhow::Ok((stream, status))
    };
    tokio::time::timeout(Duration::from_secs(5), attempt).await.context("a connection hangs")?
}
