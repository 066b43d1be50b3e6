use std::{path::PathBuf, time::Duration};

use anyhow::ensure;
use clap::Args;

use super::tables::Choice;
use crate::{build::Profile, project};

/// How a run measures.
#[derive(Args, Clone)]
pub struct Terms {
    /// How long each measurement takes, in seconds; 3, or 1 with `--quick`
    #[arg(long)]
    seconds: Option<u64>,
    /// How often each figure is measured; three times, or once with `--quick`
    #[arg(long)]
    times: Option<usize>,
    /// Few points, measured once, shortly: to see whether it works, in three minutes
    #[arg(long)]
    pub quick: bool,
    /// Only these tables, which are printed; the page stays as it is
    #[arg(long, value_delimiter = ',')]
    pub only: Vec<Choice>,
    /// Put them into the page, in the place of what it says of them
    #[arg(long, requires = "only")]
    pub again: bool,
    /// How many orders the databases of the table by history hold; the first is what the others are compared with.
    /// 10,000,000 take three quarters of an hour to fill
    #[arg(long, value_delimiter = ',')]
    history: Vec<u64>,
    /// How many orders there are where they are read; 100,000, or 30,000 with `--quick`
    #[arg(long)]
    orders: Option<u64>,
    /// The program of an earlier version, which slow flushes are compared with
    #[arg(long, value_name = "PROGRAM")]
    pub baseline: Option<PathBuf>,
    /// The folder of the page [default: docs/benchmarks, or target/benchmarks for what is no measurement]
    #[arg(long)]
    folder: Option<PathBuf>,
    /// Measure unoptimized programs, which are built sooner: to see whether it works
    #[arg(long)]
    unoptimized: bool,
}

impl Terms {
    pub fn check(&self) -> anyhow::Result<()> {
        ensure!((1..=120).contains(&self.seconds()), "--seconds must be between 1 and 120");
        ensure!((1..=100).contains(&self.times()), "--times must be between 1 and 100");
        ensure!(self.orders() >= 30_000, "--orders must be 30,000 at least: the thousandth page is read");
        ensure!(self.history().len() >= 2, "--history compares one number of orders with others");
        Ok(())
    }

    /// For some tables.
    pub fn choosing(self, tables: &[Choice]) -> Self {
        Self { only: tables.to_vec(), ..self }
    }

    pub fn seconds(&self) -> u64 {
        self.seconds.unwrap_or(if self.quick { 1 } else { 3 })
    }

    pub fn window(&self) -> Duration {
        Duration::from_secs(self.seconds())
    }

    pub fn times(&self) -> usize {
        self.times.unwrap_or(if self.quick { 1 } else { 3 })
    }

    /// All points, or those that a quick run has.
    pub fn points<'a, T>(&self, all: &'a [T], few: &'a [T]) -> &'a [T] {
        if self.quick { few } else { all }
    }

    pub fn history(&self) -> Vec<u64> {
        match self.history.as_slice() {
            [] if self.quick => vec![1000, 10_000],
            [] => vec![10_000, 100_000],
            given => given.to_vec(),
        }
    }

    pub fn orders(&self) -> u64 {
        self.orders.unwrap_or(if self.quick { 30_000 } else { 100_000 })
    }

    pub fn profile(&self) -> Profile {
        if self.unoptimized { Profile::Development } else { Profile::Release }
    }

    /// Of the page.
    pub fn folder(&self) -> PathBuf {
        let measures = !self.quick && !self.unoptimized;
        let default = || if measures { project::root().join("docs/benchmarks") } else { trial_folder() };
        self.folder.clone().unwrap_or_else(default)
    }

    /// For the page.
    pub fn manner(&self) -> String {
        let (seconds, times) = (self.seconds(), self.times());
        let unoptimized =
            if self.unoptimized { " **The programs were not optimized: these figures say nothing.**" } else { "" };
        format!(
            "Each figure was measured {times} times, for {seconds} s; all of them are given, in turn, and the plots \
             show their median and range. Load generator, servers, PostgreSQL and Redis share one machine. Customers \
             are not limited (`ORDER_LIMIT_OPEN`, `ORDER_LIMIT_PORTIONS` and `ORDER_LIMIT_PER_MINUTE` are 0, \
             `LOG=warn`), but where a table says otherwise: nobody here pays, and at any other number a server would \
             have to count all that a customer has ever ordered. Each table begins with a fresh copy of one \
             database.{unoptimized}"
        )
    }
}

/// Of a page that is no measurement.
pub fn trial_folder() -> PathBuf {
    project::root().join("target/benchmarks")
}
