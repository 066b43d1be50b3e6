use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use hyper::body::Bytes;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::json;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::{customer::sign_up, fault::Fault};
use crate::{
    http::{Connection, Response},
    rush::{menu_items::MenuItems, stage::Stage},
};

/// An order's deadline and a tenth.
const LATEST_ORDER: Duration = Duration::from_millis(5500);
/// A read's budget and a tenth.
const LATEST_READ: Duration = Duration::from_millis(1100);
/// A request that takes longer counts as hanging.
const HANGS: Duration = Duration::from_secs(15);

/// What customers have observed.
#[derive(Default)]
pub struct Observed {
    /// The id of the order that each key got.
    pub placed: HashMap<String, String>,
    /// Orders of customers who give no key.
    pub without_key: Vec<Uuid>,
    /// How many more orders of theirs there may be.
    pub in_doubt: u32,
    /// Counts by status and problem code.
    pub responses: BTreeMap<String, u64>,
    pub slowest_order: Duration,
    pub slowest_read: Duration,
    /// Violations of what is demanded, in words.
    pub complaints: Vec<String>,
}

impl Observed {
    fn add(&mut self, other: Self) {
        self.placed.extend(other.placed);
        self.without_key.extend(other.without_key);
        self.in_doubt += other.in_doubt;
        for (response, count) in other.responses {
            *self.responses.entry(response).or_default() += count;
        }
        self.slowest_order = self.slowest_order.max(other.slowest_order);
        self.slowest_read = self.slowest_read.max(other.slowest_read);
        self.complaints.extend(other.complaints);
    }

    fn count(&mut self, what: &str) {
        *self.responses.entry(what.to_owned()).or_default() += 1;
    }

    fn complain(&mut self, what: String) {
        // The first few say it all.
        if self.complaints.len() < 5 {
            self.complaints.push(what);
        }
    }
}

/// Customers who order and read until [`Load::finish`].
pub struct Load {
    going_on: Arc<AtomicBool>,
    people: JoinSet<Observed>,
    addresses: Vec<String>,
    witness: Customer,
}

#[derive(Clone)]
struct Customer {
    address: String,
    token: String,
    items: Arc<[String]>,
    fault: Fault,
    /// Whether a connection may end without a response, as the proxy does not say what became of such a request.
    may_hear_nothing: bool,
}

impl Load {
    const CUSTOMERS: usize = 16;
    const READERS: usize = 4;
    const WITHOUT_KEYS: usize = 4;

    pub async fn start(stage: &Stage, items: &MenuItems, fault: Fault, seed: u64) -> anyhow::Result<Self> {
        let (going_on, mut people) = (Arc::new(AtomicBool::new(true)), JoinSet::new());
        let (token, items) = (sign_up(&stage.addresses[0]).await?, Arc::from(items.ids.clone()));
        let (address, may_hear_nothing) = (stage.addresses[0].clone(), fault.takes_a_server());
        let witness = Customer { address, token, items, fault, may_hear_nothing };
        for n in 0..Self::CUSTOMERS {
            let customer = Customer { address: stage.addresses[n % stage.addresses.len()].clone(), ..witness.clone() };
            people.spawn(customer.order(StdRng::seed_from_u64(seed.wrapping_add(n as u64)), Arc::clone(&going_on)));
        }
        if fault.is_behind_a_proxy() {
            let token = sign_up(&stage.addresses[0]).await?;
            for _ in 0..Self::WITHOUT_KEYS {
                let may_hear_nothing = fault == Fault::KilledBehindHaproxy;
                let customer = Customer { token: token.clone(), may_hear_nothing, ..witness.clone() };
                people.spawn(customer.order_without_key(Arc::clone(&going_on)));
            }
        }
        for n in 0..Self::READERS {
            let reader = Customer { address: stage.addresses[n % stage.addresses.len()].clone(), ..witness.clone() };
            people.spawn(reader.read(Arc::clone(&going_on)));
        }
        Ok(Self { going_on, people, addresses: stage.addresses.clone(), witness })
    }

    /// The moment from which every server places an order and lists it.
    pub async fn until_served_everywhere(&self, deadline: Instant) -> Option<Instant> {
        while Instant::now() < deadline {
            let begin = Instant::now();
            let mut served = true;
            for address in &self.addresses {
                let customer = Customer { address: address.clone(), ..self.witness.clone() };
                served = served && tokio::time::timeout(HANGS, customer.is_served()).await.is_ok_and(|served| served);
            }
            if served {
                return Some(begin);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        None
    }

    pub async fn finish(mut self) -> anyhow::Result<Observed> {
        self.going_on.store(false, Ordering::SeqCst);
        let mut observed = Observed::default();
        while let Some(one) = self.people.join_next().await {
            observed.add(one?);
        }
        if observed.placed.is_empty() {
            bail!("nobody was served, before or after");
        }
        Ok(observed)
    }
}

impl Customer {
    /// Places one order after the other, and repeats a request under its key when the outcome is unknown.
    async fn order(self, mut random: StdRng, going_on: Arc<AtomicBool>) -> Observed {
        let (mut observed, mut connection) = (Observed::default(), None);
        'orders: while going_on.load(Ordering::SeqCst) {
            let key = Uuid::now_v7().to_string();
            let item = &self.items[random.random_range(0..self.items.len())];
            let body = Bytes::from(json!({ "items": [{ "menu_item_id": item, "quantity": 1 }] }).to_string());
            loop {
                let begin = Instant::now();
                let response = self.within(&mut connection, &mut observed, async |connection| {
                    connection.place_order(&self.token, &key, body.clone()).await
                });
                if let Some(response) = response.await {
                    let took = begin.elapsed();
                    observed.slowest_order = observed.slowest_order.max(took);
                    if took > LATEST_ORDER {
                        observed.complain(format!("an order took {took:?}: {}", response.status));
                    }
                    let refusals = self.allowed(&["503 unavailable", "409 idempotency-in-progress"]);
                    if self.understand(&response, &mut observed, &[201], refusals) {
                        let id = response.json().ok().and_then(|order| Some(order["id"].as_str()?.to_owned()));
                        observed.placed.insert(key, id.unwrap_or_default());
                        continue 'orders;
                    }
                }
                if !going_on.load(Ordering::SeqCst) {
                    break 'orders;
                }
                tokio::time::sleep(Duration::from_millis(random.random_range(20..80))).await;
            }
        }
        observed
    }

    /// Places one order after the other. None may be refused, unless it is unknown what became of it, or be lost, or
    /// placed twice.
    async fn order_without_key(self, going_on: Arc<AtomicBool>) -> Observed {
        let (mut observed, mut connection) = (Observed::default(), None);
        let body = json!({ "items": [{ "menu_item_id": self.items[0], "quantity": 1 }] });
        while going_on.load(Ordering::SeqCst) {
            let response = self.within(&mut connection, &mut observed, async |connection| {
                connection.post("/v1/orders", Some(&self.token), &body).await
            });
            let Some(response) = response.await else {
                observed.in_doubt += 1;
                continue;
            };
            let refusals: &[&str] = if self.fault.leaves_requests_in_doubt() { &["503 unavailable"] } else { &[] };
            if self.understand(&response, &mut observed, &[201], refusals) {
                let order = response.json().ok();
                observed.without_key.extend(order.and_then(|order| order["id"].as_str()?.parse::<Uuid>().ok()));
            } else {
                observed.in_doubt += 1;
            }
        }
        observed
    }

    /// A proxy waits for a second where a server begins no more connections.
    fn latest_read(&self) -> Duration {
        if self.fault.is_behind_a_proxy() { LATEST_READ + Duration::from_secs(1) } else { LATEST_READ }
    }

    /// The refusals that customers may meet.
    fn allowed<'a>(&self, refusals: &'a [&'a str]) -> &'a [&'a str] {
        if self.fault.is_behind_a_proxy() { &[] } else { refusals }
    }

    /// The menu, which is always there, and orders.
    async fn read(self, going_on: Arc<AtomicBool>) -> Observed {
        let (mut observed, mut connection) = (Observed::default(), None);
        while going_on.load(Ordering::SeqCst) {
            for (path, refusals) in [("/v1/menu", &[][..]), ("/v1/orders?limit=5&include=items", &["503 unavailable"])]
            {
                let begin = Instant::now();
                let response = self.within(&mut connection, &mut observed, async |connection| {
                    connection.get(path, Some(&self.token)).await
                });
                let Some(response) = response.await else { continue };
                let took = begin.elapsed();
                observed.slowest_read = observed.slowest_read.max(took);
                if took > self.latest_read() {
                    observed.complain(format!("{path} took {took:?}: {}", response.status));
                }
                self.understand(&response, &mut observed, &[200], self.allowed(refusals));
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        observed
    }

    /// A response, or none because the connection is gone, which is allowed only if the server is gone, too.
    async fn within(
        &self,
        connection: &mut Option<Connection>,
        observed: &mut Observed,
        request: impl AsyncFnOnce(&mut Connection) -> anyhow::Result<Response>,
    ) -> Option<Response> {
        let attempt = async {
            let mut open = match connection.take() {
                Some(open) => open,
                None => Connection::open(&self.address).await?,
            };
            let response = request(&mut open).await?;
            *connection = (!open.is_over()).then_some(open);
            anyhow::Ok(response)
        };
        match tokio::time::timeout(HANGS, attempt).await {
            Ok(Ok(response)) => Some(response),
            Ok(Err(error)) => {
                observed.count("no response");
                if !self.may_hear_nothing {
                    observed.complain(format!("no response: {error:#}"));
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
                None
            }
            Err(_) => {
                observed.complain("a request hangs".to_owned());
                None
            }
        }
    }

    /// Whether it is one of the good ones; complains about what is no response of the contract.
    #[expect(clippy::unused_self, reason = "reads as a sentence")]
    fn understand(&self, response: &Response, observed: &mut Observed, good: &[u16], refusals: &[&str]) -> bool {
        let code = response.json().ok().and_then(|problem| Some(problem["code"].as_str()?.to_owned()));
        let name = format!("{} {}", response.status, code.unwrap_or_default());
        let name = name.trim_end();
        observed.count(name);
        if good.contains(&response.status) {
            return true;
        }
        if !refusals.contains(&name) {
            observed
                .complain(format!("no response of the contract: {name} {}", String::from_utf8_lossy(&response.body)));
        }
        false
    }

    async fn is_served(&self) -> bool {
        let attempt = async {
            let mut connection = Connection::open(&self.address).await?;
            let body = json!({ "items": [{ "menu_item_id": self.items[0], "quantity": 1 }] });
            let order = connection.post("/v1/orders", Some(&self.token), &body).await?.expect(201)?;
            let id = order["id"].as_str().context("an id")?.to_owned();
            connection.get(&format!("/v1/orders/{id}"), Some(&self.token)).await?.expect(200)?;
            connection.get("/v1/orders", Some(&self.token)).await?.expect(200)
        };
        attempt.await.is_ok()
    }
}
