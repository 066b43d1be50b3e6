//! Boards, while servers are killed under load and streams break off: each ends as the tables are.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use comanda_tests::{Client, EventStream, Response, TestApp, Told, seeded};
use nix::sys::signal::Signal;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::{sync::watch, task::JoinSet};
use uuid::Uuid;

use super::kitchen::{EVENTS, item, station};

const SETTINGS: [(&str, &str); 5] = [
    ("ACCEPT_ORDERS", "always"),
    ("STREAMS_PER_ACCOUNT", "1000"),
    ("ORDER_LIMIT_OPEN", "0"),
    ("ORDER_LIMIT_PORTIONS", "0"),
    ("ORDER_LIMIT_PER_MINUTE", "0"),
];

/// How many orders are placed: `TEST_MANY=5000` for a proof.
fn many() -> usize {
    std::env::var("TEST_MANY").ok().and_then(|many| many.parse().ok()).unwrap_or(200)
}

/// The servers that are there by now.
#[derive(Clone)]
struct Fleet(Arc<Mutex<Vec<String>>>);

impl Fleet {
    fn any(&self, random: &mut StdRng) -> String {
        let servers = self.0.lock().unwrap();
        servers[random.random_range(0..servers.len())].clone()
    }

    /// Sends it until somebody responds who is not about to go.
    async fn send(&self, client: &Client, random: &mut StdRng, path: &str, key: &str, body: &Value) -> Response {
        loop {
            let request = client.at(&self.any(random)).request(Method::POST, path);
            let sent = Client::try_send(request.header("idempotency-key", key).json(body)).await;
            match sent {
                Ok(response) if response.status == 503 => {}
                Ok(response) if response.status == 409 && response.code() == "idempotency-in-progress" => {}
                Ok(response) => return response,
                Err(_) => {}
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// State and version of each ticket that is not void.
type Tickets = BTreeMap<String, (String, u64)>;

fn on_board(ticket: &Value) -> (String, (String, u64)) {
    let text = |name: &str| ticket[name].as_str().unwrap().to_owned();
    (text("id"), (text("state"), ticket["version"].as_u64().unwrap()))
}

/// Shows what it is told, breaks off at random, and goes on at any server, for as long as somebody looks.
async fn board(staff: Client, fleet: Fleet, path: String, seed: u64, shown: watch::Sender<Tickets>) {
    let mut random = StdRng::seed_from_u64(seed);
    let (mut last, mut newest) = (None::<String>, HashMap::<String, u64>::new());
    while !shown.is_closed() {
        let client = staff.at(&fleet.any(&mut random));
        let Some(mut stream) = EventStream::try_open(&client, &path, last.as_deref()).await else {
            tokio::time::sleep(Duration::from_millis(20)).await;
            continue;
        };
        while !random.random_bool(0.01) {
            let told = tokio::select! {
                told = stream.event() => told,
                () = shown.closed() => return,
            };
            match told {
                Told::Event { name, id: Some(id), data } if name == "snapshot" => {
                    let tickets: Tickets = data["tickets"].as_array().unwrap().iter().map(on_board).collect();
                    for (ticket, (_, version)) in &tickets {
                        assert!(newest.get(ticket) <= Some(version), "{ticket} goes back to version {version}");
                        newest.insert(ticket.clone(), *version);
                    }
                    shown.send_replace(tickets);
                    last = Some(id);
                }
                Told::Event { name, id: Some(id), data } if name == "ticket" => {
                    let (ticket, (state, version)) = on_board(&data);
                    let before = newest.insert(ticket.clone(), version);
                    assert!(before < Some(version), "{ticket}: version {version} came after {before:?}");
                    shown.send_modify(|tickets| {
                        if state == "void" {
                            tickets.remove(&ticket);
                        } else {
                            tickets.insert(ticket, (state, version));
                        }
                    });
                    last = Some(id);
                }
                Told::Event { name, .. } => assert_eq!(name, "reset"),
                Told::Retry(_) | Told::Comment => {}
                Told::End => break,
            }
        }
    }
}

/// Makes whatever is there to make at a station, and cancels some orders, until nothing comes any more.
async fn cook(staff: Client, fleet: Fleet, station: String, seed: u64, closing: Arc<AtomicBool>) {
    let mut random = StdRng::seed_from_u64(seed);
    loop {
        let was_closing = closing.load(Ordering::SeqCst);
        let mut open = Vec::new();
        for state in ["queued", "cooking"] {
            let path = format!("/v1/kitchen/tickets?station={station}&state={state}&limit=100");
            let read = Client::try_send(staff.at(&fleet.any(&mut random)).request(Method::GET, &path)).await;
            match read {
                Ok(read) if read.status == 200 => open.extend(read.json()["data"].as_array().unwrap().clone()),
                _ => open.push(Value::Null),
            }
        }
        if open.is_empty() && was_closing {
            return;
        }
        for ticket in &open {
            let Some(id) = ticket["id"].as_str() else { continue };
            let (path, body) = match random.random_range(0..20) {
                0 => (format!("/v1/orders/{}/cancel", ticket["order_id"].as_str().unwrap()), json!({})),
                1..8 => (format!("/v1/kitchen/tickets/{id}/state"), json!({ "state": "cooking" })),
                _ => (format!("/v1/kitchen/tickets/{id}/state"), json!({ "state": "ready" })),
            };
            let changed = fleet.send(&staff, &mut random, &path, &Uuid::now_v7().to_string(), &body).await;
            // The other station may have been first, or the order is cancelled or being made.
            assert!([200, 409].contains(&changed.status), "{path} {body}: {}", changed.text);
        }
    }
}

/// Places orders of either station or both; returns how many tickets each must have.
async fn order(customer: Client, fleet: Fleet, items: [Uuid; 2], seed: u64, orders: usize) -> Vec<(Uuid, i64)> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut placed = Vec::new();
    for _ in 0..orders {
        let chosen = [&items[..], &items[..1], &items[1..]][random.random_range(0..3)];
        let lines: Vec<_> = chosen.iter().map(|item| json!({ "menu_item_id": item, "quantity": 1 })).collect();
        let (key, body) = (Uuid::now_v7().to_string(), json!({ "items": lines }));
        let order = fleet.send(&customer, &mut random, "/v1/orders", &key, &body).await.expect(201);
        placed.push((order["id"].as_str().unwrap().parse().unwrap(), i64::try_from(chosen.len()).unwrap()));
    }
    placed
}

#[tokio::test(flavor = "multi_thread")]
async fn every_board_ends_as_the_tables_are_whatever_is_killed_meanwhile() {
    const CUSTOMERS: usize = 8;

    let mut random = seeded();
    let mut app = TestApp::with_servers(2, &SETTINGS).await;
    let stations = [station(&app, "Grill").await, station(&app, "Bar").await];
    let items = [item(&app, "Grill", 1_000_000).await, item(&app, "Bar", 1_000_000).await];
    let fleet = Fleet(Arc::new(Mutex::new(app.servers.iter().map(|server| server.base_url.clone()).collect())));
    let (staff, closing) = (app.admin.clone(), Arc::new(AtomicBool::new(false)));

    let (mut watching, mut boards) = (JoinSet::new(), Vec::new());
    for watched in [None, None, Some(0), Some(1)] {
        let path = watched.map_or(EVENTS.to_owned(), |at: usize| format!("{EVENTS}?station={}", stations[at]));
        let (sender, receiver) = watch::channel(Tickets::new());
        watching.spawn(board(staff.clone(), fleet.clone(), path, random.random(), sender));
        boards.push((watched, receiver));
    }
    let mut ordering = JoinSet::new();
    for customer in app.customers(CUSTOMERS).await {
        ordering.spawn(order(customer, fleet.clone(), items, random.random(), many() / CUSTOMERS));
    }
    let mut cooking = JoinSet::new();
    for station in &stations {
        cooking.spawn(cook(staff.clone(), fleet.clone(), station.clone(), random.random(), Arc::clone(&closing)));
    }
    let (mut kills, mut placed) = (0, Vec::new());
    while kills < 4 || !ordering.is_empty() {
        let mut server = app.servers.remove(0);
        server.signal(Signal::SIGKILL);
        server.wait();
        fleet.0.lock().unwrap().retain(|base_url| *base_url != server.base_url);
        let base_url = app.open_another(&SETTINGS);
        fleet.0.lock().unwrap().push(base_url);
        kills += 1;
        // The load goes on for a while.
        tokio::time::sleep(Duration::from_millis(300)).await;
        while let Some(orders) = ordering.try_join_next() {
            placed.push(orders.unwrap());
        }
    }
    let placed: Vec<(Uuid, i64)> = placed.into_iter().flatten().collect();
    closing.store(true, Ordering::SeqCst);
    cooking.join_all().await;

    let tables = app.database.client().await;
    for (order, expected) in &placed {
        let count = "SELECT count(*), count(DISTINCT station_id) FROM kitchen_tickets WHERE order_id = $1";
        let row = tables.query_one(count, &[order]).await.unwrap();
        assert_eq!((row.get::<_, i64>(0), row.get::<_, i64>(1)), (*expected, *expected), "tickets of {order}");
    }
    for (watched, mut shown) in boards {
        let of = watched.map(|at: usize| stations[at].clone());
        let read = "SELECT id::text, state, version::bigint FROM kitchen_tickets \
                    WHERE state <> 'void' AND ($1::text IS NULL OR station_id::text = $1)";
        let rows = tables.query(read, &[&of]).await.unwrap();
        let version = |row: &tokio_postgres::Row| u64::try_from(row.get::<_, i64>(2)).unwrap();
        let expected: Tickets = rows.iter().map(|row| (row.get(0), (row.get(1), version(row)))).collect();
        assert!(!expected.is_empty());
        let waiting = shown.wait_for(|tickets| *tickets == expected);
        let caught_up = tokio::time::timeout(Duration::from_secs(60), waiting).await.is_ok_and(|shown| shown.is_ok());
        if !caught_up {
            watching.abort_all();
            panic!("a board shows {:#?} instead of {expected:#?}", *shown.borrow());
        }
    }
    watching.join_all().await;
    println!("{} orders, {kills} servers killed", placed.len());
    app.close().await;
}
