//! `cargo xtask bench`: figures to compare with each other, all from one run on one machine.

mod constant;
mod login;
mod orders;
mod outbox;
mod overload;
mod reads;
mod reference;

use std::process::ExitCode;

use clap::Subcommand;

#[derive(Subcommand)]
pub enum Bench {
    /// Placing orders over HTTP, compared with one SQL statement per order in pgbench
    Orders(orders::OrdersArguments),
    /// Signing in, compared with the hash alone; readers during a flood of sign-ins; the lockout script compared with
    /// an empty one
    Login(login::LoginArguments),
    /// Event delivery: how many per second, how late, and what it costs those who order
    Outbox(outbox::OutboxArguments),
    /// Orders placed at three times the sustainable load, compared with the peak
    Overload(overload::OverloadArguments),
    /// Reading the menu, compared with a constant, and orders, compared with pgbench
    Reads(reads::ReadsArguments),
    /// Serve constant bytes, for `reads`
    #[command(hide = true)]
    Constant(constant::ConstantArguments),
}

impl Bench {
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Self::Orders(arguments) => orders::run(&arguments).await,
            Self::Login(arguments) => login::run(&arguments).await,
            Self::Outbox(arguments) => outbox::run(&arguments).await,
            Self::Overload(arguments) => overload::run(&arguments).await,
            Self::Reads(arguments) => reads::run(&arguments).await,
            Self::Constant(arguments) => constant::run(arguments).await,
        }
    }
}
