//! Event streams: whatever happens to an order, whoever watches it sees it once.

mod boards;
mod ends;
mod kitchen;
mod nginx;
mod unread;

use std::time::{Duration, Instant};

use comanda_tests::{Client, EventStream, TestApp, Told, seeded};
use futures_util::future::join_all;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use uuid::Uuid;

/// The way of an order, one version each.
const WAY: [&str; 4] = ["accepted", "preparing", "ready", "completed"];

/// Places an order; returns where it is, and where it is watched.
async fn ordered(app: &TestApp, customer: &Client) -> (String, String) {
    let order = customer.order(&[(app.item(100).await, 1)]).await.expect(201);
    let path = format!("/v1/orders/{}", order["id"].as_str().unwrap());
    let events = format!("{path}/events");
    (path, events)
}

async fn advance(staff: &Client, path: &str, status: &str) {
    staff.post(&format!("{path}/status"), &json!({ "status": status })).await.expect(200);
}

/// An event of a version of an order; returns its id and what it shows.
fn shown(told: Told, name: &str, version: u64) -> (String, Value) {
    assert_eq!((told.version().0, told.version().2), (name, version), "{told:?}");
    match told {
        Told::Event { id: Some(id), data, .. } => (id, data),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_shows_the_order_and_then_what_becomes_of_it_at_any_server() {
    let app = TestApp::with_servers(2, &[]).await;
    let customer = app.customer().await;
    let (path, events) = ordered(&app, &customer).await;
    let elsewhere = customer.at(&app.servers[1].base_url);
    let mut stream = EventStream::open(&elsewhere, &events, None).await;
    for (name, value) in
        [("content-type", "text/event-stream"), ("cache-control", "no-store"), ("x-accel-buffering", "no")]
    {
        assert_eq!(stream.headers()[name], value);
    }
    let (_, order) = shown(stream.event().await, "snapshot", 1);
    assert_eq!(order, customer.get(&path).await.expect(200));
    for (version, status) in (2..).zip(WAY) {
        advance(&app.admin, &path, status).await;
        // Transactions of other tests, in other databases, may delay it.
        let (_, order) = shown(stream.event().await, "order", version);
        assert_eq!(order, customer.get(&path).await.expect(200));
    }
    app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_goes_on_at_another_server_and_after_a_restart_with_each_version_once() {
    let mut app = TestApp::with_servers(2, &[]).await;
    let customer = app.customer().await;
    let (path, events) = ordered(&app, &customer).await;
    let mut stream = EventStream::open(&customer, &events, None).await;
    let (placed, _) = shown(stream.event().await, "snapshot", 1);
    drop(stream);
    let mut states = Vec::new();
    for status in WAY {
        advance(&app.admin, &path, status).await;
        states.push(customer.get(&path).await.expect(200));
    }

    let elsewhere = customer.at(&app.servers[1].base_url);
    let mut stream = EventStream::open(&elsewhere, &events, Some(&placed)).await;
    let mut ids = vec![placed];
    for (version, state) in (2..).zip(&states) {
        let (id, order) = shown(stream.event().await, "order", version);
        assert_eq!(order, *state, "as it was then");
        ids.push(id);
    }
    drop(stream);

    assert!(app.servers.pop().unwrap().stop().success());
    let restarted = customer.at(&app.open_another(&[]));
    for client in [&customer, &restarted] {
        for (seen, id) in (1_u64..).zip(&ids) {
            let mut stream = EventStream::open(client, &events, Some(id)).await;
            for version in seen + 1..=5 {
                shown(stream.event().await, "order", version);
            }
            // What comes next is the end of the heartbeat's period, or nothing at all.
            let more = tokio::time::timeout(Duration::from_millis(300), stream.event()).await;
            assert!(more.is_err(), "{more:?}");
        }
    }
    app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_snapshot_knows_is_not_told_again_though_an_older_transaction_is_open() {
    let app = TestApp::open().await;
    let customer = app.customer().await;
    let (path, events) = ordered(&app, &customer).await;
    // Events are read behind it once it has ended.
    let holder = app.database.client().await;
    holder.batch_execute("BEGIN; SELECT pg_current_xact_id()").await.unwrap();
    advance(&app.admin, &path, "accepted").await;
    let mut stream = EventStream::open(&customer, &events, None).await;
    let (id, _) = shown(stream.event().await, "snapshot", 2);
    let mut resumed = EventStream::open(&customer, &events, Some(&id)).await;
    advance(&app.admin, &path, "preparing").await;
    holder.batch_execute("COMMIT").await.unwrap();
    for stream in [&mut stream, &mut resumed] {
        shown(stream.event().await, "order", 3);
    }
    let mut resumed = EventStream::open(&customer, &events, Some(&id)).await;
    shown(resumed.event().await, "order", 3);
    app.close().await;
}

/// As a dump does.
#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_only_reads_holds_up_no_stream() {
    let app = TestApp::open().await;
    let customer = app.customer().await;
    let (path, events) = ordered(&app, &customer).await;
    let mut stream = EventStream::open(&customer, &events, None).await;
    shown(stream.event().await, "snapshot", 1);
    let dump = app.database.client().await;
    let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; LOCK TABLE orders IN ACCESS SHARE MODE; \
                 SELECT pg_export_snapshot(); SELECT count(*) FROM orders";
    dump.batch_execute(begin).await.unwrap();
    advance(&app.admin, &path, "accepted").await;
    shown(stream.event().await, "order", 2);
    dump.batch_execute("COMMIT").await.unwrap();
    app.close().await;
}

/// Watches an order to its end, breaks off at random, and goes on at another server. Returns the versions it was shown.
async fn watched(clients: Vec<Client>, events: String, seed: u64) -> Vec<u64> {
    let mut random = StdRng::seed_from_u64(seed);
    let (mut versions, mut last) = (Vec::new(), None::<String>);
    loop {
        let client = &clients[random.random_range(0..clients.len())];
        let mut stream = EventStream::open(client, &events, last.as_deref()).await;
        loop {
            let told = stream.event().await;
            let (name, id, version) = told.version();
            assert_eq!(name, if last.is_none() { "snapshot" } else { "order" }, "{told:?}");
            versions.push(version);
            if version == 5 {
                return versions;
            }
            last = Some(id.to_owned());
            if random.random_bool(0.5) {
                break;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_breaks_off_again_and_again_sees_each_version_once() {
    let mut random = seeded();
    let app = TestApp::with_servers(2, &[("STREAMS_PER_ACCOUNT", "1000")]).await;
    let item = app.item(10_000).await;
    let customer = app.customer().await;
    let clients: Vec<Client> = app.servers.iter().map(|server| customer.at(&server.base_url)).collect();
    let mut orders = Vec::new();
    for _ in 0..30 {
        let order = customer.order(&[(item, 1)]).await.expect(201);
        orders.push(format!("/v1/orders/{}", order["id"].as_str().unwrap()));
    }
    let watching = orders.iter().map(|path| {
        let watching = watched(clients.clone(), format!("{path}/events"), random.random());
        tokio::spawn(watching)
    });
    let watching: Vec<_> = watching.collect();
    // Orders that nobody watches come and go meanwhile.
    let buyers: Vec<_> = app.customers(4).await;
    let others = buyers.iter().map(|buyer| async move {
        for _ in 0..50 {
            buyer.order(&[(item, 1)]).await.expect(201);
        }
    });
    let servers = &app.servers;
    let advancing = orders.iter().enumerate().map(|(number, path)| {
        let staff = app.admin.at(&servers[number % servers.len()].base_url);
        async move {
            for status in WAY {
                advance(&staff, path, status).await;
            }
        }
    });
    tokio::join!(join_all(others), join_all(advancing));
    for watching in watching {
        let versions = watching.await.unwrap();
        // The snapshot may have been late.
        let expected: Vec<u64> = (versions[0]..=5).collect();
        assert_eq!(versions, expected);
    }
    app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_that_is_not_known_or_too_old_begins_anew() {
    let app = TestApp::open().await;
    let customer = app.customer().await;
    let (_, events) = ordered(&app, &customer).await;
    let mut stream = EventStream::open(&customer, &events, None).await;
    let (id, _) = shown(stream.event().await, "snapshot", 1);
    let other = TestApp::open().await;
    let stranger = other.customer().await;
    let (_, elsewhere) = ordered(&other, &stranger).await;
    let (foreign, _) = shown(EventStream::open(&stranger, &elsewhere, None).await.event().await, "snapshot", 1);
    let mut parts: Vec<String> = id.split('.').map(str::to_owned).collect();
    parts[3] = (parts[3].parse::<i64>().unwrap() + 1_000_000).to_string();
    let future = parts.join(".");
    let garbage = "x".repeat(3000);
    for unknown in ["1", "yesterday", "\u{fc}", "0-0", "-1", &foreign, &future, &garbage] {
        let mut stream = EventStream::open(&customer, &events, Some(unknown)).await;
        let Told::Event { name, .. } = stream.event().await else { panic!("no event") };
        assert_eq!(name, "reset", "{unknown}");
        shown(stream.event().await, "snapshot", 1);
    }
    // What happened since may have been deleted.
    let raise = "UPDATE outbox_horizon SET deleted_before = now()";
    app.database.client().await.batch_execute(raise).await.unwrap();
    let mut stream = EventStream::open(&customer, &events, Some(&id)).await;
    assert!(matches!(stream.event().await, Told::Event { name, .. } if name == "reset"));
    shown(stream.event().await, "snapshot", 1);
    other.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_are_watched_by_their_customers_and_by_staff() {
    let app = TestApp::open().await;
    let (customer, other) = (app.customer().await, app.customer().await);
    let (_, events) = ordered(&app, &customer).await;
    shown(EventStream::open(&app.admin, &events, None).await.event().await, "snapshot", 1);
    assert_eq!(other.get(&events).await.problem(), (404, "not-found".to_owned()));
    let nobody = format!("/v1/orders/{}/events", Uuid::now_v7());
    assert_eq!(customer.get(&nobody).await.problem(), (404, "not-found".to_owned()));
    assert_eq!(app.anonymous().get(&events).await.problem(), (401, "unauthenticated".to_owned()));
    let head = Client::send(customer.request(Method::HEAD, &events)).await;
    assert_eq!((head.status, head.header("content-type"), head.text.as_str()), (200, Some("text/event-stream"), ""));
    app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_are_limited_and_take_no_places_of_requests() {
    let limits = [("STREAMS_PER_ACCOUNT", "3"), ("STREAMS", "5"), ("CONCURRENT_REQUESTS", "1")];
    let app = TestApp::with_servers(1, &limits).await;
    let (customer, other) = (app.customer().await, app.customer().await);
    let (_, events) = ordered(&app, &customer).await;
    let mut open = Vec::new();
    for client in [&customer, &customer, &customer, &app.admin, &app.admin] {
        open.push(EventStream::open(client, &events, None).await);
    }
    for refused in [&customer, &app.admin] {
        assert_eq!(refused.get(&events).await.problem(), (429, "rate-limited".to_owned()));
    }
    customer.get("/v1/orders").await.expect(200);
    ordered(&app, &other).await;
    open.pop();
    let begin = Instant::now();
    // The server notices that the client has gone, before it has anything to send.
    let mut response = app.admin.request(Method::GET, &events).send().await.unwrap();
    while response.status() == 429 && begin.elapsed() < Duration::from_secs(5) {
        tokio::time::sleep(Duration::from_millis(20)).await;
        response = app.admin.request(Method::GET, &events).send().await.unwrap();
    }
    assert_eq!(response.status(), 200);
    drop((response, open));
    app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quiet_stream_shows_that_it_is_there() {
    let app = TestApp::open().await;
    let customer = app.customer().await;
    let (_, events) = ordered(&app, &customer).await;
    let mut stream = EventStream::open(&customer, &events, None).await;
    shown(stream.event().await, "snapshot", 1);
    let begin = Instant::now();
    assert_eq!(stream.next().await, Told::Comment);
    assert!(begin.elapsed() < Duration::from_secs(15), "{:?}", begin.elapsed());
    app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_knows_of_no_chunks_gets_none() {
    let app = TestApp::open().await;
    let customer = app.customer().await;
    let (_, events) = ordered(&app, &customer).await;
    let mut stream = TcpStream::connect(&app.servers[0].address).await.unwrap();
    let request = format!("GET {events} HTTP/1.0\r\nauthorization: Bearer {}\r\n\r\n", customer.token());
    stream.write_all(request.as_bytes()).await.unwrap();
    let (mut text, mut buffer) = (String::new(), [0; 4096]);
    while !text.ends_with("}\n\n") {
        let length = stream.read(&mut buffer).await.unwrap();
        assert_ne!(length, 0, "{text}");
        text.push_str(std::str::from_utf8(&buffer[..length]).unwrap());
    }
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    assert!(!head.to_lowercase().contains("transfer-encoding"), "{head}");
    assert!(body.starts_with("id: "), "{body}");
    drop(stream);
    app.close().await;
}
