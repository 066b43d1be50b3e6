//! The network between a server and PostgreSQL or Redis fails under load. Meanwhile, every response is within the
//! contract and on time. Afterwards, service is restored within seconds, and every confirmed order is there once.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use comanda_tests::{Client, FaultyProxy, TestApp, TestServer, Weather, redis_url};
use serde_json::Value;
use tokio::task::JoinSet;
use uuid::Uuid;

/// How long a response may take: the deadline below, and a tenth.
const LATEST: Duration = Duration::from_millis(2200);

const SETTINGS: [(&str, &str); 5] = [
    ("PLACEMENT_DEADLINE_MS", "2000"),
    ("DATABASE_READ_LIMIT_MS", "2000"),
    ("DATABASE_WAIT_MS", "800"),
    // Breakers have tests of their own.
    ("BREAKER_ORDER_CREATE", "first_wait_ms=300 longest_wait_ms=1000 slow_call_ms=5000"),
    ("BREAKER_ORDER_LOOKUP", "first_wait_ms=300 longest_wait_ms=1000 slow_call_ms=5000"),
];

/// The order that a customer got under each key.
type Placed = HashMap<String, Value>;

/// Orders under keys until the flag says stop, and repeats a request under its key when the outcome is unknown.
async fn order_on(customer: Client, item: Uuid, ordering: Arc<AtomicBool>) -> Placed {
    let mut placed = Placed::new();
    while ordering.load(Ordering::SeqCst) {
        let key = Uuid::now_v7().to_string();
        loop {
            let begin = Instant::now();
            let response = customer.order_with_key(&key, &[(item, 1)]).await;
            assert!(begin.elapsed() < LATEST, "an order took {:?}: {response:?}", begin.elapsed());
            match response.status {
                201 => {
                    placed.insert(key, response.json());
                    break;
                }
                503 => assert_eq!(response.problem(), (503, "unavailable".to_owned())),
                409 => assert_eq!(response.problem(), (409, "idempotency-in-progress".to_owned())),
                _ => panic!("not a response of the contract: {response:?}"),
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    placed
}

/// Reads until the flag says stop; the menu must always be there.
async fn read_on(customer: Client, reading: Arc<AtomicBool>) {
    while reading.load(Ordering::SeqCst) {
        for path in ["/v1/menu", "/v1/orders?include=items"] {
            let begin = Instant::now();
            let response = customer.get(path).await;
            assert!(begin.elapsed() < LATEST, "{path} took {:?}: {response:?}", begin.elapsed());
            match response.status {
                200 => {}
                503 if path != "/v1/menu" => assert_eq!(response.problem(), (503, "unavailable".to_owned())),
                _ => panic!("{path}: {response:?}"),
            }
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn weather_of(proxy: &FaultyProxy, app: &TestApp, customer: &Client, item: Uuid, weather: Weather) {
    let going_on = Arc::new(AtomicBool::new(true));
    let mut ordering = JoinSet::new();
    for _ in 0..4 {
        ordering.spawn(order_on(customer.clone(), item, Arc::clone(&going_on)));
    }
    let mut reading = JoinSet::new();
    for _ in 0..2 {
        reading.spawn(read_on(customer.clone(), Arc::clone(&going_on)));
    }
    // The duration itself is under test.
    tokio::time::sleep(Duration::from_millis(500)).await;
    proxy.set(weather);
    tokio::time::sleep(Duration::from_secs(3)).await;
    proxy.set(Weather::Fair);
    let begin = Instant::now();
    while customer.order(&[(item, 1)]).await.status != 201 || customer.get("/v1/orders").await.status != 200 {
        assert!(begin.elapsed() < Duration::from_secs(5), "{weather:?}: it does not come back");
    }
    going_on.store(false, Ordering::SeqCst);
    reading.join_all().await;
    let placed: Vec<(String, Value)> = ordering.join_all().await.into_iter().flatten().collect();
    assert!(!placed.is_empty(), "{weather:?}: nobody was served, before or after");

    let tables = app.database.client().await;
    for (key, order) in &placed {
        let rows = tables.query("SELECT id::text FROM orders WHERE idempotency_key = $1", &[key]).await.unwrap();
        let ids: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        assert_eq!(ids, [order["id"].as_str().unwrap()], "{weather:?}: under {key}");
    }
    app.assert_sound();
}

#[tokio::test(flavor = "multi_thread")]
async fn between_the_server_and_postgresql() {
    let mut app = TestApp::open().await;
    let proxy = FaultyProxy::to(&app.database.server_url).await;
    let base_url = app.open_another_at(&proxy.url.clone(), &SETTINGS);
    let (item, customer) = (app.item(1_000_000).await, app.customer().await.at(&base_url));
    for weather in [Weather::Cut, Weather::Frozen, Weather::Delayed(Duration::from_millis(50)), Weather::Dribbling] {
        weather_of(&proxy, &app, &customer, item, weather).await;
    }
    app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn between_the_server_and_redis() {
    let redis_url = redis_url().await;
    let mut app = TestApp::with_redis(redis_url.clone(), 1, &[]).await;
    let proxy = FaultyProxy::to(&redis_url).await;
    app.servers.push(TestServer::start_at(&app.database.server_url, &proxy.url, &SETTINGS));
    let (item, customer) = (app.item(1_000_000).await, app.customer().await);
    let customer = customer.at(&app.servers[1].base_url);
    for weather in [Weather::Cut, Weather::Frozen, Weather::Delayed(Duration::from_millis(500)), Weather::Dribbling] {
        weather_of(&proxy, &app, &customer, item, weather).await;
    }
    app.close().await;
}
