//! `cargo xtask fill`

use std::{process::ExitCode, time::Instant};

use anyhow::{Context, bail, ensure};
use clap::Args;
use tokio_postgres::NoTls;

use crate::{env::Exports, project};

#[derive(Args)]
pub struct FillArguments {
    /// How many orders, spread over the last sixty days
    #[arg(long, default_value_t = 100_000)]
    orders: u64,
}

/// Fills the database of the instance that `cargo xtask run` has started.
pub async fn run(arguments: &FillArguments) -> anyhow::Result<ExitCode> {
    let Some(mut settings) = Exports::read() else { bail!("nothing runs; start `cargo xtask run` first") };
    let url = settings.remove("DATABASE_URL").context("no DATABASE_URL")?;
    fill(&url, arguments.orders, Extent::Everything).await?;
    Ok(ExitCode::SUCCESS)
}

/// What a database is filled with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// Menu items, customers, and orders with their events.
    Orders,
    /// Besides, whatever else they leave behind: payments, the gateway's events, idempotency keys,
    /// sessions, mails, the audit log.
    Everything,
}

impl Extent {
    /// One after the other, in one transaction.
    const fn scripts(self) -> &'static [&'static str] {
        match self {
            Self::Orders => &["xtask/sql/reads/fill.sql"],
            Self::Everything => &["xtask/sql/reads/fill.sql", "xtask/sql/history/fill.sql"],
        }
    }
}

/// Works once per database.
pub async fn fill(database_url: &str, orders: u64, extent: Extent) -> anyhow::Result<()> {
    ensure!((1..=10_000_000).contains(&orders), "between 1 and 10,000,000 orders");
    println!("Filling the database with {orders} orders…");
    let begin = Instant::now();
    let (mut client, connection) = tokio_postgres::connect(database_url, NoTls).await?;
    tokio::spawn(connection);
    let filled = client
        .query_opt("SELECT FROM users WHERE email = 'customer-1@fill.example'", &[])
        .await
        .context("is the database up to date?")?;
    ensure!(filled.is_none(), "this database was filled before");
    let transaction = client.transaction().await?;
    for script in extent.scripts() {
        let sql = std::fs::read_to_string(project::root().join(script))?;
        transaction.batch_execute(&sql.replace("{orders}", &orders.to_string())).await?;
    }
    transaction.commit().await?;
    client.batch_execute("VACUUM ANALYZE").await?;
    println!("Filled in {:.0} s.", begin.elapsed().as_secs_f64());
    Ok(())
}
