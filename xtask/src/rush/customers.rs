use std::{
    collections::{BTreeMap, btree_map::Entry},
    io::{IsTerminal, Write},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use hdrhistogram::Histogram;
use hyper::body::Bytes;
use serde_json::json;
use uuid::Uuid;

use crate::{
    http::{Connection, Response, log_in},
    project::random_secret,
};

/// Customers with an account, each on a connection of its own.
pub struct Customers {
    customers: Vec<Customer>,
    /// Keeps the idempotency keys of one rush apart from those of another.
    pub name: String,
}

#[derive(Clone)]
struct Customer {
    pub id: Uuid,
    address: String,
    token: String,
}

/// The responses that customers got.
pub struct Tally {
    pub placed: u64,
    /// Counts by status and problem code, or by error.
    pub refusals: BTreeMap<String, u64>,
    /// How many of the refusals name a supply.
    pub refused_for_supplies: u64,
    /// By the supply's name.
    pub short_supplies: BTreeMap<String, ShortSupply>,
    /// In microseconds.
    pub latency: Histogram<u64>,
    pub elapsed: Duration,
}

/// A supply that did not suffice.
#[derive(Clone, Copy)]
pub struct ShortSupply {
    /// How many refusals name it.
    pub refusals: u64,
    /// The least that a refused order asked for.
    pub least_requested: u64,
}

impl Tally {
    pub fn empty() -> anyhow::Result<Self> {
        Ok(Self {
            placed: 0,
            refusals: BTreeMap::new(),
            refused_for_supplies: 0,
            short_supplies: BTreeMap::new(),
            latency: Histogram::new_with_bounds(1, 60_000_000, 3).context("a histogram")?,
            elapsed: Duration::ZERO,
        })
    }

    /// What all of them got, at the same time.
    pub fn sum<'a>(tallies: impl IntoIterator<Item = &'a Self>) -> anyhow::Result<Self> {
        let mut total = Self::empty()?;
        for tally in tallies {
            total.add(tally)?;
            total.elapsed = total.elapsed.max(tally.elapsed);
        }
        Ok(total)
    }

    /// Adds what they got later.
    pub fn continue_with(&mut self, later: &Self) -> anyhow::Result<()> {
        self.elapsed += later.elapsed;
        self.add(later)
    }

    fn add(&mut self, other: &Self) -> anyhow::Result<()> {
        self.placed += other.placed;
        self.refused_for_supplies += other.refused_for_supplies;
        for (name, short) in &other.short_supplies {
            self.miss(name, *short);
        }
        for (reason, count) in &other.refusals {
            *self.refusals.entry(reason.clone()).or_default() += count;
        }
        Ok(self.latency.add(&other.latency)?)
    }

    fn count(&mut self, response: &Response, took: Duration) {
        self.latency.saturating_record(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
        if response.status == 201 {
            self.placed += 1;
        } else {
            let problem = response.json().unwrap_or_default();
            self.refuse(format!("{} {}", response.status, problem["code"].as_str().unwrap_or_default()));
            let supplies = problem["supplies"].as_array().map(Vec::as_slice).unwrap_or_default();
            self.refused_for_supplies += u64::from(!supplies.is_empty());
            for supply in supplies {
                let least_requested = supply["requested"].as_u64().unwrap_or(0);
                self.miss(supply["name"].as_str().unwrap_or_default(), ShortSupply { refusals: 1, least_requested });
            }
        }
    }

    fn miss(&mut self, name: &str, short: ShortSupply) {
        match self.short_supplies.get_mut(name) {
            Some(known) => {
                known.refusals += short.refusals;
                known.least_requested = known.least_requested.min(short.least_requested);
            }
            None => {
                self.short_supplies.insert(name.to_owned(), short);
            }
        }
    }

    fn refuse(&mut self, reason: String) {
        *self.refusals.entry(reason).or_default() += 1;
    }

    #[expect(clippy::cast_precision_loss, reason = "nobody places 2^52 orders")]
    pub fn placed_per_second(&self) -> f64 {
        self.placed as f64 / self.elapsed.as_secs_f64()
    }

    #[expect(clippy::cast_precision_loss, reason = "a minute in microseconds fits")]
    pub fn milliseconds(&self, quantile: f64) -> f64 {
        self.latency.value_at_quantile(quantile) as f64 / 1000.0
    }
}

/// What the progress line shows.
#[derive(Default)]
struct Progress {
    placed: AtomicU64,
    refused: AtomicU64,
    over: AtomicBool,
}

impl Customers {
    /// How many sign up at a time.
    const JOINING: usize = 8;

    /// Opens accounts and signs in, spread evenly over the servers.
    pub async fn sign_up(addresses: &[String], count: usize) -> anyhow::Result<Self> {
        let name = format!("rush-{}", &random_secret()[..10]);
        let (mut joining, mut customers) = (tokio::task::JoinSet::new(), Vec::with_capacity(count));
        for n in 0..count {
            // Passwords wait for their turn in the server, and not for as long as it takes for all of these.
            if joining.len() == Self::JOINING
                && let Some(joined) = joining.join_next().await
            {
                customers.push(joined??);
            }
            let (address, email) = (addresses[n % addresses.len()].clone(), format!("{name}-{n}@comanda.example"));
            joining.spawn(async move { Customer::sign_up(address, &email).await });
        }
        while let Some(joined) = joining.join_next().await {
            customers.push(joined??);
        }
        Ok(Self { customers, name })
    }

    /// The first so many of them, spread evenly over these servers.
    pub fn at(&self, addresses: &[String], count: usize) -> anyhow::Result<Self> {
        ensure!(count <= self.customers.len(), "there are {} customers, and not {count}", self.customers.len());
        let moved = |(n, customer): (usize, &Customer)| {
            let address = addresses[n % addresses.len()].clone();
            Customer { address, ..customer.clone() }
        };
        let customers = self.customers.iter().take(count).enumerate().map(moved).collect();
        Ok(Self { customers, name: self.name.clone() })
    }

    /// The server and the token of each.
    pub fn sessions(&self) -> impl Iterator<Item = (String, String)> {
        self.customers.iter().map(|customer| (customer.address.clone(), customer.token.clone()))
    }

    pub fn ids(&self) -> Vec<Uuid> {
        self.customers.iter().map(|customer| customer.id).collect()
    }

    /// Every customer places one order after the other, until `basket` returns `None` for the next number.
    pub async fn buy(
        &self,
        basket: impl Fn(usize) -> Option<Bytes> + Send + Sync + 'static,
        show_progress: bool,
    ) -> anyhow::Result<Tally> {
        let progress = Arc::new(Progress::default());
        let shown = show_progress.then(|| tokio::spawn(show(Arc::clone(&progress), Instant::now())));
        let by_server = self.buy_while_watched(basket, &progress).await?;
        progress.over.store(true, Ordering::Relaxed);
        if let Some(shown) = shown {
            shown.await?;
        }
        Tally::sum(by_server.values())
    }

    /// The same, and what the customers of each server got, by its address.
    pub async fn buy_by_server(
        &self,
        basket: impl Fn(usize) -> Option<Bytes> + Send + Sync + 'static,
    ) -> anyhow::Result<BTreeMap<String, Tally>> {
        self.buy_while_watched(basket, &Arc::default()).await
    }

    async fn buy_while_watched(
        &self,
        basket: impl Fn(usize) -> Option<Bytes> + Send + Sync + 'static,
        progress: &Arc<Progress>,
    ) -> anyhow::Result<BTreeMap<String, Tally>> {
        let (basket, next) = (Arc::new(basket), Arc::new(AtomicUsize::new(0)));
        let round = &random_secret()[..8];
        let begin = Instant::now();
        let mut shopping = tokio::task::JoinSet::new();
        for customer in self.customers.iter().cloned() {
            let (basket, next, progress) = (Arc::clone(&basket), Arc::clone(&next), Arc::clone(progress));
            let key = format!("{}-{round}", self.name);
            shopping.spawn(async move {
                let take = || {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    basket(n).map(|body| (format!("{key}-{n}"), body))
                };
                anyhow::Ok((customer.address.clone(), customer.shop(take, &progress).await?))
            });
        }
        let mut by_server = BTreeMap::<String, Tally>::new();
        while let Some(shopped) = shopping.join_next().await {
            let (address, tally) = shopped??;
            match by_server.entry(address) {
                Entry::Vacant(vacant) => {
                    vacant.insert(tally);
                }
                Entry::Occupied(mut occupied) => occupied.get_mut().add(&tally)?,
            }
        }
        let elapsed = begin.elapsed();
        for tally in by_server.values_mut() {
            tally.elapsed = elapsed;
        }
        Ok(by_server)
    }
}

impl Customer {
    async fn sign_up(address: String, email: &str) -> anyhow::Result<Self> {
        let mut connection = Connection::open(&address).await?;
        let password = random_secret();
        let body = json!({ "email": email, "password": password, "name": "A customer in a hurry" });
        let user = connection.post("/v1/users", None, &body).await?.expect(201)?;
        let id = user["id"].as_str().and_then(|id| id.parse().ok()).context("the user has no id")?;
        let token = log_in(&mut connection, email, &password).await?;
        Ok(Self { id, address, token })
    }

    async fn shop(self, take: impl Fn() -> Option<(String, Bytes)>, progress: &Progress) -> anyhow::Result<Tally> {
        let mut tally = Tally::empty()?;
        let mut connection = Connection::open(&self.address).await?;
        while let Some((key, body)) = take() {
            let begin = Instant::now();
            match connection.place_order(&self.token, &key, body).await {
                Ok(response) => {
                    tally.count(&response, begin.elapsed());
                    let counter = if response.status == 201 { &progress.placed } else { &progress.refused };
                    counter.fetch_add(1, Ordering::Relaxed);
                }
                Err(error) => {
                    tally.refuse(format!("no response: {error:#}"));
                    progress.refused.fetch_add(1, Ordering::Relaxed);
                    connection = Connection::open(&self.address).await?;
                }
            }
        }
        Ok(tally)
    }
}

/// A progress line: rewritten in place on a terminal, once a second elsewhere.
async fn show(progress: Arc<Progress>, begin: Instant) {
    let terminal = std::io::stdout().is_terminal();
    let mut tick = tokio::time::interval(if terminal { Duration::from_millis(100) } else { Duration::from_secs(1) });
    tick.tick().await;
    while !progress.over.load(Ordering::Relaxed) {
        tick.tick().await;
        let (placed, refused) = (progress.placed.load(Ordering::Relaxed), progress.refused.load(Ordering::Relaxed));
        let line = format!("{:5.1} s: {placed} placed, {refused} refused", begin.elapsed().as_secs_f64());
        if terminal {
            print!("\r{line}  ");
            // A progress line that cannot be shown is no reason to stop.
            let _ = std::io::stdout().flush();
        } else {
            println!("{line}");
        }
    }
    if terminal {
        println!();
    }
}
