//! What systemd is told of a server that it started with `Type=notify` (`sd_notify(3)`).

use std::{
    io,
    os::{
        linux::net::SocketAddrExt,
        unix::{
            ffi::OsStrExt,
            net::{SocketAddr, UnixDatagram},
        },
    },
    time::Duration,
};

/// What systemd is told.
#[derive(Clone, Copy, Debug)]
pub enum State {
    Ready,
    Stopping,
    /// Once more.
    Alive,
}

impl State {
    fn message(self) -> &'static [u8] {
        match self {
            Self::Ready => b"READY=1",
            Self::Stopping => b"STOPPING=1",
            Self::Alive => b"WATCHDOG=1",
        }
    }
}

/// Tells systemd, if it listens.
pub fn notify(state: State) {
    if let Err(error) = send(state) {
        tracing::warn!(?state, %error, "systemd cannot be told");
    }
}

fn send(state: State) -> io::Result<()> {
    let Some(path) = std::env::var_os("NOTIFY_SOCKET").filter(|path| !path.is_empty()) else { return Ok(()) };
    let address = match path.as_bytes().strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(&path)?,
    };
    UnixDatagram::unbound()?.send_to_addr(state.message(), &address)?;
    Ok(())
}

/// If systemd watches this process, tells it twice per period that the server's runtime still runs. Never returns.
pub async fn stay_alive() {
    let number = |name: &str| std::env::var(name).ok()?.parse::<u64>().ok();
    let is_ours =
        std::env::var_os("WATCHDOG_PID").is_none() || number("WATCHDOG_PID") == Some(std::process::id().into());
    let Some(period) = number("WATCHDOG_USEC").filter(|period| *period > 0 && is_ours) else {
        return std::future::pending().await;
    };
    loop {
        notify(State::Alive);
        tokio::time::sleep(Duration::from_micros(period) / 2).await;
    }
}
