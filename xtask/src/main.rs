//! Tasks for developers and newcomers: `cargo xtask help`.

#![expect(clippy::print_stdout, reason = "a command for people prints")]
#![expect(unreachable_pub, reason = "in a program, `pub` says what a module offers the others")]

mod alerts;
#[cfg(feature = "load")]
mod bench;
mod build;
mod cargo;
mod clients;
mod comanda;
mod conform;
#[cfg(feature = "load")]
mod crashes;
mod env;
#[cfg(feature = "load")]
mod faults;
#[cfg(feature = "load")]
mod fill;
mod fuzz;
mod guide;
#[cfg(feature = "load")]
mod http;
mod interrupt;
mod load;
#[cfg(feature = "load")]
mod machine;
mod openapi;
mod pages;
mod process;
mod project;
#[cfg(feature = "load")]
mod prove;
#[cfg(feature = "load")]
mod receiver;
mod run;
#[cfg(feature = "load")]
mod rush;
mod samples;
mod schema;
mod selection;
mod services;
mod shop;
#[cfg(feature = "load")]
mod soak;
mod test;
mod upgrade;

use std::process::ExitCode;

use clap::Parser;

use self::{build::Profile, load::Unparsed};

/// Starts what Comanda needs, then runs it, tests it or puts it under load.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Task {
    /// Start a private PostgreSQL and Redis, load a sample menu and serve until Ctrl-C
    Run,
    /// Start a private PostgreSQL and Redis and run every test; arguments go to `cargo test`
    #[command(trailing_var_arg = true)]
    Test {
        #[arg(allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Have servers of the last version that landed serve beside those of this one, on one database and one Redis
    Upgrade {
        /// The commit to compare with, instead of `origin/main`, or the one that `.ci/upgrade-baseline` names
        baseline: Option<String>,
    },
    /// Print `export` lines for the instances that `cargo xtask run` has started, for use in another shell
    Env,
    /// Have many customers order at once, then check every invariant against the database
    #[command(disable_help_flag = true)]
    Rush(Unparsed),
    /// Fill the running instance's database with two months of sample orders and all that comes with them
    #[command(disable_help_flag = true)]
    Fill(Unparsed),
    /// Break PostgreSQL, Redis, the network and servers under load, and check what customers see
    #[command(disable_help_flag = true)]
    Faults(Unparsed),
    /// Crash PostgreSQL under load, again and again, and check that nothing confirmed or announced is lost
    #[command(disable_help_flag = true)]
    Crashes(Unparsed),
    /// Have many people work with several servers while much of it breaks, and check that every response was allowed
    #[command(disable_help_flag = true)]
    Prove(Unparsed),
    /// Serve a steady load for half an hour, and check that memory and connections stay as they are
    #[command(disable_help_flag = true)]
    Soak(Unparsed),
    /// Check the alert rules and the dashboard with Prometheus's own tool and against the metrics in the code
    Alerts,
    /// Check openapi.json with a validator and a client generator
    Openapi,
    /// Check that the server does what openapi.json says, whoever calls it with whatever
    Conform(conform::ConformArguments),
    /// Look for bytes that make what reads requests, files and signatures panic
    Fuzz(fuzz::FuzzArguments),
    /// Check the types of the pages' scripts against openapi.json
    Pages,
    /// Generate clients from openapi.json in three languages, and have each order from a private server
    Clients,
    /// Build the guide, refuse dead links, and run its examples against a private server
    Guide,
    /// Regenerate the PostgreSQL adapter's `schema.rs` from a private PostgreSQL with every migration applied
    Schema {
        /// Change nothing, and fail if there is anything to change
        #[arg(long)]
        check: bool,
    },
    /// Measure how fast it is, beside what it could be at best, and write a page with tables and plots
    #[command(disable_help_flag = true)]
    Bench(Unparsed),
}

fn main() -> ExitCode {
    let outcome = match Task::parse() {
        Task::Run => run::run(),
        // Not as they were parsed: a leading `--` is lost then, and with it what is for the tests themselves.
        Task::Test { .. } => test::run(&std::env::args().skip(2).collect::<Vec<_>>()),
        Task::Upgrade { baseline } => upgrade::run(baseline),
        Task::Env => env::run(),
        Task::Alerts => alerts::run(),
        Task::Openapi => openapi::run(),
        Task::Conform(arguments) => conform::run(&arguments),
        Task::Fuzz(arguments) => fuzz::run(&arguments),
        Task::Pages => pages::run(),
        Task::Clients => clients::run(),
        Task::Guide => guide::run(),
        Task::Schema { check } => schema::run(check),
        // The load generator is part of what a measurement shows, and is optimized unless the rest is not either.
        Task::Bench(_) if std::env::args().any(|argument| argument == "--unoptimized") => {
            load::run(Profile::Development)
        }
        Task::Bench(_) | Task::Rush(_) | Task::Fill(_) => load::run(Profile::Release),
        // What holds is asked, not how fast: the build that the tests have made already will do.
        Task::Faults(_) | Task::Crashes(_) | Task::Prove(_) | Task::Soak(_) => load::run(Profile::Development),
    };
    match outcome {
        Ok(code) => code,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
