//! What happens is told to others exactly as it was committed: nothing is left out, and of each order in its order.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    time::{Duration, Instant},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use comanda_tests::{EventSink, FaultyProxy, PythonProgram, TestApp, Weather, seeded};
use hmac::{Hmac, KeyInit, Mac};
use nix::sys::signal::{Signal, kill};
use rand::RngExt;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// Of a server that tells the sink.
fn telling(sink: &EventSink) -> [(&str, &str); 6] {
    [
        ("MODE", "development"),
        ("PAYMENT_GATEWAY", "offline"),
        ("WEBHOOK_URLS", sink.url.as_str()),
        ("WEBHOOK_SECRET", SECRET),
        ("WEBHOOK_ALLOWED_NETWORKS", "127.0.0.0/8"),
        ("OUTBOX_FIRST_PAUSE_MS", "20"),
    ]
}

async fn restaurant(servers: usize, sink: &EventSink, settings: &[(&str, &str)]) -> TestApp {
    let settings: Vec<(&str, &str)> = telling(sink).into_iter().chain(settings.iter().copied()).collect();
    let restaurant = TestApp::with_servers(servers, &settings).await;
    // Whoever is new is told of what happens from then on.
    let tables = restaurant.database.client().await;
    let begin = Instant::now();
    while tables.query("SELECT FROM outbox_subscribers", &[]).await.unwrap().is_empty() {
        assert!(begin.elapsed() < Duration::from_secs(20), "nobody subscribes");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    restaurant
}

async fn advance(restaurant: &TestApp, order: &str, status: &str) {
    restaurant.admin.post(&format!("/v1/orders/{order}/status"), &json!({ "status": status })).await.expect(200);
}

/// By order, in the order in which they were told first.
fn versions(events: &[Value]) -> HashMap<String, Vec<u64>> {
    let mut versions: HashMap<String, Vec<u64>> = HashMap::new();
    for event in events {
        if !event["type"].as_str().unwrap().starts_with("order.") {
            continue;
        }
        let told = versions.entry(event["subject"].as_str().unwrap().to_owned()).or_default();
        let version = event["data"]["version"].as_u64().unwrap();
        if !told.contains(&version) {
            told.push(version);
        }
    }
    versions
}

#[tokio::test(flavor = "multi_thread")]
async fn an_orders_life_is_told_in_order_and_signed() {
    let sink = EventSink::open().await;
    let restaurant = restaurant(1, &sink, &[]).await;
    let (item, customer) = (restaurant.item_at(1, 1250).await, restaurant.customer().await);
    let order = customer.order(&[(item, 1)]).await.expect(201);
    let id = order["id"].as_str().unwrap();
    customer.post(&format!("/v1/orders/{id}/payments"), &json!({ "method": "counter" })).await.expect(201);
    for status in ["accepted", "preparing", "ready"] {
        advance(&restaurant, id, status).await;
    }
    restaurant.admin.post(&format!("/v1/orders/{id}/cancel"), &json!({})).await.expect(200);

    let events = sink.until_taken(6).await;
    let of_order: Vec<(&str, &str)> = events
        .iter()
        .filter(|event| event["subject"] == id)
        .map(|event| (event["type"].as_str().unwrap(), event["data"]["status"].as_str().unwrap()))
        .collect();
    let changed = "order.status_changed";
    let expected = [
        ("order.placed", "pending"),
        (changed, "accepted"),
        (changed, "preparing"),
        (changed, "ready"),
        (changed, "cancelled"),
    ];
    assert_eq!(of_order, expected);
    let sold_out = events.iter().find(|event| event["type"] == "item.sold_out").unwrap();
    assert_eq!(sold_out["subject"], json!(item));

    // Menu item and order have nothing to wait for in each other; either may come first.
    let received = sink.received().into_iter().find(|received| received.json()["type"] == "order.placed").unwrap();
    assert_eq!(received.headers["content-type"], "application/cloudevents+json");
    let event = received.json();
    assert_eq!((&event["specversion"], &event["source"]), (&json!("1.0"), &json!("/comanda")));
    assert_eq!(event["data"]["total"], json!({ "amount": 1250, "currency": "EUR" }));
    let (id, time) = (&received.headers["webhook-id"], &received.headers["webhook-timestamp"]);
    let key = BASE64_STANDARD.decode(SECRET.strip_prefix("whsec_").unwrap()).unwrap();
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(&key).unwrap();
    mac.update(format!("{id}.{time}.{}", received.body).as_bytes());
    let expected = format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes()));
    assert_eq!(received.headers["webhook-signature"], expected);
    assert!(!received.body.contains("@example.org"), "nothing personal");
    restaurant.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_fails_now_and_then_is_told_everything_all_the_same() {
    let sink = EventSink::open().await;
    let calls = AtomicUsize::new(0);
    sink.answer(move |_| if calls.fetch_add(1, Ordering::SeqCst).is_multiple_of(3) { 500 } else { 200 });
    let restaurant = restaurant(2, &sink, &[]).await;
    let (item, customers) = (restaurant.item(1000).await, restaurant.customers(4).await);
    let mut ids = Vec::new();
    for n in 0..20 {
        let order = customers[n % 4].order(&[(item, 1)]).await.expect(201);
        let id = order["id"].as_str().unwrap().to_owned();
        for status in ["accepted", "preparing"] {
            advance(&restaurant, &id, status).await;
        }
        ids.push(id);
    }
    let begin = Instant::now();
    loop {
        let told = versions(&sink.taken());
        if ids.iter().all(|id| told.get(id).is_some_and(|versions| versions.len() == 3)) {
            assert!(told.values().all(|versions| versions.is_sorted()), "{told:?}");
            break;
        }
        assert!(begin.elapsed() < Duration::from_secs(30), "{told:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    restaurant.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_too_often_is_put_aside_until_an_admin_has_it_sent_again() {
    let sink = EventSink::open().await;
    let refused = Arc::new(Mutex::new(String::new()));
    let whom = Arc::clone(&refused);
    sink.answer(move |received| if received.body.contains(whom.lock().unwrap().as_str()) { 400 } else { 200 });
    *refused.lock().unwrap() = "order.placed".to_owned();
    let restaurant = restaurant(1, &sink, &[("OUTBOX_ATTEMPTS", "3")]).await;
    let (item, customer) = (restaurant.item(5).await, restaurant.customer().await);
    let order = customer.order(&[(item, 1)]).await.expect(201);
    let id = order["id"].as_str().unwrap();
    advance(&restaurant, id, "accepted").await;
    // Nobody waits for a dead letter.
    assert_eq!(sink.until_taken(1).await[0]["data"]["status"], "accepted");

    let letters = restaurant.admin.get("/v1/admin/dead-letters").await.expect(200);
    let letter = &letters["data"][0];
    assert_eq!(
        (&letter["type"], &letter["subject"], &letter["attempts"]),
        (&json!("order.placed"), &json!(id), &json!(3))
    );
    assert!(letter["error"].as_str().unwrap().contains("400"), "{letter}");
    assert_eq!(customer.get("/v1/admin/dead-letters").await.problem().0, 403);

    *refused.lock().unwrap() = "nothing".to_owned();
    let resend = format!("/v1/admin/dead-letters/{}/resend", letter["id"]);
    let request = restaurant.admin.request(Method::POST, &resend);
    assert_eq!(comanda_tests::Client::send(request).await.status, 204);
    let events = sink.until_taken(2).await;
    assert_eq!(events[1]["type"], "order.placed");
    assert!(restaurant.admin.get("/v1/admin/dead-letters").await.expect(200)["data"].as_array().unwrap().is_empty());
    let again = restaurant.admin.request(Method::POST, &resend);
    assert_eq!(comanda_tests::Client::send(again).await.problem(), (404, "not-found".to_owned()));
    restaurant.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whenever_a_server_that_tells_is_killed_another_goes_on_and_nothing_is_left_out() {
    let mut random = seeded();
    let sink = EventSink::open().await;
    let mut restaurant = restaurant(2, &sink, &[]).await;
    let (item, customer) = (restaurant.item(100_000).await, restaurant.customer().await);
    // Orders go through a server that stays and tells nobody.
    let other = restaurant.open_another(&[]);
    let (customer, admin) = (customer.at(&other), restaurant.admin.at(&other));

    // In the middle of these deliveries one of the two that tell is killed, whichever is at it.
    let kills: HashMap<usize, usize> =
        (0..8).map(|_| (random.random_range(1..300), random.random_range(0..2))).collect();
    let tellers = Arc::new(Mutex::new([0, 1].map(|teller| restaurant.servers[teller].pid())));
    let (killed, to_be_replaced) = mpsc::channel();
    let (count, victims) = (AtomicUsize::new(0), Arc::clone(&tellers));
    sink.answer(move |_| {
        if let Some(teller) = kills.get(&count.fetch_add(1, Ordering::SeqCst)) {
            kill(victims.lock().unwrap()[*teller], Signal::SIGKILL).unwrap();
            killed.send(*teller).unwrap();
        }
        200
    });
    let replace_killed = |restaurant: &mut TestApp| {
        for teller in to_be_replaced.try_iter() {
            restaurant.open_another(&telling(&sink));
            let another = restaurant.servers.pop().unwrap();
            tellers.lock().unwrap()[teller] = another.pid();
            restaurant.servers[teller] = another;
        }
    };
    let mut ids = Vec::new();
    for _ in 0..120 {
        let order = customer.order(&[(item, 1)]).await.expect(201);
        let id = order["id"].as_str().unwrap().to_owned();
        for status in ["accepted", "preparing"] {
            admin.post(&format!("/v1/orders/{id}/status"), &json!({ "status": status })).await.expect(200);
        }
        ids.push(id);
        replace_killed(&mut restaurant);
    }
    let begin = Instant::now();
    loop {
        replace_killed(&mut restaurant);
        let taken = sink.taken();
        let told = versions(&taken);
        if ids.iter().all(|id| told.get(id).is_some_and(|versions| versions.len() == 3)) {
            assert!(told.values().all(|versions| versions.is_sorted()), "{told:?}");
            break;
        }
        let missing: HashSet<&String> = ids.iter().filter(|id| told.get(*id).is_none_or(|v| v.len() < 3)).collect();
        assert!(begin.elapsed() < Duration::from_secs(30), "{} orders are not told whole", missing.len());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    replace_killed(&mut restaurant);
    restaurant.admin = admin;
    restaurant.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_fails_is_left_alone_and_told_everything_later() {
    let sink = EventSink::open().await;
    sink.answer(|_| 500);
    let quick = "minimum_calls=5 first_wait_ms=1000 longest_wait_ms=1000 probes=1";
    let restaurant = restaurant(1, &sink, &[("BREAKER_NOTIFICATIONS", quick), ("OUTBOX_ATTEMPTS", "100")]).await;
    let (item, customer) = (restaurant.item(100).await, restaurant.customer().await);
    for _ in 0..10 {
        customer.order(&[(item, 1)]).await.expect(201);
    }
    let begin = Instant::now();
    while !restaurant.servers[0].has_left_alone("notifications") {
        assert!(begin.elapsed() < Duration::from_secs(20), "it is tried for ever");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    sink.answer(|_| 200);
    sink.until_taken(10).await;
    restaurant.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn customers_are_written_to_and_an_order_does_not_wait_for_it() {
    let folder = std::env::temp_dir().join(format!("comanda-{}", Uuid::now_v7().simple()));
    let settings = [
        ("MODE", "development"),
        ("MAIL_FOLDER", folder.to_str().unwrap()),
        ("MAIL_LANGUAGE", "de"),
        ("MAIL_FROM", "Trattoria <kueche@trattoria.example>"),
    ];
    let restaurant = TestApp::with_servers(1, &settings).await;
    let tables = restaurant.database.client().await;
    while tables.query("SELECT FROM outbox_subscribers", &[]).await.unwrap().is_empty() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let (item, customer) = (restaurant.item_at(5, 1250).await, restaurant.customer().await);
    let order = customer.order(&[(item, 1)]).await.expect(201);
    let begin = Instant::now();
    let letter = loop {
        let letters: Vec<String> = std::fs::read_dir(&folder)
            .unwrap()
            .flatten()
            .filter_map(|entry| std::fs::read_to_string(entry.path()).ok())
            .filter(|letter| letter.contains("text/html"))
            .collect();
        if let Some(letter) = letters.into_iter().next() {
            break letter;
        }
        assert!(begin.elapsed() < Duration::from_secs(20), "no mail is written");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert!(letter.contains("From: Trattoria <kueche@trattoria.example>"), "{letter}");
    assert!(
        letter.contains("Subject: Ihre Bestellung") && letter.contains(order["number"].as_str().unwrap()),
        "{letter}"
    );
    std::fs::remove_dir_all(&folder).unwrap();
    restaurant.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_server_that_is_away_gets_the_mails_later() {
    let mails = PythonProgram::mail_server();
    let url = format!("smtp://{}", mails.address);
    let way = FaultyProxy::to(&format!("{url}/")).await;
    way.set(Weather::Cut);
    let url = way.url.trim_end_matches('/').to_owned();
    let settings = [
        ("MAIL_URL", url.as_str()),
        ("MAIL_FROM", "Trattoria <orders@trattoria.example>"),
        ("OUTBOX_FIRST_PAUSE_MS", "20"),
        ("NOTIFY_TIMEOUT_MS", "500"),
        // What a breaker does is another test's.
        ("BREAKER_NOTIFICATIONS", "minimum_calls=1000"),
    ];
    let restaurant = TestApp::with_servers(1, &settings).await;
    let tables = restaurant.database.client().await;
    while tables.query("SELECT FROM outbox_subscribers", &[]).await.unwrap().is_empty() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let (item, customer) = (restaurant.item(5).await, restaurant.customer().await);
    let order = customer.order(&[(item, 1)]).await.expect(201);
    advance(&restaurant, order["id"].as_str().unwrap(), "accepted").await;
    let begin = Instant::now();
    while tables.query("SELECT FROM outbox_retries WHERE attempts > 1", &[]).await.unwrap().is_empty() {
        assert!(begin.elapsed() < Duration::from_secs(20), "nobody tries");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(!mails.output().contains("Subject"), "{}", mails.output());

    way.set(Weather::Fair);
    let subjects = || {
        let output = mails.output();
        let lines = output.lines().filter_map(|line| line.strip_prefix("Subject: ")).map(str::to_owned);
        lines.collect::<Vec<_>>()
    };
    while subjects().len() < 2 {
        assert!(begin.elapsed() < Duration::from_secs(40), "the mails do not arrive: {}", mails.output());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let number = order["number"].as_str().unwrap();
    assert_eq!(subjects(), [format!("Your order {number}"), format!("The kitchen has your order {number}")]);
    restaurant.close().await;
}
