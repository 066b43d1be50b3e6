//! Events are delivered exactly as they were committed: none is left out, and those of an order arrive in its order.

use std::{
    collections::{HashMap, HashSet},
    net::TcpListener,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    time::{Duration, Instant},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use comanda_tests::{Client, EventSink, FaultyProxy, PythonProgram, TestApp, Weather, seeded};
use hmac::{Hmac, KeyInit, Mac};
use nix::sys::signal::{Signal, kill};
use rand::RngExt;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
/// What replaces it.
const NEXT_SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oDMdQtYxHKL1c=";

/// Settings of a server that delivers to the sink.
fn delivering_to(sink: &EventSink) -> [(&str, &str); 6] {
    [
        ("MODE", "development"),
        ("PAYMENT_GATEWAY", "offline"),
        ("WEBHOOK_URLS", sink.url.as_str()),
        ("WEBHOOK_SECRET", SECRET),
        ("WEBHOOK_ALLOWED_NETWORKS", "127.0.0.0/8"),
        ("OUTBOX_FIRST_PAUSE_MS", "20"),
    ]
}

async fn app(servers: usize, sink: &EventSink, settings: &[(&str, &str)]) -> TestApp {
    let settings: Vec<(&str, &str)> = delivering_to(sink).into_iter().chain(settings.iter().copied()).collect();
    let app = TestApp::with_servers(servers, &settings).await;
    // A new subscriber gets the events from then on.
    let tables = app.database.client().await;
    let begin = Instant::now();
    while tables.query("SELECT FROM outbox_subscribers", &[]).await.unwrap().is_empty() {
        assert!(begin.elapsed() < Duration::from_secs(20), "nobody subscribes");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    app
}

async fn advance(app: &TestApp, order: &str, status: &str) {
    app.admin.post(&format!("/v1/orders/{order}/status"), &json!({ "status": status })).await.expect(200);
}

/// By order id, in the order of first delivery.
fn versions(events: &[Value]) -> HashMap<String, Vec<u64>> {
    let mut versions: HashMap<String, Vec<u64>> = HashMap::new();
    for event in events {
        if !event["type"].as_str().unwrap().starts_with("order.") {
            continue;
        }
        let delivered = versions.entry(event["subject"].as_str().unwrap().to_owned()).or_default();
        let version = event["data"]["version"].as_u64().unwrap();
        if !delivered.contains(&version) {
            delivered.push(version);
        }
    }
    versions
}

#[tokio::test(flavor = "multi_thread")]
async fn the_events_of_an_order_are_delivered_in_order_and_signed() {
    let sink = EventSink::open().await;
    let app = app(1, &sink, &[("WEBHOOK_SECRET", &format!("{NEXT_SECRET},{SECRET}"))]).await;
    let (item, customer) = (app.item_at(1, 1250).await, app.customer().await);
    let order = customer.order(&[(item, 1)]).await.expect(201);
    let id = order["id"].as_str().unwrap();
    customer.post(&format!("/v1/orders/{id}/payments"), &json!({ "method": "counter" })).await.expect(201);
    for status in ["accepted", "preparing", "ready"] {
        advance(&app, id, status).await;
    }
    app.admin.post(&format!("/v1/orders/{id}/cancel"), &json!({})).await.expect(200);

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

    // Events of a menu item and of an order are independent; either may come first.
    let received = sink.received().into_iter().find(|received| received.json()["type"] == "order.placed").unwrap();
    assert_eq!(received.headers["content-type"], "application/cloudevents+json");
    let event = received.json();
    assert_eq!((&event["specversion"], &event["source"]), (&json!("1.0"), &json!("/comanda")));
    assert_eq!(event["data"]["total"], json!({ "amount": 1250, "currency": "EUR" }));
    let (id, time) = (&received.headers["webhook-id"], &received.headers["webhook-timestamp"]);
    // While the secret is being replaced, a receiver may have either.
    let by = |secret: &str| {
        let key = BASE64_STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(&key).unwrap();
        mac.update(format!("{id}.{time}.{}", received.body).as_bytes());
        format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes()))
    };
    assert_eq!(received.headers["webhook-signature"], format!("{} {}", by(NEXT_SECRET), by(SECRET)));
    assert!(!received.body.contains("@example.org"), "nothing personal");
    app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_fails_now_and_then_gets_every_event() {
    let sink = EventSink::open().await;
    let calls = AtomicUsize::new(0);
    sink.respond_with(move |_| if calls.fetch_add(1, Ordering::SeqCst).is_multiple_of(3) { 500 } else { 200 });
    let app = app(2, &sink, &[]).await;
    let (item, customers) = (app.item(1000).await, app.customers(4).await);
    let mut ids = Vec::new();
    for n in 0..20 {
        let order = customers[n % 4].order(&[(item, 1)]).await.expect(201);
        let id = order["id"].as_str().unwrap().to_owned();
        for status in ["accepted", "preparing"] {
            advance(&app, &id, status).await;
        }
        ids.push(id);
    }
    let begin = Instant::now();
    loop {
        let delivered = versions(&sink.taken());
        if ids.iter().all(|id| delivered.get(id).is_some_and(|versions| versions.len() == 3)) {
            assert!(delivered.values().all(|versions| versions.is_sorted()), "{delivered:?}");
            break;
        }
        assert!(begin.elapsed() < Duration::from_secs(30), "{delivered:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_is_refused_too_often_is_a_dead_letter_until_an_admin_resends_it() {
    let sink = EventSink::open().await;
    let refused = Arc::new(Mutex::new(String::new()));
    let whom = Arc::clone(&refused);
    sink.respond_with(move |received| if received.body.contains(whom.lock().unwrap().as_str()) { 400 } else { 200 });
    *refused.lock().unwrap() = "order.placed".to_owned();
    let app = app(1, &sink, &[("OUTBOX_ATTEMPTS", "3")]).await;
    let (item, customer) = (app.item(5).await, app.customer().await);
    let order = customer.order(&[(item, 1)]).await.expect(201);
    let id = order["id"].as_str().unwrap();
    advance(&app, id, "accepted").await;
    // Other events do not wait for a dead letter.
    assert_eq!(sink.until_taken(1).await[0]["data"]["status"], "accepted");

    let letters = app.admin.get("/v1/admin/dead-letters").await.expect(200);
    let letter = &letters["data"][0];
    let log = app.servers[0].log();
    let put_aside = log.iter().find(|line| line.contains("events were put aside as dead letters"));
    assert!(put_aside.is_some_and(|line| line.contains("webhook:127.0.0.1:") && line.contains("400")), "{log:?}");
    assert_eq!(
        (&letter["type"], &letter["subject"], &letter["attempts"]),
        (&json!("order.placed"), &json!(id), &json!(3))
    );
    assert!(letter["error"].as_str().unwrap().contains("400"), "{letter}");
    assert_eq!(customer.get("/v1/admin/dead-letters").await.problem().0, 403);

    *refused.lock().unwrap() = "nothing".to_owned();
    let resend = format!("/v1/admin/dead-letters/{}/resend", letter["id"]);
    let request = app.admin.request(Method::POST, &resend);
    assert_eq!(comanda_tests::Client::send(request).await.status, 204);
    let events = sink.until_taken(2).await;
    assert_eq!(events[1]["type"], "order.placed");
    assert!(app.admin.get("/v1/admin/dead-letters").await.expect(200)["data"].as_array().unwrap().is_empty());
    let again = app.admin.request(Method::POST, &resend);
    assert_eq!(comanda_tests::Client::send(again).await.problem(), (404, "not-found".to_owned()));
    app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_delivering_server_is_killed_another_continues_and_no_event_is_lost() {
    let mut random = seeded();
    let sink = EventSink::open().await;
    let mut app = app(2, &sink, &[]).await;
    let (item, customer) = (app.item(100_000).await, app.customer().await);
    // Orders go through a server that stays and delivers nothing.
    let other = app.open_another(&[]);
    let (customer, admin) = (customer.at(&other), app.admin.at(&other));

    // During these deliveries the server that delivers, one of two, is killed.
    let kills: HashMap<usize, usize> =
        (0..8).map(|_| (random.random_range(1..300), random.random_range(0..2))).collect();
    let deliverers = Arc::new(Mutex::new([0, 1].map(|deliverer| app.servers[deliverer].pid())));
    let (killed, to_be_replaced) = mpsc::channel();
    let (count, victims) = (AtomicUsize::new(0), Arc::clone(&deliverers));
    sink.respond_with(move |_| {
        if let Some(deliverer) = kills.get(&count.fetch_add(1, Ordering::SeqCst)) {
            kill(victims.lock().unwrap()[*deliverer], Signal::SIGKILL).unwrap();
            killed.send(*deliverer).unwrap();
        }
        200
    });
    let replace_killed = |app: &mut TestApp| {
        for deliverer in to_be_replaced.try_iter() {
            app.open_another(&delivering_to(&sink));
            let another = app.servers.pop().unwrap();
            deliverers.lock().unwrap()[deliverer] = another.pid();
            app.servers[deliverer] = another;
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
        replace_killed(&mut app);
    }
    let begin = Instant::now();
    loop {
        replace_killed(&mut app);
        let taken = sink.taken();
        let delivered = versions(&taken);
        if ids.iter().all(|id| delivered.get(id).is_some_and(|versions| versions.len() == 3)) {
            assert!(delivered.values().all(|versions| versions.is_sorted()), "{delivered:?}");
            break;
        }
        let missing: HashSet<&String> =
            ids.iter().filter(|id| delivered.get(*id).is_none_or(|v| v.len() < 3)).collect();
        assert!(begin.elapsed() < Duration::from_secs(30), "{} orders are not delivered whole", missing.len());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    replace_killed(&mut app);
    app.admin = admin;
    app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_receiver_is_left_alone_and_gets_every_event_later() {
    let sink = EventSink::open().await;
    sink.respond_with(|_| 500);
    let quick = "minimum_calls=5 first_wait_ms=1000 longest_wait_ms=1000 probes=1";
    let app = app(1, &sink, &[("BREAKER_NOTIFICATIONS", quick), ("OUTBOX_ATTEMPTS", "100")]).await;
    let (item, customer) = (app.item(100).await, app.customer().await);
    for _ in 0..10 {
        customer.order(&[(item, 1)]).await.expect(201);
    }
    let begin = Instant::now();
    while !app.servers[0].has_left_alone("notifications") {
        assert!(begin.elapsed() < Duration::from_secs(20), "it is tried for ever");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    sink.respond_with(|_| 200);
    sink.until_taken(10).await;
    app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_breaker_refuses_is_no_attempt_and_the_log_says_what_is_wrong_without_the_address() {
    let sink = EventSink::open().await;
    sink.respond_with(|_| 500);
    let breaker = "minimum_calls=5 first_wait_ms=200 longest_wait_ms=200 probes=1";
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let metrics = format!("127.0.0.1:{port}");
    let settings = [("BREAKER_NOTIFICATIONS", breaker), ("OUTBOX_ATTEMPTS", "1000"), ("METRICS_ADDR", &metrics)];
    let app = app(1, &sink, &settings).await;
    let (item, customer) = (app.item(100).await, app.customer().await);
    for _ in 0..10 {
        customer.order(&[(item, 1)]).await.expect(201);
    }
    let put_off = async || {
        let metrics = Client::anonymous(&format!("http://{metrics}")).get("/metrics").await.text;
        let counts = metrics.lines().filter(|line| line.starts_with("comanda_outbox_deliveries_total"));
        let counts = counts.filter(|line| line.contains("outcome=\"put_off\""));
        counts.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum::<u64>()
    };
    let begin = Instant::now();
    while put_off().await < 15 {
        assert!(begin.elapsed() < Duration::from_secs(20), "nothing is put off");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let attempts = app.database.number("SELECT coalesce(sum(attempts), 0)::bigint FROM outbox_retries").await;
    let received = i64::try_from(sink.received().len()).unwrap();
    assert!(attempts <= received, "{attempts} attempts are counted, and {received} arrived");

    let log = app.servers[0].log();
    let told: Vec<&String> = log.iter().filter(|line| line.contains("events cannot be delivered")).collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("webhook:127.0.0.1:") && told[0].contains("responded with 500"), "{told:?}");
    assert!(log.iter().all(|line| !line.contains("/hook")), "a receiver's URL may hold a secret");
    sink.respond_with(|_| 200);
    sink.until_taken(10).await;
    while !app.servers[0].log().iter().any(|line| line.contains("events are delivered again")) {
        assert!(begin.elapsed() < Duration::from_secs(40), "the log does not say that it is over");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    app.close().await;
}

/// Has an event become a dead letter of a receiver that refuses everything.
async fn until_dead(app: &TestApp) -> Value {
    let (item, customer) = (app.item(5).await, app.customer().await);
    customer.order(&[(item, 1)]).await.expect(201);
    let begin = Instant::now();
    loop {
        let letters = app.admin.get("/v1/admin/dead-letters").await.expect(200);
        if let Some(letter) = letters["data"].get(0) {
            return letter.clone();
        }
        assert!(begin.elapsed() < Duration::from_secs(20), "no event is a dead letter");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_named_receiver_keeps_what_waits_for_it_when_it_gets_its_name_and_when_its_url_changes() {
    let (old, new) = (EventSink::open().await, EventSink::open().await);
    old.respond_with(|_| 400);
    let mut app = app(1, &old, &[("OUTBOX_ATTEMPTS", "3")]).await;
    let letter = until_dead(&app).await;
    assert!(letter["subscriber"].as_str().unwrap().starts_with("webhook:127.0.0.1:"), "{letter}");
    // Only once no server delivers to it by its former name.
    let named = format!("kitchen={}", old.url);
    let next = app.open_another(&[&delivering_to(&old)[..], &[("WEBHOOK_URLS", &named)]].concat());
    assert!(app.servers.remove(0).stop().success());
    app.admin = app.admin.at(&next);
    let begin = Instant::now();
    while app.admin.get("/v1/admin/dead-letters").await.expect(200)["data"][0]["subscriber"] != "kitchen" {
        assert!(begin.elapsed() < Duration::from_secs(20), "nobody takes over what waits");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }

    let moved = format!("kitchen={}", new.url);
    let next = app.open_another(&[&delivering_to(&old)[..], &[("WEBHOOK_URLS", &moved)]].concat());
    assert!(app.servers.remove(0).stop().success());
    app.admin = app.admin.at(&next);
    let resend = app.admin.request(Method::POST, &format!("/v1/admin/dead-letters/{}/resend", letter["id"]));
    assert_eq!(Client::send(resend).await.status, 204);
    assert_eq!(new.until_taken(1).await[0]["type"], letter["type"]);
    app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_a_receiver_that_was_removed_is_reported_and_cannot_be_resent() {
    let sink = EventSink::open().await;
    sink.respond_with(|_| 400);
    let mut app = app(1, &sink, &[("OUTBOX_ATTEMPTS", "3")]).await;
    let letter = until_dead(&app).await;
    let name = letter["subscriber"].as_str().unwrap();
    assert!(app.servers.remove(0).stop().success());
    // The next event of the order waits for nobody.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let metrics = format!("127.0.0.1:{port}");
    let next = app.open_another(&[("MODE", "development"), ("METRICS_ADDR", &metrics)]);
    app.admin = app.admin.at(&next);
    advance(&app, letter["subject"].as_str().unwrap(), "accepted").await;

    let resend = format!("/v1/admin/dead-letters/{}/resend", letter["id"]);
    let refused = Client::send(app.admin.request(Method::POST, &resend)).await;
    assert_eq!(refused.problem(), (409, "not-served".to_owned()));
    assert!(refused.text.contains(name), "{}", refused.text);

    let metric = format!("comanda_outbox_unserved_events{{subscriber=\"{name}\"}} 1");
    let begin = Instant::now();
    loop {
        let metrics = Client::anonymous(&format!("http://{metrics}")).get("/metrics").await.text;
        if metrics.contains(&metric) {
            break;
        }
        assert!(begin.elapsed() < Duration::from_secs(20), "{metrics}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let log = app.servers[0].log();
    let told: Vec<_> = log.iter().filter(|line| line.contains("events wait for a subscriber")).collect();
    assert!(told.len() == 1 && told[0].contains(name), "{told:?}");
    app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn customers_get_mail_and_an_order_does_not_wait_for_it() {
    let folder = std::env::temp_dir().join(format!("comanda-{}", Uuid::now_v7().simple()));
    let settings = [
        ("MODE", "development"),
        ("MAIL_FOLDER", folder.to_str().unwrap()),
        ("MAIL_LANGUAGE", "de"),
        ("MAIL_FROM", "Trattoria <kueche@trattoria.example>"),
    ];
    let app = TestApp::with_servers(1, &settings).await;
    let tables = app.database.client().await;
    while tables.query("SELECT FROM outbox_subscribers", &[]).await.unwrap().is_empty() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let (item, customer) = (app.item_at(5, 1250).await, app.customer().await);
    let order = customer.order(&[(item, 1)]).await.expect(201);
    let begin = Instant::now();
    let letter = loop {
        let letters: Vec<String> = std::fs::read_dir(&folder)
            .unwrap()
            .flatten()
            .filter_map(|entry| std::fs::read_to_string(entry.path()).ok())
            .filter(|letter| letter.contains("text/html") && letter.contains("Subject: Ihre Bestellung"))
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
    app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mails_arrive_after_an_outage_of_the_mail_server() {
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
        // Breakers have tests of their own.
        ("BREAKER_NOTIFICATIONS", "minimum_calls=1000"),
    ];
    let app = TestApp::with_servers(1, &settings).await;
    let tables = app.database.client().await;
    while tables.query("SELECT FROM outbox_subscribers", &[]).await.unwrap().is_empty() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let (item, customer) = (app.item(5).await, app.customer().await);
    let order = customer.order(&[(item, 1)]).await.expect(201);
    advance(&app, order["id"].as_str().unwrap(), "accepted").await;
    let begin = Instant::now();
    while tables.query("SELECT FROM outbox_retries WHERE attempts > 1", &[]).await.unwrap().is_empty() {
        assert!(begin.elapsed() < Duration::from_secs(20), "no delivery is attempted");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(!mails.output().contains("Subject"), "{}", mails.output());

    way.set(Weather::Fair);
    let subjects = || {
        let output = mails.output();
        let lines = output.lines().filter_map(|line| line.strip_prefix("Subject: ")).map(str::to_owned);
        // Whether the account was verified before its verification was sent is a matter of luck.
        let lines = lines.filter(|subject| subject != "Please confirm your e-mail address");
        lines.collect::<Vec<_>>()
    };
    while subjects().len() < 2 {
        assert!(begin.elapsed() < Duration::from_secs(40), "the mails do not arrive: {}", mails.output());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let number = order["number"].as_str().unwrap();
    assert_eq!(subjects(), [format!("Your order {number}"), format!("The kitchen has your order {number}")]);
    app.close().await;
}
