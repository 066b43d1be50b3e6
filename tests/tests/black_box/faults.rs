//! The network between a server and what it stands on does its worst, under load. During it: only answers of the contract, none of them late.
//! After it: as before within seconds, every order that was answered is there, and none twice.

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

/// How long an answer may take: the deadline below, and a tenth.
const LATEST: Duration = Duration::from_millis(2200);

const SETTINGS: [(&str, &str); 5] = [
    ("PLACEMENT_DEADLINE_MS", "2000"),
    ("DATABASE_READ_LIMIT_MS", "2000"),
    ("DATABASE_WAIT_MS", "800"),
    // What a breaker does to the answers is another test's.
    ("BREAKER_ORDER_CREATE", "first_wait_ms=300 longest_wait_ms=1000 slow_call_ms=5000"),
    ("BREAKER_ORDER_LOOKUP", "first_wait_ms=300 longest_wait_ms=1000 slow_call_ms=5000"),
];

/// What a customer was told under each key.
type Placed = HashMap<String, Value>;

/// Orders with a key until told to stop, again with the same key where it is not known what became of it.
async fn order_on(customer: Client, item: Uuid, ordering: Arc<AtomicBool>) -> Placed {
    let mut placed = Placed::new();
    while ordering.load(Ordering::SeqCst) {
        let key = Uuid::now_v7().to_string();
        loop {
            let begin = Instant::now();
            let answer = customer.order_with_key(&key, &[(item, 1)]).await;
            assert!(begin.elapsed() < LATEST, "an order took {:?}: {answer:?}", begin.elapsed());
            match answer.status {
                201 => {
                    placed.insert(key, answer.json());
                    break;
                }
                503 => assert_eq!(answer.problem(), (503, "unavailable".to_owned())),
                409 => assert_eq!(answer.problem(), (409, "idempotency-in-progress".to_owned())),
                _ => panic!("no answer of the contract: {answer:?}"),
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    placed
}

/// Reads until told to stop; the menu is always there.
async fn read_on(customer: Client, reading: Arc<AtomicBool>) {
    while reading.load(Ordering::SeqCst) {
        for path in ["/v1/menu", "/v1/orders?include=items"] {
            let begin = Instant::now();
            let answer = customer.get(path).await;
            assert!(begin.elapsed() < LATEST, "{path} took {:?}: {answer:?}", begin.elapsed());
            match answer.status {
                200 => {}
                503 if path != "/v1/menu" => assert_eq!(answer.problem(), (503, "unavailable".to_owned())),
                _ => panic!("{path}: {answer:?}"),
            }
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn weather_of(proxy: &FaultyProxy, restaurant: &TestApp, customer: &Client, item: Uuid, weather: Weather) {
    let going_on = Arc::new(AtomicBool::new(true));
    let mut ordering = JoinSet::new();
    for _ in 0..4 {
        ordering.spawn(order_on(customer.clone(), item, Arc::clone(&going_on)));
    }
    let mut reading = JoinSet::new();
    for _ in 0..2 {
        reading.spawn(read_on(customer.clone(), Arc::clone(&going_on)));
    }
    // The time itself is what is tried.
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

    let tables = restaurant.database.client().await;
    for (key, order) in &placed {
        let rows = tables.query("SELECT id::text FROM orders WHERE idempotency_key = $1", &[key]).await.unwrap();
        let ids: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        assert_eq!(ids, [order["id"].as_str().unwrap()], "{weather:?}: under {key}");
    }
    restaurant.assert_sound();
}

#[tokio::test(flavor = "multi_thread")]
async fn between_the_server_and_postgresql() {
    let mut restaurant = TestApp::open().await;
    let proxy = FaultyProxy::to(&restaurant.database.url).await;
    let base_url = restaurant.open_another_at(&proxy.url.clone(), &SETTINGS);
    let (item, customer) = (restaurant.item(1_000_000).await, restaurant.customer().await.at(&base_url));
    for weather in [Weather::Cut, Weather::Frozen, Weather::Delayed(Duration::from_millis(50)), Weather::Dribbling] {
        weather_of(&proxy, &restaurant, &customer, item, weather).await;
    }
    restaurant.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn between_the_server_and_redis() {
    let redis_url = redis_url().await;
    let mut restaurant = TestApp::with_redis(redis_url.clone(), 1, &[]).await;
    let proxy = FaultyProxy::to(&redis_url).await;
    restaurant.servers.push(TestServer::start_at(&restaurant.database.url, &proxy.url, &SETTINGS));
    let (item, customer) = (restaurant.item(1_000_000).await, restaurant.customer().await);
    let customer = customer.at(&restaurant.servers[1].base_url);
    for weather in [Weather::Cut, Weather::Frozen, Weather::Delayed(Duration::from_millis(500)), Weather::Dribbling] {
        weather_of(&proxy, &restaurant, &customer, item, weather).await;
    }
    restaurant.close().await;
}
