//! What an operator tells a running server by signals.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Every signal that would end the process if nobody listened for it, except those that mean a crash.
pub struct Signals {
    interrupt: Signal,
    terminate: Signal,
    quit: Signal,
    hang_up: Signal,
    user_1: Signal,
    user_2: Signal,
}

/// What a signal means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// Finish and end. The exit code is for whoever cannot wait.
    Stop { exit_code: i32 },
    /// Log how things stand.
    Report,
    /// Read again what can be read again.
    Reload,
    /// Nothing, for this server.
    Nothing(&'static str),
}

impl Signals {
    /// From now on none of them ends the process by itself. Must be called within a tokio runtime.
    pub fn listen() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            quit: signal(SignalKind::quit())?,
            hang_up: signal(SignalKind::hangup())?,
            user_1: signal(SignalKind::user_defined1())?,
            user_2: signal(SignalKind::user_defined2())?,
        })
    }

    /// Waits for the next one.
    pub async fn next(&mut self) -> Told {
        // As a shell has it.
        let stop = |kind: SignalKind| Told::Stop { exit_code: 128 + kind.as_raw_value() };
        tokio::select! {
            _ = self.interrupt.recv() => stop(SignalKind::interrupt()),
            _ = self.terminate.recv() => stop(SignalKind::terminate()),
            _ = self.quit.recv() => Told::Report,
            _ = self.hang_up.recv() => Told::Reload,
            _ = self.user_1.recv() => Told::Nothing("SIGUSR1"),
            _ = self.user_2.recv() => Told::Nothing("SIGUSR2"),
        }
    }
}
