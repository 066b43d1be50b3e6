//! `cargo xtask bench`: figures that mean something beside each other, all of one run on one machine.

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
    /// Placing orders over HTTP, beside one SQL statement an order in pgbench
    Orders(orders::OrdersArguments),
    /// Signing in, beside the hash alone; what a flood of sign-ins does to readers; the lockout script beside an empty one
    Login(login::LoginArguments),
    /// Telling others what happened: how many, how late, and what it costs those who order
    Outbox(outbox::OutboxArguments),
    /// Orders placed when three times as many are asked for as can be, beside the peak
    Overload(overload::OverloadArguments),
    /// Reading the menu beside a constant, and orders beside pgbench
    Reads(reads::ReadsArguments),
}

impl Bench {
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Self::Orders(arguments) => orders::run(&arguments).await,
            Self::Login(arguments) => login::run(&arguments).await,
            Self::Outbox(arguments) => outbox::run(&arguments).await,
            Self::Overload(arguments) => overload::run(&arguments).await,
            Self::Reads(arguments) => reads::run(&arguments).await,
        }
    }
}
