//! The commands behind the feature `load`.
//!
//! They need an HTTP client, a PostgreSQL client and more, and what measures needs an optimized build. So the `xtask`
//! that `cargo xtask` builds leaves them out, and hands these commands to a second build of itself, with the feature.

use std::{ffi::OsString, process::ExitCode};

use clap::Args;

use crate::build::Profile;

/// Arguments that the second build parses.
#[derive(Args)]
pub struct Unparsed {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    _arguments: Vec<OsString>,
}

#[cfg(not(feature = "load"))]
pub fn run(profile: Profile) -> anyhow::Result<ExitCode> {
    use std::os::unix::process::CommandExt;

    use anyhow::Context;

    use crate::build::Build;

    let next = "running the command";
    let program = Build { package: "xtask", binary: "xtask", profile, features: &[], next }.run()?;
    // In this process's place, so that a signal to it reaches the command, and the exit code is the command's own.
    Err(std::process::Command::new(program).args(std::env::args_os().skip(1)).exec()).context("cannot run the command")
}

#[cfg(feature = "load")]
pub fn run(_: Profile) -> anyhow::Result<ExitCode> {
    use clap::Parser;

    use crate::{bench, crashes, faults, fill, prove, rush, soak};

    /// Puts Comanda under load.
    #[derive(Parser)]
    #[command(name = "cargo xtask", bin_name = "cargo xtask")]
    enum Task {
        /// Have many customers order at once, then check every invariant against the database
        Rush(rush::RushArguments),
        /// Fill the running instance's database with two months of sample orders and all that comes with them
        Fill(fill::FillArguments),
        /// Break PostgreSQL, Redis, the network and servers under load, and check what customers see
        Faults(faults::FaultsArguments),
        /// Crash PostgreSQL under load, again and again, and check that nothing confirmed or announced is lost
        Crashes(crashes::CrashesArguments),
        /// Have many people work with several servers while much of it breaks, and check that every response was allowed
        Prove(prove::ProveArguments),
        /// Serve a steady load for half an hour, and check that memory and connections stay as they are
        Soak(soak::SoakArguments),
        /// Measure how fast it is, beside what it could be at best, and write a page with tables and plots
        Bench(Box<bench::Bench>),
    }

    let task = Task::parse();
    tokio::runtime::Runtime::new()?.block_on(async {
        match task {
            Task::Rush(arguments) => rush::run(arguments).await,
            Task::Fill(arguments) => fill::run(&arguments).await,
            Task::Faults(arguments) => faults::run(&arguments).await,
            Task::Crashes(arguments) => crashes::run(&arguments).await,
            Task::Prove(arguments) => prove::run(&arguments).await,
            Task::Soak(arguments) => soak::run(&arguments).await,
            Task::Bench(bench) => bench.run().await,
        }
    })
}
