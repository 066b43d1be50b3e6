use std::{collections::BTreeMap, ffi::OsString, path::Path, sync::Arc, time::Duration};

use anyhow::{Context, ensure};

use super::{
    database,
    demand::Demand,
    kitchen::Kitchen,
    reference::{Measured, Reference},
    terms::Terms,
};
use crate::{
    rush::{
        customers::{Customers, Tally},
        stage::Stage,
    },
    services,
};

/// Where tables are measured: a PostgreSQL and a Redis, and a database with menu items and customers, of which each
/// table gets a copy.
pub struct Ground {
    pub stage: Stage,
    pub terms: Terms,
    pub kitchen: Arc<Kitchen>,
    customers: Customers,
    /// Who orders before it counts, so that the others have ordered nothing.
    early: Customers,
    /// What copies are made of.
    original: String,
    original_reference: Reference,
    reference: Reference,
}

impl Ground {
    const WARM_UP: Duration = Duration::from_secs(2);

    pub async fn prepare(terms: Terms) -> anyhow::Result<Self> {
        let stage = Stage::own("bench", terms.profile(), 0)?;
        Self::on(stage, terms).await
    }

    /// With another program.
    pub async fn of_program(program: &Path, terms: Terms) -> anyhow::Result<Self> {
        Self::on(Stage::of_program("bench-baseline", program)?, terms).await
    }

    async fn on(mut stage: Stage, terms: Terms) -> anyhow::Result<Self> {
        let settings = [
            ("LOG", "warn"),
            ("ORDER_LIMIT_OPEN", "0"),
            ("ORDER_LIMIT_PORTIONS", "0"),
            ("ORDER_LIMIT_PER_MINUTE", "0"),
            // Customers sign in once for the whole run.
            ("ACCESS_TOKEN_SECONDS", "3600"),
        ];
        stage.comanda.settings.extend(settings.map(|(name, value)| (name.to_owned(), value.to_owned())));
        let original = stage.database_url()?.to_owned();
        let reference = Reference::prepare(&original).await?;
        stage.open(1)?;
        // As many as any table has.
        let count = if terms.quick { 128 } else { 256 };
        println!("{count} customers sign up…");
        let customers = Customers::sign_up(&stage.addresses, count).await?;
        let kitchen = Arc::new(Kitchen::open(&stage).await?);
        // Statements are planned for tables that have something in them.
        let early = Customers::sign_up(&stage.addresses, 32).await?;
        kitchen.serve(&early, &Demand::spread(), Self::WARM_UP).await?;
        stage.open(0)?;
        database::analyze(&original).await?;
        let original_reference = Reference { url: reference.url.clone() };
        Ok(Self { stage, terms, kitchen, customers, early, original, original_reference, reference })
    }

    /// This many servers on a fresh copy of the database, and a fresh copy beside for pgbench, both warm.
    pub async fn renew(&mut self, servers: usize) -> anyhow::Result<()> {
        self.copy("measured").await?;
        self.reference.url = database::copy(&self.original_reference.url, "measured_reference").await?;
        self.pgbench(32, &Demand::spread())?;
        self.open(servers).await
    }

    /// A fresh copy of the database, by this name, to which no server is connected yet.
    pub async fn copy(&mut self, name: &str) -> anyhow::Result<String> {
        self.stage.open(0)?;
        let url = database::copy(&self.original, name).await?;
        self.use_database(&url);
        Ok(url)
    }

    /// Servers that are opened from now on are on this database.
    pub fn use_database(&mut self, url: &str) {
        self.stage.comanda.settings.insert("DATABASE_URL".to_owned(), url.to_owned());
    }

    /// This many servers in place of those there are, warm.
    pub async fn open(&mut self, servers: usize) -> anyhow::Result<()> {
        self.stage.open(servers)?;
        if servers > 0 {
            let early = self.early.at(&self.stage.addresses, 32)?;
            self.kitchen.serve(&early, &Demand::spread(), Duration::from_secs(1)).await?;
        }
        Ok(())
    }

    /// The first so many customers, spread over the servers.
    pub fn customers(&self, count: usize) -> anyhow::Result<Customers> {
        self.customers.at(&self.stage.addresses, count)
    }

    /// What so many customers got, by their server.
    pub async fn serve(
        &self,
        customers: usize,
        demand: &Demand,
        time: Duration,
    ) -> anyhow::Result<BTreeMap<String, Tally>> {
        self.kitchen.serve(&self.customers(customers)?, demand, time).await
    }

    /// What so many customers got in a measurement's time.
    pub async fn orders(&self, customers: usize, demand: &Demand) -> anyhow::Result<Tally> {
        Tally::sum(self.serve(customers, demand, self.terms.window()).await?.values())
    }

    /// What pgbench does in a measurement's time.
    pub fn pgbench(&self, clients: usize, demand: &Demand) -> anyhow::Result<Measured> {
        self.reference.measure(demand, clients, self.terms.seconds())
    }

    /// Flushes of PostgreSQL's log take so much longer, by a library that all of its processes have loaded; `None`: as
    /// long as they take, and without that. Servers must be opened again.
    pub async fn delay_flushes(&mut self, delay: Option<Duration>) -> anyhow::Result<()> {
        let shim = services::disk_shim(self.terms.profile())?;
        self.stage.servers.clear();
        let postgres = self.stage.services.as_mut().and_then(|services| services.postgres.as_mut());
        let postgres = postgres.context("flushes of somebody else's PostgreSQL cannot be delayed")?;
        let environment = delay.map(|delay| {
            let delay = OsString::from(delay.as_micros().to_string());
            [("LD_PRELOAD", shim.into_os_string()), ("COMANDA_FLUSH_DELAY_US", delay)]
        });
        postgres.stop()?;
        postgres.set_environment(environment.into_iter().flatten());
        postgres.start_again()?;
        let (commit, least) = (database::commit_milliseconds(&self.original).await?, delay.unwrap_or_default());
        ensure!(commit >= least.as_secs_f64() * 1000.0, "flushes are not delayed: a commit takes {commit} ms");
        Ok(())
    }

    /// Closes the servers, and checks every invariant of what they have left.
    pub fn finish(&mut self) -> anyhow::Result<()> {
        self.stage.open(0)?;
        ensure!(self.stage.comanda.command(&["check"]).status()?.success(), "the tables do not hold together");
        Ok(())
    }
}
