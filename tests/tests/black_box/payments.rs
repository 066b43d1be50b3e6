//! An order is paid exactly once or not at all, and money goes back exactly once.

use std::time::{Duration, Instant};

use comanda_tests::{Client, Response, TestApp};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use uuid::Uuid;

const OFFLINE: [(&str, &str); 3] =
    [("MODE", "development"), ("PAYMENT_GATEWAY", "offline"), ("STRIPE_WEBHOOK_SECRETS", "whsec_old,whsec_new")];

async fn app(servers: usize, settings: &[(&str, &str)]) -> TestApp {
    let settings: Vec<(&str, &str)> = OFFLINE.into_iter().chain(settings.iter().copied()).collect();
    TestApp::with_servers(servers, &settings).await
}

async fn order_of(customer: &Client, item: Uuid) -> String {
    let order = customer.order(&[(item, 1)]).await.expect(201);
    order["id"].as_str().unwrap().to_owned()
}

async fn pay(customer: &Client, order: &str, method: &str) -> Response {
    customer.post(&format!("/v1/orders/{order}/payments"), &json!({ "method": method })).await
}

/// As the customer's browser does with a test card.
async fn confirm(client: &Client, payment: &Value, card: &str) {
    let intent = payment["client_secret"].as_str().unwrap().split("_secret").next().unwrap();
    let path = format!("/v1/offline-gateway/intents/{intent}/pay");
    let response = client.post(&path, &json!({ "payment_method": card })).await;
    assert_eq!(response.status, 202, "{}", response.text);
}

async fn payments_of(reader: &Client, order: &str) -> Vec<Value> {
    let order = reader.get(&format!("/v1/orders/{order}?include=payments")).await.expect(200);
    order["payments"].as_array().unwrap().clone()
}

async fn until(reader: &Client, order: &str, status: &str) -> Value {
    let begin = Instant::now();
    loop {
        let payments = payments_of(reader, order).await;
        if let Some(found) = payments.iter().find(|payment| payment["status"] == status) {
            return found.clone();
        }
        assert!(begin.elapsed() < Duration::from_secs(10), "no payment gets {status}: {payments:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_paid_by_card_once_and_refunded_when_it_is_cancelled() {
    let app = app(1, &[]).await;
    let (item, customer) = (app.item_at(5, 1250).await, app.customer().await);
    let order = order_of(&customer, item).await;
    let payment = pay(&customer, &order, "card").await.expect(201);
    assert_eq!((&payment["status"], &payment["method"]), (&json!("pending"), &json!("card")));
    assert_eq!(payment["amount"], json!({ "amount": 1250, "currency": "EUR" }));
    assert_eq!(pay(&customer, &order, "card").await.expect(201), payment, "the open one, again");

    confirm(&customer, &payment, "pm_card_chargeDeclined").await;
    until(&customer, &order, "failed").await;
    confirm(&customer, &payment, "pm_card_visa").await;
    until(&customer, &order, "succeeded").await;
    assert_eq!(pay(&customer, &order, "card").await.problem(), (409, "already-paid".to_owned()));
    assert_eq!(pay(&customer, &order, "counter").await.problem(), (409, "already-paid".to_owned()));

    customer.post(&format!("/v1/orders/{order}/cancel"), &json!({})).await.expect(200);
    let refunded = until(&customer, &order, "refunded").await;
    assert_eq!(refunded["refunded"], refunded["amount"]);
    assert_eq!(app.stock(item).await, 5);
    assert_eq!(pay(&customer, &order, "card").await.problem(), (409, "invalid-transition".to_owned()));
    app.assert_sound();
    app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn staff_settle_a_payment_at_the_counter_and_refund_it_in_parts() {
    let app = app(1, &[]).await;
    let (item, customer) = (app.item_at(5, 1000).await, app.customer().await);
    let order = order_of(&customer, item).await;
    let by_card = pay(&customer, &order, "card").await.expect(201);
    let payment = pay(&customer, &order, "counter").await.expect(201);
    assert!(payment.get("client_secret").is_none());
    until(&customer, &order, "cancelled").await;

    let path = format!("/v1/orders/{order}/payments/{}", payment["id"].as_str().unwrap());
    assert_eq!(customer.post(&format!("{path}/settle"), &json!({})).await.problem().0, 403);
    app.admin.post(&format!("{path}/settle"), &json!({})).await.expect(200);
    let refund = |amount: i64| {
        let body = json!({ "amount": { "amount": amount, "currency": "EUR" }, "reason": "the soup was cold" });
        let (admin, path) = (app.admin.clone(), format!("{path}/refunds"));
        async move { admin.post(&path, &body).await }
    };
    assert_eq!(refund(1001).await.pointers(), ["/amount/amount"]);
    assert_eq!(refund(300).await.expect(201)["status"], "succeeded");
    assert_eq!(refund(701).await.pointers(), ["/amount/amount"]);
    assert_eq!(until(&customer, &order, "partly_refunded").await["refunded"]["amount"], 300);
    app.admin.post(&format!("{path}/refunds"), &json!({ "reason": "all of it" })).await.expect(201);
    until(&customer, &order, "refunded").await;

    let page = format!("{path}/refunds?limit=1");
    let first = app.admin.get(&page).await.expect(200);
    let second = app.admin.get(&format!("{page}&cursor={}", first["next_cursor"].as_str().unwrap())).await.expect(200);
    let shown = |page: &Value| (page["data"][0]["amount"]["amount"].clone(), page["data"][0]["status"].clone());
    assert_eq!(shown(&first), (json!(300), json!("succeeded")));
    assert_eq!((shown(&second), &second["next_cursor"]), ((json!(700), json!("succeeded")), &Value::Null));
    let of_another = path.replace(&order, &Uuid::now_v7().to_string());
    assert_eq!(app.admin.get(&format!("{of_another}/refunds")).await.problem(), (404, "not-found".to_owned()));

    // A card payment that arrives after it was cancelled is refunded.
    confirm(&customer, &by_card, "pm_card_visa").await;
    let begin = Instant::now();
    while payments_of(&customer, &order).await.iter().any(|payment| payment["status"] != "refunded") {
        assert!(begin.elapsed() < Duration::from_secs(10), "the late payment is not given back");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let report = app.admin.get("/v1/analytics/sales?interval=week").await.expect(200);
    let sum = |name: &str| -> i64 {
        let rows = report["data"].as_array().unwrap().iter();
        rows.map(|row| row[name]["amount"].as_i64().unwrap()).sum()
    };
    // Once at the counter, and once by the late card payment.
    assert_eq!((sum("paid"), sum("refunded"), sum("revenue")), (2000, 2000, 1000));
    let log = app.admin.get("/v1/admin/audit-log?limit=10").await.expect(200);
    let actions: Vec<&str> =
        log["data"].as_array().unwrap().iter().filter_map(|entry| entry["action"].as_str()).collect();
    assert!(actions.contains(&"payment.settled") && actions.contains(&"payment.refunded"), "{actions:?}");
    app.assert_sound();
    app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_request_gets_the_first_response() {
    let app = app(1, &[]).await;
    let (item, customer) = (app.item(5).await, app.customer().await);
    let order = order_of(&customer, item).await;
    let path = format!("/v1/orders/{order}/payments");
    let with_key = |key: &str, method: &str| {
        let request = customer.request(Method::POST, &path).header("idempotency-key", key);
        Client::send(request.json(&json!({ "method": method })))
    };
    let first = with_key("first", "card").await;
    confirm(&customer, &first.expect(201), "pm_card_visa").await;
    until(&customer, &order, "succeeded").await;
    let again = with_key("first", "card").await;
    assert_eq!((again.text.as_str(), again.header("idempotency-replayed")), (first.text.as_str(), Some("true")));
    assert_eq!(with_key("first", "counter").await.problem(), (422, "idempotency-key-reused".to_owned()));
    assert_eq!(with_key("second", "card").await.problem(), (409, "already-paid".to_owned()));

    let stranger = app.customer().await;
    assert_eq!(pay(&stranger, &order, "card").await.problem(), (404, "not-found".to_owned()));
    assert_eq!(pay(&customer, &Uuid::now_v7().to_string(), "card").await.problem(), (404, "not-found".to_owned()));
    assert_eq!(pay(&customer, &order, "cheque").await.pointers(), ["/method"]);
    app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_not_paid_in_time_is_cancelled_once_and_a_late_payment_is_refunded() {
    let app = app(2, &[("PAYMENT_WINDOW_SECONDS", "1")]).await;
    let (item, customer) = (app.item(20).await, app.customer().await);
    let mut orders = Vec::new();
    for _ in 0..10 {
        let order = order_of(&customer, item).await;
        let payment = pay(&customer, &order, "card").await.expect(201);
        orders.push((order, payment));
    }
    let at_the_counter = order_of(&customer, item).await;
    pay(&customer, &at_the_counter, "counter").await.expect(201);
    let begin = Instant::now();
    while app.stock(item).await != 19 {
        assert!(begin.elapsed() < Duration::from_secs(15), "unpaid orders keep their stock");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    for (order, payment) in &orders {
        let found = customer.get(&format!("/v1/orders/{order}")).await.expect(200);
        assert_eq!((&found["status"], &found["version"]), (&json!("cancelled"), &json!(2)));
        confirm(&customer, payment, "pm_card_visa").await;
        until(&customer, order, "refunded").await;
    }
    assert_eq!(customer.get(&format!("/v1/orders/{at_the_counter}")).await.expect(200)["status"], "pending");
    app.assert_sound();
    app.close().await;
}

fn signed(secret: &str, body: &str, seconds: i64) -> String {
    use hmac::{Hmac, KeyInit, Mac};
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(format!("{seconds}.{body}").as_bytes());
    format!("t={seconds},v1={}", hex::encode(mac.finalize().into_bytes()))
}

#[tokio::test(flavor = "multi_thread")]
async fn gateway_events_count_once_if_signed_and_fresh_in_whatever_order() {
    let app = app(1, &[]).await;
    let (item, customer) = (app.item(5).await, app.customer().await);
    let order = order_of(&customer, item).await;
    let payment = pay(&customer, &order, "card").await.expect(201);
    let intent = payment["client_secret"].as_str().unwrap().split("_secret").next().unwrap().to_owned();
    let now = chrono::Utc::now().timestamp();
    let event = |id: &str, kind: &str, created: i64| {
        json!({ "id": id, "object": "event", "type": kind, "created": created,
                "data": { "object": { "id": intent, "object": "payment_intent" } } })
        .to_string()
    };
    let gateway = app.anonymous();
    let send = |body: String, signature: String| {
        let request = gateway.request(Method::POST, "/v1/webhooks/stripe").header("stripe-signature", signature);
        Client::send(request.header("content-type", "application/json").body(body))
    };
    let succeeded = event("evt_1", "payment_intent.succeeded", now);
    for signature in [
        String::new(),
        "t=1,v1=00".to_owned(),
        signed("whsec_other", &succeeded, now),
        signed("whsec_new", &succeeded, now - 301),
        signed("whsec_new", &event("evt_2", "payment_intent.succeeded", now), now),
    ] {
        let response = send(succeeded.clone(), signature).await;
        assert_eq!(response.problem(), (400, "invalid-request".to_owned()));
    }
    assert_eq!(payments_of(&customer, &order).await[0]["status"], "pending", "nobody was believed");

    for _ in 0..3 {
        send(succeeded.clone(), signed("whsec_new", &succeeded, now)).await.expect(200);
    }
    until(&customer, &order, "succeeded").await;
    // An earlier event arrives later.
    for (id, kind) in [("evt_3", "payment_intent.payment_failed"), ("evt_4", "payment_intent.canceled")] {
        let body = event(id, kind, now - 60);
        send(body.clone(), signed("whsec_old", &body, now)).await.expect(200);
    }
    let nonsense = "not json";
    assert_eq!(send(nonsense.to_owned(), signed("whsec_old", nonsense, now)).await.status, 400);
    let other = event("evt_5", "customer.created", now);
    send(other.clone(), signed("whsec_old", &other, now)).await.expect(200);

    let tables = app.database.client().await;
    let begin = Instant::now();
    while tables
        .query_one("SELECT count(*) FROM gateway_events WHERE handled_at IS NULL", &[])
        .await
        .unwrap()
        .get::<_, i64>(0)
        > 0
    {
        assert!(begin.elapsed() < Duration::from_secs(10), "events are left lying");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(payments_of(&customer, &order).await[0]["status"], "succeeded");
    let events = "SELECT count(*) FROM outbox_events WHERE kind = 'payment.succeeded'";
    assert_eq!(tables.query_one(events, &[]).await.unwrap().get::<_, i64>(0), 1);
    app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_cannot_be_read_is_kept_counted_and_not_attempted_again() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let address = format!("127.0.0.1:{port}");
    let app = app(1, &[("METRICS_ADDR", &address)]).await;
    let metrics = Client::anonymous(&format!("http://{address}"));
    let malformed = "comanda_gateway_events_malformed_total";
    assert!(metrics.get("/metrics").await.text.contains(&format!("{malformed} 0")));

    // As if a server of another release had accepted it.
    let tables = app.database.client().await;
    let insert = "INSERT INTO gateway_events (id, received_at, body) VALUES ('evt_bad', now(), 'not json')";
    tables.execute(insert, &[]).await.unwrap();
    let begin = Instant::now();
    let row = loop {
        let handled = "SELECT malformed, body FROM gateway_events WHERE id = 'evt_bad' AND handled_at IS NOT NULL";
        if let Some(row) = tables.query_opt(handled, &[]).await.unwrap() {
            break row;
        }
        assert!(begin.elapsed() < Duration::from_secs(10), "nobody looks at the event");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert_eq!((row.get::<_, &str>(0), row.get::<_, &str>(1)), ("the body is no event", "not json"));
    // It is counted after the commit that the loop above waited for.
    while !metrics.get("/metrics").await.text.contains(&format!("{malformed} 1")) {
        assert!(begin.elapsed() < Duration::from_secs(10), "the event is not counted");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }

    // What comes after it is handled.
    let (item, customer) = (app.item(5).await, app.customer().await);
    let order = order_of(&customer, item).await;
    let payment = pay(&customer, &order, "card").await.expect(201);
    confirm(&customer, &payment, "pm_card_visa").await;
    until(&customer, &order, "succeeded").await;
    app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn paying_and_cancelling_at_the_same_instant_leaves_money_and_stock_in_agreement() {
    const TIMES: u32 = 1000;
    let app = app(2, &[]).await;
    let (item, customer) = (app.item(TIMES).await, app.customer().await);
    let other_server = customer.at(&app.servers[1].base_url);
    let mut races = JoinSet::new();
    let places = std::sync::Arc::new(tokio::sync::Semaphore::new(16));
    for _ in 0..TIMES {
        let (customer, other, places) = (customer.clone(), other_server.clone(), places.clone());
        races.spawn(async move {
            let _place = places.acquire_owned().await.unwrap();
            let order = order_of(&customer, item).await;
            let payment = pay(&customer, &order, "card").await.expect(201);
            let (path, nothing) = (format!("/v1/orders/{order}/cancel"), json!({}));
            let ((), cancelled) =
                futures_util::join!(confirm(&customer, &payment, "pm_card_visa"), other.post(&path, &nothing));
            cancelled.expect(200);
        });
    }
    races.join_all().await;
    assert_eq!(app.stock(item).await, i64::from(TIMES));
    let tables = app.database.client().await;
    let open = "SELECT (SELECT count(*) FROM gateway_events WHERE handled_at IS NULL) \
                     + (SELECT count(*) FROM refunds WHERE status = 'pending') \
                      + (SELECT count(*) FROM payments WHERE call_off)";
    let begin = Instant::now();
    while tables.query_one(open, &[]).await.unwrap().get::<_, i64>(0) > 0 {
        assert!(begin.elapsed() < Duration::from_mins(1), "there is still something to be done");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    // Every order was cancelled, and every card was charged: each charge was refunded, once.
    let row = tables
        .query_one(
            "SELECT count(*) FILTER (WHERE status = 'refunded'), sum(amount - refunded)::bigint FROM payments",
            &[],
        )
        .await
        .unwrap();
    assert_eq!((row.get::<_, i64>(0), row.get::<_, i64>(1)), (i64::from(TIMES), 0));
    let refunds = tables.query_one("SELECT count(*) FROM refunds", &[]).await.unwrap().get::<_, i64>(0);
    assert_eq!(refunds, i64::from(TIMES));
    app.assert_sound();
    app.close().await;
}

#[tokio::test]
async fn in_production_no_payment_is_simulated() {
    let settings = [("PAYMENT_GATEWAY", "offline"), ("MODE", "production")];
    let output = comanda_tests::comanda("postgres://nowhere/nothing", "redis://nowhere")
        .args(["config", "check"])
        .envs(settings)
        .output()
        .unwrap();
    assert!(
        !output.status.success() && String::from_utf8_lossy(&output.stderr).contains("PAYMENT_GATEWAY"),
        "{output:?}"
    );

    let app = TestApp::open().await;
    let (item, customer) = (app.item(5).await, app.customer().await);
    let order = order_of(&customer, item).await;
    assert_eq!(pay(&customer, &order, "card").await.pointers(), ["/method"], "there is no gateway");
    assert_eq!(pay(&customer, &order, "counter").await.status, 201);
    app.close().await;
}
