//! What a developer or a newcomer runs: `cargo xtask help`.

#![allow(clippy::print_stdout, reason = "a command for people prints")]
#![allow(unreachable_pub, reason = "in a program, `pub` says what a module offers the others")]

mod alerts;
mod bench;
mod cargo;
mod comanda;
mod env;
mod faults;
mod fill;
mod http;
mod openapi;
mod process;
mod project;
mod run;
mod rush;
mod services;
mod test;

use std::process::ExitCode;

use clap::Parser;

/// Brings up what Comanda needs, and runs it, tests it and puts it under load.
#[derive(Parser)]
enum Task {
    /// Bring up private PostgreSQL and Redis, load a sample menu and serve until Ctrl-C
    Run,
    /// Bring up private PostgreSQL and Redis and run every test; arguments go to `cargo test`
    #[command(trailing_var_arg = true)]
    Test {
        #[arg(allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Print the `export` lines of the private instances that `cargo xtask run` has up, for another shell
    Env,
    /// Have many customers buy at once, then hold the tables against every invariant
    Rush(rush::RushArguments),
    /// Fill the books of the running instance with many orders, to see how it fares when it is not new any more
    Fill(fill::FillArguments),
    /// Break what Comanda stands on, under load, and look at what its customers are told
    Faults(faults::FaultsArguments),
    /// Hold the alert rules and the dashboard against Prometheus's own tool and the metrics that there are
    Alerts,
    /// Check openapi.json with a validator and a generator of clients
    Openapi,
    /// Measure
    #[command(subcommand)]
    Bench(bench::Bench),
}

#[tokio::main]
async fn main() -> ExitCode {
    let outcome = match Task::parse() {
        Task::Run => run::run().await,
        Task::Test { arguments } => test::run(&arguments).await,
        Task::Env => env::run(),
        Task::Rush(arguments) => rush::run(arguments).await,
        Task::Fill(arguments) => fill::run(&arguments).await,
        Task::Faults(arguments) => faults::run(&arguments).await,
        Task::Alerts => alerts::run(),
        Task::Openapi => openapi::run(),
        Task::Bench(bench) => bench.run().await,
    };
    match outcome {
        Ok(code) => code,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
