//! What the `comanda` binary is made of: the HTTP server, its configuration, and the commands an operator needs beside
//! it.
//!
//! The binary calls [`run`]. Everything else is in here rather than there so that tests can run handlers in process.

#![expect(unreachable_pub, reason = "the crate serves one program: `pub` says what a module offers the others")]

#[cfg(all(feature = "planted", not(debug_assertions)))]
compile_error!("faults are planted for tests: a build without debug assertions cannot have them");

mod app;
mod commands;
mod config;
mod exit;
mod flags;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
mod http;
mod logging;
mod observability;
mod security;
mod signals;
mod spreadsheet;
mod system;
mod systemd;
mod traces;
mod workers;

use std::{io::Write, process::ExitCode};

use clap::Parser;
use comanda_domain::ports::Causes;

use crate::commands::Comanda;

/// Runs the command on the command line to its end, and says how it went.
pub fn run() -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            complain(&anyhow::Error::from(error).context("cannot start the runtime"));
            return ExitCode::FAILURE;
        }
    };
    let code = match runtime.block_on(Comanda::parse().run()) {
        Ok(code) => code,
        Err(error) => {
            complain(&error);
            exit::code_of(&error)
        }
    };
    // A command that was stopped does not wait for the thread on which a migration is still under way.
    runtime.shutdown_background();
    code
}

/// Prints an error, and does not panic if nobody reads it.
fn complain(error: &anyhow::Error) {
    let _ = writeln!(std::io::stderr(), "comanda: {}", Causes(&**error));
}
