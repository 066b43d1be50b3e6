//! Servers go on with a database that was restored, or recovered to an earlier moment, while they run.

use std::{
    collections::{HashMap, HashSet},
    time::{Duration, Instant},
};

use comanda_tests::{Accepts, Client, EventSink, PASSWORD, TestPostgres, TestServer, comanda, redis_url};
use serde_json::{Value, json};
use uuid::Uuid;

const ADMIN: &str = "admin@comanda.example";
const PATIENCE: Duration = Duration::from_secs(60);

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

async fn place(customer: &Client, item: Uuid) -> String {
    let begin = Instant::now();
    loop {
        // The database may just be coming back.
        let response = customer.order(&[(item, 1)]).await;
        match response.status {
            201 => return response.json()["id"].as_str().unwrap().to_owned(),
            503 if begin.elapsed() < PATIENCE => tokio::time::sleep(Duration::from_millis(50)).await,
            other => panic!("{other}: {}", response.text),
        }
    }
}

async fn reprice(admin: &Client, item: Uuid, price: i64) {
    let path = format!("/v1/menu/items/{item}");
    let etag = admin.get(&path).await.header("etag").unwrap().to_owned();
    admin.patch(&path, &etag, &json!({ "price": { "amount": price, "currency": "EUR" } })).await.expect(200);
}

async fn go_on_after(backup: Backup) {
    let sink = EventSink::open().await;
    let mut postgres = TestPostgres::start(None, Accepts::Everything).await;
    let (url, redis_url) = (postgres.url_by("db.example", "sslmode=disable"), redis_url().await);
    let run = |arguments: &[&str]| {
        let mut command = comanda(&url, &redis_url);
        command.args(arguments).env("ADMIN_EMAIL", ADMIN).env("ADMIN_PASSWORD", PASSWORD);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {output:?}");
    };
    run(&["migrate"]);
    run(&["admin", "create"]);
    let settings = [
        ("MODE", "development"),
        ("PAYMENT_GATEWAY", "offline"),
        ("WEBHOOK_URLS", sink.url.as_str()),
        ("WEBHOOK_SECRET", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
        ("WEBHOOK_ALLOWED_NETWORKS", "127.0.0.0/8"),
        ("OUTBOX_FIRST_PAUSE_MS", "20"),
    ];
    let servers: Vec<TestServer> = (0..2).map(|_| TestServer::start_at(&url, &redis_url, &settings)).collect();
    let admin = Client::anonymous(&servers[0].base_url).log_in(ADMIN, PASSWORD).await;
    let body = json!({
        "name": "Carbonara", "category": "Pasta", "stock": 1000, "price": { "amount": 1000, "currency": "EUR" },
    });
    let item: Uuid = admin.post("/v1/menu/items", &body).await.expect(201)["id"].as_str().unwrap().parse().unwrap();
    let subscribed = "SELECT count(*) FROM outbox_subscribers WHERE name <> 'mail'";
    until("somebody subscribes", async || count(&postgres, subscribed).await == 1).await;

    // Some are delivered before the backup, some are not.
    let mut kept = Vec::new();
    for _ in 0..3 {
        kept.push(place(&admin, item).await);
    }
    sink.until_taken(3).await;
    sink.respond_with(|_| 500);
    for _ in 0..2 {
        kept.push(place(&admin, item).await);
    }
    let waiting = "SELECT count(*) FROM outbox_retries";
    until("deliveries fail", async || count(&postgres, waiting).await == 2).await;
    let dump = match backup {
        Backup::Dump => Some(postgres.dump()),
        Backup::BaseAndLog => {
            postgres.back_up();
            kept.push(place(&admin, item).await);
            until("deliveries fail", async || count(&postgres, waiting).await == 3).await;
            postgres.archive().await;
            None
        }
    };

    // Lost, though somebody was told, and guests saw it.
    sink.respond_with(|_| 204);
    let lost = [place(&admin, item).await, place(&admin, item).await];
    sink.until_taken(kept.len() + 2).await;
    for price in [1100, 1200, 1300] {
        reprice(&admin, item, price).await;
    }
    let guests: Vec<Client> = servers.iter().map(|server| Client::anonymous(&server.base_url)).collect();
    let path = format!("/v1/menu/items/{item}");
    let prices = async || {
        let mut prices = Vec::new();
        for guest in &guests {
            let response = guest.get(&path).await;
            prices.push((response.status == 200).then(|| response.json()["price"]["amount"].as_i64().unwrap()));
        }
        prices
    };
    until("guests see it", async || prices().await == [Some(1300), Some(1300)]).await;

    match &dump {
        Some(dump) => postgres.restore(dump).await,
        None => postgres.recover().await,
    }
    let mut placed = Vec::new();
    for _ in 0..4 {
        placed.push(place(&admin, item).await);
    }
    until("guests see what the database has", async || prices().await == [Some(1000), Some(1000)]).await;
    let there = kept.iter().chain(&placed);
    until("every order is told", async || {
        let told = sink.taken();
        there.clone().all(|order| told.iter().any(|event| event["subject"] == **order))
    })
    .await;
    reprice(&admin, item, 900).await;
    until("guests see changes", async || prices().await == [Some(900), Some(900)]).await;

    // No id stands for two events: receivers would have ignored the second.
    let mut events: HashMap<String, HashSet<String>> = HashMap::new();
    for received in sink.received() {
        let event: Value = received.json();
        let id = received.headers["webhook-id"].clone();
        assert_eq!(event["id"], json!(id));
        events.entry(id).or_default().insert(format!("{} {}", event["type"], event["subject"]));
    }
    assert!(events.values().all(|named| named.len() == 1), "{events:?}");
    assert!(events.values().any(|named| named.iter().any(|event| event.contains(&lost[0]))), "{events:?}");

    let orders = i64::try_from(kept.len() + placed.len()).unwrap();
    let summarized = "SELECT coalesce(sum(orders), 0)::bigint FROM sales_by_quarter_hour";
    until("sales are summarized", async || count(&postgres, summarized).await == orders).await;
    assert_eq!(count(&postgres, "SELECT count(*) FROM orders").await, orders);

    // A session that somebody closes in the table, past every server, is closed on each of them.
    for guest in &guests {
        admin.at(guest.base_url()).get("/v1/orders").await.expect(200);
    }
    let close = "UPDATE sessions SET closed_at = now() WHERE closed_at IS NULL";
    postgres.tables().await.batch_execute(close).await.unwrap();
    for guest in &guests {
        let closed = async || admin.at(guest.base_url()).get("/v1/orders").await.status == 401;
        until("the session is closed", closed).await;
    }
    for server in servers {
        assert!(server.stop().success());
    }
    run(&["check"]);
}

async fn count(postgres: &TestPostgres, sql: &str) -> i64 {
    postgres.tables().await.query_one(sql, &[]).await.unwrap().get(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_go_on_after_a_dump_is_restored_into_a_new_cluster() {
    go_on_after(Backup::Dump).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_go_on_after_a_recovery_that_lost_the_latest_orders() {
    go_on_after(Backup::BaseAndLog).await;
}
