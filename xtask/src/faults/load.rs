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
    rush::{items::Dishes, stage::Stage},
};

/// An order's deadline and a tenth.
const LATEST_ORDER: Duration = Duration::from_millis(5500);
/// A read's budget and a tenth.
const LATEST_READ: Duration = Duration::from_millis(1100);
/// Who waits longer waits for ever.
const HANGS: Duration = Duration::from_secs(15);

/// What customers were told.
#[derive(Default)]
pub struct Delivered {
    /// The id of the order that each key got.
    pub placed: HashMap<String, String>,
    /// How often, by status and code.
    pub answers: BTreeMap<String, u64>,
    pub slowest_order: Duration,
    pub slowest_read: Duration,
    /// What nobody should ever be told.
    pub complaints: Vec<String>,
}

impl Delivered {
    fn add(&mut self, other: Self) {
        self.placed.extend(other.placed);
        for (answer, count) in other.answers {
            *self.answers.entry(answer).or_default() += count;
        }
        self.slowest_order = self.slowest_order.max(other.slowest_order);
        self.slowest_read = self.slowest_read.max(other.slowest_read);
        self.complaints.extend(other.complaints);
    }

    fn count(&mut self, what: &str) {
        *self.answers.entry(what.to_owned()).or_default() += 1;
    }

    fn complain(&mut self, what: String) {
        // The first few say it all.
        if self.complaints.len() < 5 {
            self.complaints.push(what);
        }
    }
}

/// Customers who order and read until told to stop.
pub struct Load {
    going_on: Arc<AtomicBool>,
    people: JoinSet<Delivered>,
    addresses: Vec<String>,
    witness: Customer,
}

#[derive(Clone)]
struct Customer {
    address: String,
    token: String,
    items: Arc<[String]>,
    fault: Fault,
}

impl Load {
    const CUSTOMERS: usize = 16;
    const READERS: usize = 4;

    pub async fn start(stage: &Stage, items: &Dishes, fault: Fault, seed: u64) -> anyhow::Result<Self> {
        let (going_on, mut people) = (Arc::new(AtomicBool::new(true)), JoinSet::new());
        let (token, items) = (sign_up(&stage.addresses[0]).await?, Arc::from(items.ids.clone()));
        let witness = Customer { address: stage.addresses[0].clone(), token, items, fault };
        for n in 0..Self::CUSTOMERS {
            let customer = Customer { address: stage.addresses[n % stage.addresses.len()].clone(), ..witness.clone() };
            people.spawn(customer.order(StdRng::seed_from_u64(seed.wrapping_add(n as u64)), Arc::clone(&going_on)));
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

    pub async fn finish(mut self) -> anyhow::Result<Delivered> {
        self.going_on.store(false, Ordering::SeqCst);
        let mut told = Delivered::default();
        while let Some(one) = self.people.join_next().await {
            told.add(one?);
        }
        if told.placed.is_empty() {
            bail!("nobody was served, before or after");
        }
        Ok(told)
    }
}

impl Customer {
    /// One order after the other, again under the same key where it is not known what became of it.
    async fn order(self, mut random: StdRng, going_on: Arc<AtomicBool>) -> Delivered {
        let (mut told, mut connection) = (Delivered::default(), None);
        'orders: while going_on.load(Ordering::SeqCst) {
            let key = Uuid::now_v7().to_string();
            let item = &self.items[random.random_range(0..self.items.len())];
            let body = Bytes::from(json!({ "items": [{ "menu_item_id": item, "quantity": 1 }] }).to_string());
            loop {
                let begin = Instant::now();
                let answer = self.within(&mut connection, &mut told, async |connection| {
                    connection.place_order(&self.token, &key, body.clone()).await
                });
                if let Some(answer) = answer.await {
                    let took = begin.elapsed();
                    told.slowest_order = told.slowest_order.max(took);
                    if took > LATEST_ORDER {
                        told.complain(format!("an order took {took:?}: {}", answer.status));
                    }
                    if self.understand(&answer, &mut told, &[201], &["503 unavailable", "409 idempotency-in-progress"])
                    {
                        let id = answer.json().ok().and_then(|order| Some(order["id"].as_str()?.to_owned()));
                        told.placed.insert(key, id.unwrap_or_default());
                        continue 'orders;
                    }
                }
                if !going_on.load(Ordering::SeqCst) {
                    break 'orders;
                }
                tokio::time::sleep(Duration::from_millis(random.random_range(20..80))).await;
            }
        }
        told
    }

    /// The menu, which is always there, and orders.
    async fn read(self, going_on: Arc<AtomicBool>) -> Delivered {
        let (mut told, mut connection) = (Delivered::default(), None);
        while going_on.load(Ordering::SeqCst) {
            for (path, refusals) in [("/v1/menu", &[][..]), ("/v1/orders?limit=5&include=items", &["503 unavailable"])]
            {
                let begin = Instant::now();
                let answer = self.within(&mut connection, &mut told, async |connection| {
                    connection.get(path, Some(&self.token)).await
                });
                let Some(answer) = answer.await else { continue };
                let took = begin.elapsed();
                told.slowest_read = told.slowest_read.max(took);
                if took > LATEST_READ {
                    told.complain(format!("{path} took {took:?}: {}", answer.status));
                }
                self.understand(&answer, &mut told, &[200], refusals);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        told
    }

    /// An answer, or none because the connection is gone, which is fine only where the server is.
    async fn within(
        &self,
        connection: &mut Option<Connection>,
        told: &mut Delivered,
        request: impl AsyncFnOnce(&mut Connection) -> anyhow::Result<Response>,
    ) -> Option<Response> {
        let attempt = async {
            let mut open = match connection.take() {
                Some(open) => open,
                None => Connection::open(&self.address).await?,
            };
            let answer = request(&mut open).await?;
            *connection = Some(open);
            anyhow::Ok(answer)
        };
        match tokio::time::timeout(HANGS, attempt).await {
            Ok(Ok(answer)) => Some(answer),
            Ok(Err(error)) => {
                told.count("no answer");
                if !self.fault.takes_a_server() {
                    told.complain(format!("no answer: {error:#}"));
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
                None
            }
            Err(_) => {
                told.complain("a request hangs".to_owned());
                None
            }
        }
    }

    /// Whether it is one of the good ones; complains about what is no answer of the contract.
    #[allow(clippy::unused_self, reason = "reads as a sentence")]
    fn understand(&self, answer: &Response, told: &mut Delivered, good: &[u16], refusals: &[&str]) -> bool {
        let code = answer.json().ok().and_then(|problem| Some(problem["code"].as_str()?.to_owned()));
        let name = format!("{} {}", answer.status, code.unwrap_or_default());
        let name = name.trim_end();
        told.count(name);
        if good.contains(&answer.status) {
            return true;
        }
        if !refusals.contains(&name) {
            told.complain(format!("no answer of the contract: {name} {}", String::from_utf8_lossy(&answer.body)));
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
