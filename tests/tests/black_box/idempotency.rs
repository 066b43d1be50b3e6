use std::{
    sync::{Arc, mpsc},
    time::{Duration, Instant},
};

use comanda_tests::{Client, EventSink, PASSWORD, Proxy, Response, TestApp};
use nix::sys::signal::Signal;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

#[tokio::test]
async fn thirty_two_requests_with_one_key_are_one_order_and_the_same_bytes() {
    let app = TestApp::with_servers(2, &[]).await;
    let item = app.item(100).await;
    let customer = app.customer().await;
    let asking: Vec<_> = (0..32)
        .map(|n| {
            let customer = customer.at(&app.servers[n % 2].base_url);
            async move { customer.order_with_key("the-one", &[(item, 2)]).await }
        })
        .collect();
    let responses = futures_util::future::join_all(asking).await;

    let first = &responses[0];
    assert!(responses.iter().all(|response| response.status == 201 && response.text == first.text), "{responses:#?}");
    assert!(responses.iter().all(|response| response.header("location") == first.header("location")));
    let replayed = responses.iter().filter(|response| response.header("idempotency-replayed") == Some("true")).count();
    assert_eq!((replayed, app.orders().await, app.stock(item).await), (31, 1, 98));
    app.close().await;
}

#[tokio::test]
async fn a_replay_is_the_first_response_whatever_became_of_the_order() {
    let app = TestApp::open().await;
    let item = app.item(10).await;
    let customer = app.customer().await;
    let first = customer.order_with_key("key", &[(item, 2), (item, 1)]).await;
    let order = first.expect(201);
    let path = format!("/v1/orders/{}", order["id"].as_str().unwrap());
    app.admin.post(&format!("{path}/status"), &json!({ "status": "accepted" })).await.expect(200);
    app.admin.patch(&format!("/v1/menu/items/{item}"), "\"1\"", &json!({ "name": "Renamed" })).await.expect(200);
    customer.post(&format!("{path}/cancel"), &json!({})).await.expect(200);

    let replay = customer.order_with_key("key", &[(item, 2), (item, 1)]).await;
    assert_eq!((replay.status, &replay.text), (201, &first.text));
    assert_eq!((first.header("idempotency-replayed"), replay.header("idempotency-replayed")), (None, Some("true")));
    app.close().await;
}

#[tokio::test]
async fn a_key_stands_for_one_request_of_one_caller() {
    let app = TestApp::open().await;
    let item = app.item(10).await;
    let (ana, ben) = (app.customer().await, app.customer().await);
    let first = ana.order_with_key("key", &[(item, 1)]).await.expect(201);
    assert_eq!(ana.order_with_key("key", &[(item, 2)]).await.problem(), (422, "idempotency-key-reused".to_owned()));
    let other = ben.order_with_key("key", &[(item, 2)]).await.expect(201);
    assert_ne!(first["id"], other["id"]);
    // White space and the order of fields do not make it another request.
    let spaced = format!("{{ \"items\" : [ {{ \"quantity\": 1, \"menu_item_id\": \"{item}\" }} ] }}");
    let request = ana
        .request(Method::POST, "/v1/orders")
        .header("idempotency-key", "key")
        .header("content-type", "application/json")
        .body(spaced);
    assert_eq!(Client::send(request).await.expect(201)["id"], first["id"]);

    let cancel = format!("/v1/orders/{}/cancel", first["id"].as_str().unwrap());
    let with_key = |key: &'static str, body: serde_json::Value| {
        Client::send(ana.request(Method::POST, &cancel).header("idempotency-key", key).json(&body))
    };
    assert_eq!(with_key("key", json!({})).await.problem(), (422, "idempotency-key-reused".to_owned()));
    let cancelled = with_key("cancel", json!({ "reason": "late" })).await;
    let again = with_key("cancel", json!({ "reason": "late" })).await;
    assert_eq!((cancelled.status, again.status, &again.text), (200, 200, &cancelled.text));
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(with_key("cancel", json!({})).await.problem(), (422, "idempotency-key-reused".to_owned()));
    assert_eq!(ana.order_with_key("cancel", &[(item, 1)]).await.problem(), (422, "idempotency-key-reused".to_owned()));
    app.close().await;
}

#[tokio::test]
async fn a_refusal_leaves_the_key_free() {
    let app = TestApp::open().await;
    let item = app.item(1).await;
    let customer = app.customer().await;
    assert_eq!(customer.order_with_key("key", &[(item, 2)]).await.code(), "insufficient-stock");
    let delivery = json!({ "delta": 1, "reason": "delivery" });
    app.admin.post(&format!("/v1/menu/items/{item}/stock"), &delivery).await.expect(200);
    let placed = customer.order_with_key("key", &[(item, 2)]).await;
    assert_eq!((placed.status, placed.header("idempotency-replayed")), (201, None));
    app.close().await;
}

#[tokio::test]
async fn a_key_is_forgotten_after_a_day() {
    let app = TestApp::open().await;
    let item = app.item(10).await;
    let customer = app.customer().await;
    let first = customer.order_with_key("key", &[(item, 1)]).await.expect(201);
    let client = app.database.client().await;
    let age = |interval: &'static str| {
        let sql = format!("UPDATE orders SET created_at = created_at - interval '{interval}'");
        let client = &client;
        async move { client.batch_execute(&sql).await.unwrap() }
    };
    age("23 hours 59 minutes").await;
    assert_eq!(customer.order_with_key("key", &[(item, 1)]).await.expect(201)["id"], first["id"]);
    age("2 minutes").await;
    let next = customer.order_with_key("key", &[(item, 3)]).await.expect(201);
    assert_ne!(next["id"], first["id"]);
    assert_eq!(customer.order_with_key("key", &[(item, 3)]).await.expect(201)["id"], next["id"]);
    app.close().await;
}

/// Its account has no attempts left, and somebody holds the menu item.
#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_order_is_not_refused_and_only_what_is_refused_is_looked_up() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (limit, metrics) = (("ORDER_LIMIT_PER_MINUTE", "3"), format!("127.0.0.1:{port}"));
    let mut app = TestApp::with_servers(1, &[limit, ("METRICS_ADDR", &metrics)]).await;
    app.open_another(&[limit]);
    let (item, customer) = (app.item(10).await, app.customer().await);
    let order = [(item, 1)];
    let begin = Instant::now();
    let first = customer.order_with_key("key", &order).await;
    first.expect(201);
    let replayed = |again: &Response| {
        let replayed = again.header("idempotency-replayed");
        assert_eq!((again.status, replayed, &again.text), (201, Some("true"), &first.text));
    };
    replayed(&customer.order_with_key("key", &order).await);
    // On a busy machine, even these may have waited for their turn.
    let were_late = begin.elapsed() >= Duration::from_millis(250);
    for _ in 0..2 {
        customer.order(&order).await.expect(201);
    }
    assert_eq!(customer.order(&order).await.code(), "rate-limited");
    let is_looked_up = async || {
        let metrics = Client::anonymous(&format!("http://{metrics}")).get("/metrics").await;
        let was_run = |statement| {
            let mut lines = metrics.text.lines();
            lines
                .any(|line| line.starts_with("db_client_operation_duration_seconds_count{") && line.contains(statement))
        };
        assert!(was_run("\"order.place.find_keys\""), "batches look for keys");
        was_run("\"order.find_placed\"")
    };
    assert!(!is_looked_up().await || were_late, "nothing is refused that has a key");

    let held = app.database.client().await;
    held.batch_execute("BEGIN; SELECT FROM menu_items FOR UPDATE").await.unwrap();
    for n in 0..6 {
        replayed(&customer.at(&app.servers[n % 2].base_url).order_with_key("key", &order).await);
    }
    held.batch_execute("ROLLBACK").await.unwrap();
    assert!(is_looked_up().await);
    for (key, quantity) in [("other", 1), ("key", 2)] {
        let refused = customer.order_with_key(key, &[(item, quantity)]).await;
        assert_eq!(refused.code(), "rate-limited", "{key}, {quantity}");
    }
    app.close().await;
}

/// Somebody holds the menu item, and an order waits for it.
#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_order_waits_for_no_turn_and_is_not_counted() {
    let app = TestApp::with_servers(2, &[("ORDER_LIMIT_PER_MINUTE", "3")]).await;
    let (item, customer) = (app.item(10).await, app.customer().await);
    let order = [(item, 1)];
    let first = customer.order_with_key("key", &order).await;
    first.expect(201);
    let held = app.database.client().await;
    held.batch_execute("BEGIN; SELECT FROM menu_items FOR UPDATE").await.unwrap();
    let waiting = customer.order_with_key("other", &order);
    let repeating = async {
        for n in 0..6 {
            let again = customer.at(&app.servers[n % 2].base_url).order_with_key("key", &order).await;
            let replayed = again.header("idempotency-replayed");
            assert_eq!((again.status, replayed, &again.text), (201, Some("true"), &first.text));
        }
        held.batch_execute("ROLLBACK").await.unwrap();
    };
    let (waiting, ()) = tokio::join!(waiting, repeating);
    waiting.expect(201);
    customer.order(&order).await.expect(201);
    assert_eq!(customer.order(&order).await.code(), "rate-limited");
    assert_eq!(customer.order_with_key("key", &order).await.text, first.text);
    assert_eq!((app.orders().await, app.stock(item).await), (3, 7));
    app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_order_is_not_refused_by_a_full_queue() {
    let app = TestApp::with_servers(1, &[("PLACEMENT_QUEUE", "1"), ("PLACEMENT_BATCH", "1")]).await;
    let (item, customer) = (app.item(10).await, app.customer().await);
    let order = [(item, 1)];
    let first = customer.order_with_key("key", &order).await;
    first.expect(201);
    let held = app.database.client().await;
    held.batch_execute("BEGIN; SELECT FROM menu_items FOR UPDATE").await.unwrap();
    let mut ordering = tokio::task::JoinSet::new();
    let fresh = || {
        let customer = customer.clone();
        async move { customer.order(&order).await }
    };
    ordering.spawn(fresh());
    app.until_waiting_for_locks(1).await;
    // One is being decided, one waits, and there is no room for the other.
    ordering.spawn(fresh());
    ordering.spawn(fresh());
    assert_eq!(ordering.join_next().await.unwrap().unwrap().problem(), (503, "unavailable".to_owned()));

    let again = customer.order_with_key("key", &order).await;
    assert_eq!((again.status, again.header("idempotency-replayed")), (201, Some("true")));
    assert_eq!(again.text, first.text);
    let others = [customer.order_with_key("other", &order).await, customer.order_with_key("key", &[(item, 2)]).await];
    assert!(others.iter().all(|other| other.problem() == (503, "unavailable".to_owned())), "{others:?}");
    held.batch_execute("ROLLBACK").await.unwrap();
    assert!(ordering.join_all().await.iter().all(|response| response.status == 201));
    app.close().await;
}

/// The server dies at the worst moment: after the commit, before it knows.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_dies_between_commit_and_response_has_placed_one_order() {
    let mut app = TestApp::open().await;
    let item = app.item(10).await;
    let customer = app.customer().await;
    let proxy = Proxy::to(&app.database.server_url).await;
    let doomed = app.open_another_at(&proxy.url.clone(), &[]);
    let server = Arc::new(app.servers.pop().unwrap());

    let (killed, death) = mpsc::channel();
    let victim = Arc::clone(&server);
    proxy.at_next_order(move || {
        victim.signal(Signal::SIGKILL);
        killed.send(()).unwrap();
    });
    let body = json!({ "items": [{ "menu_item_id": item, "quantity": 2 }] });
    let request = customer.at(&doomed).request(Method::POST, "/v1/orders").header("idempotency-key", "key").json(&body);
    assert!(Client::try_send(request).await.is_err(), "no response came");
    assert!(death.try_recv().is_ok(), "the server was killed at the commit");
    assert_eq!((app.orders().await, app.stock(item).await), (1, 8));

    let retry = customer.order_with_key("key", &[(item, 2)]).await;
    assert_eq!((retry.status, retry.header("idempotency-replayed")), (201, Some("true")));
    assert_eq!((app.orders().await, app.stock(item).await), (1, 8));
    drop(server);
    app.close().await;
}

/// What may be asked of an endpoint. All requests are of one caller.
struct Repeatable {
    /// As it is written in the OpenAPI document.
    endpoint: &'static str,
    caller: Client,
    request: (String, Value),
    /// Is refused with this status, and leaves the key free.
    refused: (String, Value, u16),
    /// Would be carried out under another key.
    other: (String, Value),
    /// Changes what the first request led to.
    afterwards: Option<(String, Value)>,
}

async fn send(client: &Client, key: &str, (path, body): &(String, Value)) -> Response {
    Client::send(client.request(Method::POST, path).header("idempotency-key", key).json(body)).await
}

/// The parts of a response that are the same each time.
fn parts(response: &Response) -> (u16, &str, Option<&str>, Option<&str>) {
    (response.status, &response.text, response.header("location"), response.header("etag"))
}

fn on(path: &str, verb: &str) -> String {
    format!("{path}/{verb}")
}

/// Orders and what else the requests are about.
struct Evening {
    app: TestApp,
    customer: Client,
    item: Uuid,
}

impl Evening {
    async fn order(&self) -> String {
        let order = self.customer.order(&[(self.item, 1)]).await.expect(201);
        format!("/v1/orders/{}", order["id"].as_str().unwrap())
    }

    /// A payment at the counter, which may be settled.
    async fn payment(&self, settled: bool) -> String {
        let order = self.order().await;
        let payment =
            self.customer.post(&format!("{order}/payments"), &json!({ "method": "counter" })).await.expect(201);
        let path = format!("{order}/payments/{}", payment["id"].as_str().unwrap());
        if settled {
            self.app.admin.post(&format!("{path}/settle"), &json!({})).await.expect(200);
        }
        path
    }

    async fn dead_letters(&self) -> Vec<i64> {
        let dead = "INSERT INTO outbox_retries (subscriber, event_id, stream_id, attempts, next_at, is_dead, last_error) \
            SELECT 'kitchen', id, subject_id, 3, now(), true, 'gone' FROM outbox_events \
            WHERE kind = 'order.placed' ORDER BY id DESC LIMIT 2 RETURNING id";
        self.app.database.client().await.query(dead, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
    }

    async fn of_payments(&self) -> Vec<Repeatable> {
        let (admin, customer) = (&self.app.admin, &self.customer);
        let (paid, refunded) = (self.order().await, self.payment(true).await);
        let (settled, unsettled) = (self.payment(false).await, self.payment(false).await);
        let (nothing, nobody) = (json!({}), Uuid::nil());
        vec![
            Repeatable {
                endpoint: "/v1/orders/{id}/payments",
                caller: customer.clone(),
                request: (on(&paid, "payments"), json!({ "method": "card" })),
                refused: (format!("/v1/orders/{nobody}/payments"), json!({ "method": "card" }), 404),
                other: (on(&paid, "payments"), json!({ "method": "counter" })),
                afterwards: Some((on(&paid, "payments"), json!({ "method": "counter" }))),
            },
            Repeatable {
                endpoint: "/v1/orders/{id}/payments/{payment_id}/settle",
                caller: admin.clone(),
                request: (on(&settled, "settle"), nothing.clone()),
                refused: (format!("/v1/orders/{nobody}/payments/{nobody}/settle"), nothing.clone(), 404),
                other: (on(&unsettled, "settle"), nothing.clone()),
                afterwards: Some((on(&settled, "refunds"), json!({ "reason": "cold soup" }))),
            },
            Repeatable {
                endpoint: "/v1/orders/{id}/payments/{payment_id}/refunds",
                caller: admin.clone(),
                request: (
                    on(&refunded, "refunds"),
                    json!({ "amount": { "amount": 100, "currency": "EUR" }, "reason": "cold soup" }),
                ),
                refused: (
                    on(&refunded, "refunds"),
                    json!({ "amount": { "amount": 100_000, "currency": "EUR" }, "reason": "cold soup" }),
                    422,
                ),
                other: (on(&refunded, "refunds"), json!({ "reason": "cold soup" })),
                afterwards: Some((on(&refunded, "refunds"), json!({ "reason": "the rest" }))),
            },
        ]
    }

    /// Of what dishes are made of, and what can be chosen with them.
    async fn of_ingredients(&self) -> Vec<Repeatable> {
        let admin = &self.app.admin;
        let supply = |name: &str| json!({ "name": name, "unit": "g", "stock": 3 });
        let group = |name: &str, options: &[&str]| {
            let options: Vec<Value> = options.iter().map(|name| json!({ "name": name })).collect();
            json!({ "name": name, "options": options })
        };
        let salt = admin.post("/v1/supplies", &supply("Salt")).await.expect(201);
        let salt = format!("/v1/supplies/{}", salt["id"].as_str().unwrap());
        let groups = || "/v1/menu/option-groups".to_owned();
        vec![
            Repeatable {
                endpoint: "/v1/menu/option-groups",
                caller: admin.clone(),
                request: (groups(), group("Size", &["Large"])),
                refused: (groups(), group("Size", &["Large", "LARGE"]), 422),
                other: (groups(), group("Extras", &[])),
                afterwards: None,
            },
            Repeatable {
                endpoint: "/v1/supplies",
                caller: admin.clone(),
                request: ("/v1/supplies".to_owned(), supply("Rice")),
                refused: ("/v1/supplies".to_owned(), supply("SALT"), 422),
                other: ("/v1/supplies".to_owned(), supply("Flour")),
                afterwards: None,
            },
            Repeatable {
                endpoint: "/v1/supplies/{id}/stock",
                caller: admin.clone(),
                request: (on(&salt, "stock"), json!({ "counted": 7, "reason": "stock-take" })),
                refused: (on(&salt, "stock"), json!({ "delta": -4, "reason": "breakage" }), 409),
                other: (on(&salt, "stock"), json!({ "counted": 8, "reason": "stock-take" })),
                afterwards: Some((on(&salt, "stock"), json!({ "delta": 5, "reason": "delivery" }))),
            },
        ]
    }

    /// Of the kitchen.
    async fn of_the_kitchen(&self) -> Vec<Repeatable> {
        let admin = &self.app.admin;
        let stations = || "/v1/kitchen/stations".to_owned();
        let station = |name: &str, category: &str| json!({ "name": name, "categories": [category] });
        admin.post(&stations(), &station("Grill", "Tests")).await.expect(201);
        let order = self.order().await;
        admin.post(&on(&order, "status"), &json!({ "status": "accepted" })).await.expect(200);
        let tickets = admin.get("/v1/kitchen/tickets").await.expect(200);
        let ticket = format!("/v1/kitchen/tickets/{}", tickets["data"][0]["id"].as_str().unwrap());
        vec![
            Repeatable {
                endpoint: "/v1/kitchen/stations",
                caller: admin.clone(),
                request: (stations(), station("Bar", "Drinks")),
                refused: (stations(), station("Bar", "TESTS"), 409),
                other: (stations(), station("Bar", "Wines")),
                afterwards: None,
            },
            Repeatable {
                endpoint: "/v1/kitchen/tickets/{id}/state",
                caller: admin.clone(),
                request: (on(&ticket, "state"), json!({ "state": "cooking" })),
                refused: (on(&ticket, "state"), json!({ "state": "void" }), 409),
                other: (on(&ticket, "state"), json!({ "state": "ready" })),
                afterwards: Some((on(&ticket, "state"), json!({ "state": "ready" }))),
            },
        ]
    }

    /// The others.
    async fn of_everything_else(&self) -> Vec<Repeatable> {
        let (admin, customer) = (&self.app.admin, &self.customer);
        let newcomer = self.app.unverified_account("Ben").await;
        let newcomer = self.app.anonymous().log_in(&newcomer, PASSWORD).await;
        let item = format!("/v1/menu/items/{}", self.item);
        let dish = |name: &str| json!({ "name": name, "category": "Tests", "stock": 3, "price": { "amount": 500, "currency": "EUR" } });
        let order_of = |quantity: u32| json!({ "items": [{ "menu_item_id": self.item, "quantity": quantity }] });
        let (cancelled, advanced) = (self.order().await, self.order().await);
        let letters = self.dead_letters().await;
        let (nothing, nobody) = (json!({}), Uuid::nil());
        vec![
            Repeatable {
                endpoint: "/v1/orders",
                caller: customer.clone(),
                request: ("/v1/orders".to_owned(), order_of(1)),
                refused: ("/v1/orders".to_owned(), order_of(100), 409),
                other: ("/v1/orders".to_owned(), order_of(2)),
                afterwards: None,
            },
            Repeatable {
                endpoint: "/v1/orders/{id}/cancel",
                caller: customer.clone(),
                request: (on(&cancelled, "cancel"), nothing.clone()),
                refused: (format!("/v1/orders/{nobody}/cancel"), nothing.clone(), 404),
                other: (on(&cancelled, "cancel"), json!({ "reason": "late" })),
                afterwards: None,
            },
            Repeatable {
                endpoint: "/v1/orders/{id}/status",
                caller: admin.clone(),
                request: (on(&advanced, "status"), json!({ "status": "accepted" })),
                refused: (on(&advanced, "status"), json!({ "status": "completed" }), 409),
                other: (on(&advanced, "status"), json!({ "status": "preparing" })),
                afterwards: Some((on(&advanced, "status"), json!({ "status": "preparing" }))),
            },
            Repeatable {
                endpoint: "/v1/menu/items",
                caller: admin.clone(),
                request: ("/v1/menu/items".to_owned(), dish("Ravioli")),
                refused: ("/v1/menu/items".to_owned(), dish(""), 422),
                other: ("/v1/menu/items".to_owned(), dish("Tortellini")),
                afterwards: None,
            },
            Repeatable {
                endpoint: "/v1/menu/items/{id}/stock",
                caller: admin.clone(),
                request: (on(&item, "stock"), json!({ "delta": 2, "reason": "delivery" })),
                refused: (on(&item, "stock"), json!({ "delta": -1000, "reason": "delivery" }), 409),
                other: (on(&item, "stock"), json!({ "delta": 3, "reason": "delivery" })),
                afterwards: Some((on(&item, "stock"), json!({ "delta": 5, "reason": "delivery" }))),
            },
            Repeatable {
                endpoint: "/v1/admin/dead-letters/{id}/resend",
                caller: admin.clone(),
                request: (format!("/v1/admin/dead-letters/{}/resend", letters[0]), nothing.clone()),
                refused: ("/v1/admin/dead-letters/4000000/resend".to_owned(), nothing.clone(), 404),
                other: (format!("/v1/admin/dead-letters/{}/resend", letters[1]), nothing.clone()),
                afterwards: None,
            },
            Repeatable {
                endpoint: "/v1/me/email-verification",
                caller: newcomer,
                request: ("/v1/me/email-verification".to_owned(), nothing.clone()),
                refused: ("/v1/me/email-verification".to_owned(), json!({ "to": "me" }), 400),
                other: ("/v1/orders".to_owned(), order_of(1)),
                afterwards: None,
            },
        ]
    }
}

/// Goes over every POST for those who are signed in.
#[tokio::test]
async fn whatever_is_posted_under_a_key_happens_once() {
    // Dead letters can be resent to a receiver that is served.
    let sink = EventSink::open().await;
    let kitchen = format!("kitchen={}", sink.url);
    let settings = [
        ("MODE", "development"),
        ("PAYMENT_GATEWAY", "offline"),
        ("WEBHOOK_URLS", kitchen.as_str()),
        ("WEBHOOK_SECRET", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
        ("WEBHOOK_ALLOWED_NETWORKS", "127.0.0.0/8"),
    ];
    let app = TestApp::with_servers(2, &settings).await;
    let (item, customer) = (app.item(50).await, app.customer().await);
    let evening = Evening { app, customer, item };
    let mut endpoints = evening.of_payments().await;
    endpoints.extend(evening.of_ingredients().await);
    endpoints.extend(evening.of_the_kitchen().await);
    endpoints.extend(evening.of_everything_else().await);

    let document = evening.app.anonymous().get("/openapi.json").await.expect(200);
    let paths = document["paths"].as_object().unwrap().iter();
    let signed_in = paths.filter(|(_, item)| item["post"]["security"].as_array().is_some_and(|any| !any.is_empty()));
    let mut expected: Vec<&str> = signed_in.map(|(path, _)| path.as_str()).collect();
    // It changes nothing.
    expected.retain(|path| *path != "/v1/orders/quote");
    let mut covered: Vec<&str> = endpoints.iter().map(|repeatable| repeatable.endpoint).collect();
    expected.sort_unstable();
    covered.sort_unstable();
    assert_eq!(covered, expected);

    for Repeatable { endpoint, caller, request, refused, other, afterwards } in endpoints {
        let (path, body, status) = refused;
        let refusal = send(&caller, endpoint, &(path, body)).await;
        assert_eq!(refusal.status, status, "{endpoint}: {refusal:?}");
        let first = send(&caller, endpoint, &request).await;
        assert!((200..300).contains(&first.status), "{endpoint}: {first:?}");
        assert_eq!(first.header("idempotency-replayed"), None, "{endpoint}");
        if let Some((path, body)) = afterwards {
            let changed = caller.post(&path, &body).await;
            assert!((200..300).contains(&changed.status), "{endpoint}: {changed:?}");
        }
        let elsewhere = caller.at(&evening.app.servers[1].base_url);
        for client in [&caller, &elsewhere] {
            let again = send(client, endpoint, &request).await;
            assert_eq!(parts(&again), parts(&first), "{endpoint}");
            assert_eq!(again.header("idempotency-replayed"), Some("true"), "{endpoint}");
        }
        let reused = send(&caller, endpoint, &other).await;
        assert_eq!(reused.problem(), (422, "idempotency-key-reused".to_owned()), "{endpoint}");
        // A key is of all kinds of requests.
        let elsewhere = ("/v1/orders".to_owned(), json!({ "items": [{ "menu_item_id": item, "quantity": 3 }] }));
        let reused = send(&caller, endpoint, &elsewhere).await;
        assert_eq!(reused.problem(), (422, "idempotency-key-reused".to_owned()), "{endpoint}");
    }
    evening.app.close().await;
}
