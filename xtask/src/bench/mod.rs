//! `cargo xtask bench`: figures to compare with each other, all from one run on one machine.

mod choices;
mod constant;
mod database;
mod demand;
mod ground;
mod kitchen;
mod outbox;
mod overload;
mod page;
mod redis;
mod reference;
mod tables;
mod terms;

use std::process::ExitCode;

use anyhow::{Context, ensure};
use clap::{Args, Subcommand, ValueEnum};

use self::{
    ground::Ground,
    page::{
        Page,
        machine::{self, MeasuredOn},
    },
    tables::Choice,
    terms::Terms,
};
use crate::interrupt;

#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Bench {
    #[command(flatten)]
    terms: Terms,
    #[command(subcommand)]
    part: Option<Part>,
}

/// Without one: every table, written to a page with plots.
#[derive(Subcommand)]
enum Part {
    /// Placing orders over HTTP, compared with one SQL statement per order in pgbench
    Orders(Terms),
    /// Signing in, compared with the hash alone; readers during a flood of sign-ins; the lockout script compared with
    /// an empty one
    Login(Terms),
    /// Event delivery: how many per second, how late, and what it costs those who order
    Outbox(outbox::OutboxArguments),
    /// Orders placed at three times the sustainable load, compared with the peak
    Overload(overload::OverloadArguments),
    /// Reading the menu, compared with a constant, and orders, compared with pgbench
    Reads(Terms),
    /// Serve constant bytes, for `reads`
    #[command(hide = true)]
    Constant(constant::ConstantArguments),
}

impl Bench {
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        match self.part {
            None => measure(self.terms).await,
            Some(Part::Orders(terms)) => {
                let tables = [Choice::Clients, Choice::Servers, Choice::Idle, Choice::Memory];
                measure(terms.choosing(&tables)).await
            }
            Some(Part::Login(terms)) => measure(terms.choosing(&[Choice::SignIn])).await,
            Some(Part::Outbox(arguments)) => outbox::run(&arguments).await,
            Some(Part::Overload(arguments)) => overload::run(&arguments).await,
            Some(Part::Reads(terms)) => measure(terms.choosing(&[Choice::Reads])).await,
            Some(Part::Constant(arguments)) => constant::run(arguments).await,
        }
    }
}

/// Measures all tables and writes the page, or some and prints them.
async fn measure(terms: Terms) -> anyhow::Result<ExitCode> {
    terms.check()?;
    let mut ground = Ground::prepare(terms.clone()).await?;
    let services = ground.stage.services.as_ref().context("no services of our own")?;
    let mut page = Page {
        day: chrono::Utc::now().format("%Y-%m-%d").to_string(),
        commit: machine::commit()?,
        machine: MeasuredOn::describe(services).await?,
        manner: terms.manner(),
        tables: Vec::new(),
    };
    let chosen = if terms.only.is_empty() { Choice::value_variants() } else { &terms.only };
    let mut failed = Vec::new();
    for choice in chosen {
        match choice.measure(&mut ground).await {
            Ok(table) => page.tables.push(table),
            // The others are worth having, but not as the page.
            Err(error) => {
                interrupt::check()?;
                eprintln!("xtask: {} was not measured: {error:#}", choice.name());
                failed.push(choice.name());
            }
        }
    }
    let (folder, trial) = (terms.folder(), terms::trial_folder());
    let previous = Page::read(&folder)?;
    if terms.again && failed.is_empty() {
        let (page, replaced) = previous.context("there is no page to put them into")?.with(page);
        println!("\nWritten to {}", page.write(&folder, replaced.as_ref())?.display());
    } else if !terms.only.is_empty() {
        println!("\n{}", page.text(previous.as_ref())?);
    } else if failed.is_empty() {
        println!("\nWritten to {}", page.write(&folder, previous.as_ref())?.display());
    } else {
        println!("\nWithout what failed, written to {}", page.write(&trial, previous.as_ref())?.display());
    }
    ensure!(failed.is_empty(), "not measured: {}", failed.join(", "));
    Ok(ExitCode::SUCCESS)
}
