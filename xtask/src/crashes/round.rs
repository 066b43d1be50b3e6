use std::{
    fmt::Write,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use comanda_tests::{FaultyProxy, Power, Weather};
use serde_json::json;
use tokio::sync::watch;
use uuid::Uuid;

use super::{
    lock,
    people::{Door, Shop},
    seen::{News, Seen},
    tables,
};
use crate::{
    comanda::Comanda,
    faults::{RECOVERY, strike::connect},
    http::Connection,
    rush::stage::Stage,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crash {
    /// All of PostgreSQL's processes end at once; what they have written is there.
    Killed,
    /// What they have not flushed is gone, too.
    PowerLost,
}

impl Crash {
    const fn description(self) -> &'static str {
        match self {
            Self::Killed => "every process SIGKILLed",
            Self::PowerLost => "power lost: SIGKILLed, and whatever was not flushed is gone",
        }
    }
}

/// The outcome of one crash.
struct Outcome {
    crash: Crash,
    confirmed: usize,
    /// Statuses, events and menus that were announced since the last crash.
    announced: usize,
    lost: Vec<String>,
    wrongly_announced: Vec<String>,
    /// Changes of files that the loss of power has taken.
    changes: u64,
    recovered: Duration,
    served: Option<Duration>,
    /// What `comanda check` has found.
    violations: Option<String>,
}

/// All crashes so far, and what they need.
pub struct Rounds {
    outcomes: Vec<Outcome>,
    direct: String,
    proxy: FaultyProxy,
    power: Power,
    addresses: Vec<String>,
    /// Whose orders show that servers serve.
    witness: String,
    item: String,
    seen: Arc<Mutex<Seen>>,
    epoch: Uuid,
    pub server_version: String,
    lost_in_the_end: Vec<String>,
}

impl Rounds {
    pub async fn begin(
        stage: &Stage,
        direct: &str,
        proxy: FaultyProxy,
        power: Power,
        witness: String,
        shop: &Shop,
    ) -> anyhow::Result<Self> {
        let client = connect(direct).await?;
        let (_, epoch) = tables::menu_version(&client).await?;
        // A new subscriber gets the events from then on.
        while client.query("SELECT FROM outbox_subscribers", &[]).await?.is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(Self {
            outcomes: Vec::new(),
            direct: direct.to_owned(),
            proxy,
            power,
            addresses: stage.addresses.clone(),
            witness,
            item: shop.spread[0].clone(),
            seen: Arc::clone(&shop.seen),
            epoch,
            server_version: client.query_one("SHOW server_version", &[]).await?.get(0),
            lost_in_the_end: Vec::new(),
        })
    }

    /// Crashes PostgreSQL, looks at what has become of it, and waits for the servers.
    pub async fn crash(&mut self, stage: &mut Stage, crash: Crash, door: &watch::Sender<Door>) -> anyhow::Result<()> {
        let postgres = stage.services.as_mut().and_then(|services| services.postgres.as_mut()).context("PostgreSQL")?;
        postgres.kill_at_once()?;
        // No server reaches it before it was looked at: one that finds the menu's version lower than what it has shown
        // would raise it.
        self.proxy.set(Weather::Cut);
        door.send_replace(Door::Closed);
        let changes = match crash {
            Crash::Killed => 0,
            Crash::PowerLost => self.power.fail().context("losing power")?.changes,
        };
        let begin = Instant::now();
        postgres.start_again()?;
        let recovered = begin.elapsed();

        let news = std::mem::take(&mut lock(&self.seen).news);
        let wrong = tables::wrong(&connect(&self.direct).await?, &news, self.epoch).await.context("the tables")?;
        let violations = violations(&stage.comanda, &self.direct)?;

        self.proxy.set(Weather::Fair);
        let healed = Instant::now();
        let served = self.until_served_everywhere(healed + 3 * RECOVERY).await.map(|moment| moment - healed);
        for server in &mut stage.servers {
            ensure!(!server.has_ended()?, "the server at {} has ended", server.address);
        }
        self.outcomes.push(Outcome {
            crash,
            confirmed: news.confirmed.len(),
            announced: announced(&news),
            lost: wrong.lost,
            wrongly_announced: wrong.announced,
            changes,
            recovered,
            served,
            violations,
        });
        Ok(())
    }

    /// The moment at which every server has placed an order, shown it and listed it.
    async fn until_served_everywhere(&self, deadline: Instant) -> Option<Instant> {
        while Instant::now() < deadline {
            let mut served = true;
            for address in &self.addresses {
                let attempt = tokio::time::timeout(RECOVERY, self.is_served(address));
                served = served && attempt.await.is_ok_and(|served| served.is_ok());
            }
            if served {
                return Some(Instant::now());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        None
    }

    async fn is_served(&self, address: &str) -> anyhow::Result<()> {
        let (mut connection, token) = (Connection::open(address).await?, Some(self.witness.as_str()));
        let body = json!({ "items": [{ "menu_item_id": self.item, "quantity": 1 }] });
        let order = connection.post("/v1/orders", token, &body).await?.expect(201)?;
        let id = lock(&self.seen).confirm(&order)?;
        connection.get(&format!("/v1/orders/{id}"), token).await?.expect(200)?;
        connection.get("/v1/orders", token).await?.expect(200)?;
        Ok(())
    }

    /// Waits until the receiver has got the event of every order that was confirmed.
    pub async fn until_delivered(&self, shop: &Shop, door: &watch::Sender<Door>) -> anyhow::Result<()> {
        door.send_replace(Door::Closed);
        let deadline = Instant::now() + Duration::from_mins(1);
        let missing = || {
            let seen = lock(&shop.seen);
            seen.confirmed.keys().filter(|id| !seen.delivered.contains(id)).count()
        };
        while missing() > 0 && Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        if missing() > 0 {
            let what = format!("{} confirmed orders were never announced to the receiver", missing());
            lock(&shop.seen).complain(&what);
        }
        Ok(())
    }

    /// Looks at all orders of all rounds once more.
    pub async fn settle(&mut self, direct: &str) -> anyhow::Result<()> {
        let client = connect(direct).await?;
        let confirmed = lock(&self.seen).confirmed.clone();
        self.lost_in_the_end = tables::lost_orders(&client, &confirmed).await?;
        let (_, epoch) = tables::menu_version(&client).await?;
        if epoch != self.epoch {
            // A server has shown a menu, and found later that it was not there.
            lock(&self.seen).complain(&format!("the menu's epoch was {} and is {epoch}", self.epoch));
        }
        Ok(())
    }

    pub fn holds(&self) -> bool {
        self.faults().next().is_none()
    }

    /// What is wrong, in words.
    pub fn faults(&self) -> impl Iterator<Item = String> {
        let of_rounds = self.outcomes.iter().enumerate().flat_map(|(n, outcome)| {
            let late = outcome.served.is_none_or(|took| took > RECOVERY);
            let late = late.then(|| format!("served again only after {:?}", outcome.served));
            let wrong = outcome.lost.iter().chain(&outcome.wrongly_announced).chain(&outcome.violations).cloned();
            wrong.chain(late).take(10).map(move |what| format!("round {} ({:?}): {what}", n + 1, outcome.crash))
        });
        of_rounds.chain(self.lost_in_the_end.iter().map(|what| format!("in the end: {what}")))
    }

    /// The last one, in a line.
    pub fn last(&self) -> String {
        let Some(last) = self.outcomes.last() else { return String::new() };
        format!(
            "{:?}, {} confirmed, {} lost, {} announced, {} wrongly, {} changes taken back, recovered in {:.2} s, \
             served {} later, check {}",
            last.crash,
            last.confirmed,
            last.lost.len(),
            last.announced,
            last.wrongly_announced.len(),
            last.changes,
            last.recovered.as_secs_f64(),
            text_of(last.served),
            if last.violations.is_none() { "holds" } else { "BROKEN" },
        )
    }

    pub fn table(&self) -> String {
        let mut table = String::from(
            "| crash | rounds | orders confirmed | lost or different | announced | wrongly announced \
             | rounds with violated invariants | changes of files taken back | slowest recovery of PostgreSQL \
             | served again, after that, within |\n\
             | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n",
        );
        for crash in [Crash::Killed, Crash::PowerLost] {
            let of_kind: Vec<&Outcome> = self.outcomes.iter().filter(|outcome| outcome.crash == crash).collect();
            if of_kind.is_empty() {
                continue;
            }
            let sum = |count: fn(&Outcome) -> usize| of_kind.iter().map(|outcome| count(outcome)).sum::<usize>();
            let recovered = of_kind.iter().map(|outcome| outcome.recovered).max().unwrap_or_default();
            let served = of_kind.iter().map(|outcome| outcome.served).reduce(|a, b| Some(a?.max(b?))).flatten();
            let _ = writeln!(
                table,
                "| {} | {} | {} | {} | {} | {} | {} | {} | {:.2} s | {} |",
                crash.description(),
                of_kind.len(),
                sum(|outcome| outcome.confirmed),
                sum(|outcome| outcome.lost.len()),
                sum(|outcome| outcome.announced),
                sum(|outcome| outcome.wrongly_announced.len()),
                sum(|outcome| usize::from(outcome.violations.is_some())),
                of_kind.iter().map(|outcome| outcome.changes).sum::<u64>(),
                recovered.as_secs_f64(),
                text_of(served),
            );
        }
        let seen = lock(&self.seen);
        let _ = write!(
            table,
            "\nIn all rounds {} events were received, {} versions of the menu were shown, and {} orders were repeated \
             under their\nkeys after a crash. Of {} confirmed orders {} were missing or different in the end.\n",
            seen.events,
            seen.menu_versions(),
            seen.repeated,
            seen.confirmed.len(),
            self.lost_in_the_end.len(),
        );
        table
    }
}

fn text_of(served: Option<Duration>) -> String {
    served.map_or_else(|| "never".to_owned(), |took| format!("{:.2} s", took.as_secs_f64()))
}

fn announced(news: &News) -> usize {
    news.statuses.len() + news.events.len() + usize::from(news.menu.is_some())
}

/// What `comanda check` finds in the tables.
fn violations(comanda: &Comanda, database_url: &str) -> anyhow::Result<Option<String>> {
    let check = comanda.command(&["check"]).env("DATABASE_URL", database_url).output().context("comanda check")?;
    Ok((!check.status.success()).then(|| format!("comanda check: {}", String::from_utf8_lossy(&check.stdout))))
}
