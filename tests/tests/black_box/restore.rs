//! Servers go on with a database that was restored, or recovered to an earlier moment, while they run.

use std::{
    collections::{HashMap, HashSet},
    time::{Duration, Instant},
};

use comanda_tests::{Accepts, Client, EventSink, PASSWORD, TestPostgres, TestServer, comanda, redis_url};
use serde_json::json;
use uuid::Uuid;

const ADMIN: &str = "admin@comanda.example";
const PATIENCE: Duration = Duration::from_mins(1);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Backup {
    /// `pg_dump`, restored into a new cluster.
    Dump,
    /// A base backup and the log, as after a failover to an asynchronous replica.
    BaseAndLog,
}

/// Waits until it is so.
async fn until(what: &str, so: impl AsyncFn() -> bool) {
    let begin = Instant::now();
    while !so().await {
        assert!(begin.elapsed() < PATIENCE, "not within {PATIENCE:?}: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Two servers on a database of their own, which deliver to a sink, and what they sell.
struct Restaurant {
    servers: Vec<TestServer>,
    postgres: TestPostgres,
    sink: EventSink,
    redis_url: String,
    admin: Client,
    guests: Vec<Client>,
    item: Uuid,
}

impl Restaurant {
    async fn open() -> Self {
        let sink = EventSink::open().await;
        let postgres = TestPostgres::start(None, Accepts::Everything).await;
        let redis_url = redis_url().await;
        for arguments in [["migrate"].as_slice(), &["admin", "create"]] {
            run(&postgres, &redis_url, arguments);
        }
        // A new cluster does not get this far within the test.
        let age = "DO $$ BEGIN FOR n IN 1..50000 LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END $$";
        postgres.tables().await.batch_execute(age).await.unwrap();
        let settings = [
            ("MODE", "development"),
            ("PAYMENT_GATEWAY", "offline"),
            ("WEBHOOK_URLS", sink.url.as_str()),
            ("WEBHOOK_SECRET", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
            ("WEBHOOK_ALLOWED_NETWORKS", "127.0.0.0/8"),
            ("OUTBOX_FIRST_PAUSE_MS", "20"),
        ];
        let start = |_| TestServer::start_at(&url(&postgres), &redis_url, &settings);
        let servers: Vec<TestServer> = (0..2).map(start).collect();
        let admin = Client::anonymous(&servers[0].base_url).log_in(ADMIN, PASSWORD).await;
        let body = json!({
            "name": "Carbonara", "category": "Pasta", "stock": 1000, "price": { "amount": 1000, "currency": "EUR" },
        });
        let added = admin.post("/v1/menu/items", &body).await.expect(201);
        let item = added["id"].as_str().unwrap().parse().unwrap();
        let guests = servers.iter().map(|server| Client::anonymous(&server.base_url)).collect();
        let own = Self { servers, postgres, sink, redis_url, admin, guests, item };
        own.until_counted("SELECT count(*) FROM outbox_subscribers WHERE name <> 'mail'", 1).await;
        own
    }

    async fn place(&self) -> String {
        let begin = Instant::now();
        loop {
            // The database may just be coming back.
            let response = self.admin.order(&[(self.item, 1)]).await;
            match response.status {
                201 => return response.json()["id"].as_str().unwrap().to_owned(),
                503 if begin.elapsed() < PATIENCE => tokio::time::sleep(Duration::from_millis(50)).await,
                other => panic!("{other}: {}", response.text),
            }
        }
    }

    async fn reprice(&self, price: i64) {
        let path = format!("/v1/menu/items/{}", self.item);
        let etag = self.admin.get(&path).await.header("etag").unwrap().to_owned();
        let body = json!({ "price": { "amount": price, "currency": "EUR" } });
        self.admin.patch(&path, &etag, &body).await.expect(200);
        self.until_shown(price).await;
    }

    /// Waits until every server shows this price.
    async fn until_shown(&self, price: i64) {
        until(&format!("everybody shows {price}"), async || {
            for guest in &self.guests {
                let response = guest.get(&format!("/v1/menu/items/{}", self.item)).await;
                if response.status != 200 || response.json()["price"]["amount"] != price {
                    return false;
                }
            }
            true
        })
        .await;
    }

    async fn until_counted(&self, sql: &str, expected: i64) {
        until(&format!("{expected} is {sql}"), async || {
            self.postgres.tables().await.query_one(sql, &[]).await.unwrap().get::<_, i64>(0) == expected
        })
        .await;
    }

    async fn until_told(&self, orders: impl Iterator<Item = &String> + Clone) {
        until("every order is told", async || {
            let told = self.sink.taken();
            orders.clone().all(|order| told.iter().any(|event| event["subject"] == **order))
        })
        .await;
    }

    /// A receiver would ignore the second event of an id.
    fn assert_no_id_stands_for_two_events(&self) {
        let mut events: HashMap<String, HashSet<String>> = HashMap::new();
        for received in self.sink.received() {
            let (event, id) = (received.json(), received.headers["webhook-id"].clone());
            assert_eq!(event["id"], json!(id));
            events.entry(id).or_default().insert(format!("{} {}", event["type"], event["subject"]));
        }
        assert!(events.values().all(|named| named.len() == 1), "{events:?}");
    }

    /// A session that somebody closes in the table, past every server, is closed on each of them.
    async fn assert_closed_sessions_are_known(&self) {
        let signed_in = async |guest: &Client| self.admin.at(guest.base_url()).get("/v1/orders").await.status;
        for guest in &self.guests {
            assert_eq!(signed_in(guest).await, 200);
        }
        let close = "UPDATE sessions SET closed_at = now() WHERE closed_at IS NULL";
        self.postgres.tables().await.batch_execute(close).await.unwrap();
        for guest in &self.guests {
            until("the session is closed", async || signed_in(guest).await == 401).await;
        }
    }
}

fn url(postgres: &TestPostgres) -> String {
    postgres.url_by("db.example", "sslmode=disable")
}

fn run(postgres: &TestPostgres, redis_url: &str, arguments: &[&str]) {
    let mut command = comanda(&url(postgres), redis_url);
    command.args(arguments).env("ADMIN_EMAIL", ADMIN).env("ADMIN_PASSWORD", PASSWORD);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {output:?}");
}

async fn go_on_after(backup: Backup) {
    let mut own = Restaurant::open().await;
    // Some are delivered before the backup, some are not.
    let mut kept = Vec::new();
    for _ in 0..3 {
        kept.push(own.place().await);
    }
    own.until_told(kept.iter()).await;
    own.sink.respond_with(|_| 500);
    for _ in 0..2 {
        kept.push(own.place().await);
    }
    let waiting = "SELECT count(*) FROM outbox_retries";
    own.until_counted(waiting, 2).await;
    let dump = match backup {
        Backup::Dump => Some(own.postgres.dump()),
        Backup::BaseAndLog => {
            own.postgres.back_up();
            kept.push(own.place().await);
            own.until_counted(waiting, 3).await;
            own.postgres.archive().await;
            None
        }
    };
    // Lost, though somebody was told, and guests saw it.
    own.sink.respond_with(|_| 204);
    let lost = [own.place().await, own.place().await];
    own.until_told(kept.iter().chain(&lost)).await;
    for price in [1100, 1200, 1300] {
        own.reprice(price).await;
    }

    match &dump {
        Some(dump) => own.postgres.restore(dump).await,
        None => own.postgres.recover().await,
    }
    let mut placed = Vec::new();
    for _ in 0..4 {
        placed.push(own.place().await);
    }
    own.until_shown(1000).await;
    own.until_told(kept.iter().chain(&placed)).await;
    own.reprice(900).await;
    own.assert_no_id_stands_for_two_events();
    let orders = i64::try_from(kept.len() + placed.len()).unwrap();
    own.until_counted("SELECT coalesce(sum(orders), 0)::bigint FROM sales_by_quarter_hour", orders).await;
    own.until_counted("SELECT count(*) FROM orders", orders).await;
    own.assert_closed_sessions_are_known().await;
    for server in own.servers.drain(..) {
        assert!(server.stop().success());
    }
    run(&own.postgres, &own.redis_url, &["check"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_go_on_after_a_dump_is_restored_into_a_new_cluster() {
    go_on_after(Backup::Dump).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_go_on_after_a_recovery_that_lost_the_latest_orders() {
    go_on_after(Backup::BaseAndLog).await;
}
