//! The `comanda` binary: the HTTP server and what an operator needs beside it.

#![allow(unreachable_pub, reason = "in a program, `pub` says what a module offers the others")]

mod app;
mod commands;
mod config;
mod deliver_events;
mod flags;
mod http;
mod identity;
mod logging;
mod system;
mod traces;

use std::process::ExitCode;

use clap::Parser;

use crate::commands::Comanda;

fn main() -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("comanda: cannot start the runtime: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(Comanda::parse().run()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("comanda: {error:#}");
            ExitCode::FAILURE
        }
    }
}
