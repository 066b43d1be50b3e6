//! What operators see of a request: logs that name it, and traces.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use comanda_tests::{Client, TestApp};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// Collects OTLP over HTTP as raw bytes, in which names and ids are readable as they are.
async fn collector() -> (String, Arc<Mutex<Vec<u8>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let collected: Arc<Mutex<Vec<u8>>> = Arc::default();
    let all = Arc::clone(&collected);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let all = Arc::clone(&all);
            tokio::spawn(async move {
                let mut buffer = vec![0; 64 * 1024];
                while let Ok(length @ 1..) = stream.read(&mut buffer).await {
                    all.lock().unwrap().extend_from_slice(&buffer[..length]);
                    // Any success satisfies the sender; the rest of a longer body comes on another connection.
                    let ok = b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n";
                    let _ = stream.write_all(ok).await;
                }
            });
        }
    });
    (format!("http://{address}"), collected)
}

fn contains(all: &[u8], part: &[u8]) -> bool {
    all.windows(part.len()).any(|window| window == part)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_traced_as_part_of_its_callers_trace_down_to_the_statements() {
    let (endpoint, collected) = collector().await;
    let settings = [("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()), ("OTEL_BSP_SCHEDULE_DELAY", "50")];
    let app = TestApp::with_servers(1, &settings).await;
    let (item, customer) = (app.item(3).await, app.customer().await);
    let body = json!({ "items": [{ "menu_item_id": item, "quantity": 1 }] });
    let request = customer.request(Method::POST, "/v1/orders").header("traceparent", TRACEPARENT).json(&body);
    Client::send(request).await.expect(201);

    let trace: Vec<u8> = (0..16).map(|n| u8::from_str_radix(&TRACE[2 * n..2 * n + 2], 16).unwrap()).collect();
    let begin = Instant::now();
    loop {
        let missing = {
            let all = collected.lock().unwrap();
            let expected: [&[u8]; 4] = [b"POST /v1/orders", b"order.place.batch", b"order.place.commit", &trace];
            // The request, the batch and its eight statements, each with the id of the trace.
            let spans = all.windows(trace.len()).filter(|window| *window == trace).count();
            expected.into_iter().any(|part| !contains(&all, part)) || spans < 8
        };
        if !missing {
            break;
        }
        assert!(begin.elapsed() < Duration::from_secs(20), "the trace does not arrive");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(!contains(&collected.lock().unwrap(), b"@example.org"), "nothing personal");
    app.close().await;
}

/// Waits for the first line of the log that matches, and returns it.
async fn until_logged(app: &TestApp, is_it: impl Fn(&Value) -> bool) -> Value {
    let begin = Instant::now();
    loop {
        let lines = app.servers[0].log();
        let mut lines = lines.iter().map(|line| serde_json::from_str::<Value>(line).unwrap());
        if let Some(line) = lines.find(&is_it) {
            return line;
        }
        assert!(begin.elapsed() < Duration::from_secs(20), "it is not logged");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_statement_is_logged_with_the_request_it_belongs_to() {
    let app = TestApp::with_servers(1, &[("SLOW_STATEMENT_MS", "100")]).await;
    let (item, customer) = (app.item(3).await, app.customer().await);
    let order = customer.order(&[(item, 1)]).await.expect(201);
    let path = format!("/v1/orders/{}/cancel", order["id"].as_str().unwrap());

    let mut tables = app.database.client().await;
    let transaction = tables.transaction().await.unwrap();
    transaction.batch_execute("SELECT FROM orders FOR UPDATE").await.unwrap();
    let request = customer
        .request(Method::POST, &path)
        .header("traceparent", TRACEPARENT)
        .header("x-request-id", "the-slow-one")
        .json(&json!({}));
    let cancelling = tokio::spawn(Client::send(request));
    app.until_waiting_for_locks(1).await;
    // The statement must take this long.
    tokio::time::sleep(Duration::from_millis(150)).await;
    transaction.rollback().await.unwrap();
    cancelling.await.unwrap().expect(200);

    let slow = until_logged(&app, |line| line["fields"]["statement"] == "order.lock").await;
    assert!(slow["fields"]["milliseconds"].as_u64().unwrap() >= 100, "{slow}");
    assert_eq!((&slow["span"]["request_id"], &slow["span"]["trace_id"]), (&json!("the-slow-one"), &json!(TRACE)));

    let is_plan = |line: &Value| line["fields"]["statement"] == "order.lock" && line["fields"]["plan"].is_string();
    let planned = until_logged(&app, is_plan).await;
    let plan = planned["fields"]["plan"].as_str().expect("a plan");
    assert!(plan.contains("LockRows") && plan.contains(" on orders") && plan.contains("$1"), "{plan}");
    assert!(!plan.contains(order["id"].as_str().unwrap()), "values are nobody's business: {plan}");
    assert_eq!(planned["span"]["request_id"], "the-slow-one");
    app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_read_of_the_menu_is_logged_with_its_request() {
    let app = TestApp::with_servers(1, &[("DATABASE_READ_LIMIT_MS", "300")]).await;
    let mut tables = app.database.client().await;
    let transaction = tables.transaction().await.unwrap();
    transaction.batch_execute("LOCK TABLE menu_items IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let request = app
        .anonymous()
        .request(Method::GET, "/v1/menu/items")
        .header("traceparent", TRACEPARENT)
        .header("x-request-id", "the-refused-one");
    let response = Client::send(request).await;
    assert_eq!(response.problem(), (503, "unavailable".to_owned()));
    let line = until_logged(&app, |line| line["fields"]["message"] == "unavailable").await;
    let span = &line["span"];
    assert_eq!((&span["request_id"], &span["trace_id"]), (&json!("the-refused-one"), &json!(TRACE)), "{line}");
    transaction.rollback().await.unwrap();
    app.close().await;
}

/// The line of a request in the log of accesses.
fn is_of(line: &Value, id: &str) -> bool {
    line["target"] == "access" && line["fields"]["request_id"] == id
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_has_one_line_that_its_id_leads_to() {
    let app = TestApp::with_servers(1, &[("ACCESS_LOG_PERCENT", "100")]).await;
    let (item, customer) = (app.item(3).await, app.customer().await);
    let body = json!({ "items": [{ "menu_item_id": item, "quantity": 1 }] });
    let request = customer.request(Method::POST, "/v1/orders").header("x-request-id", "an-order").json(&body);
    let order = Client::send(request).await.expect(201);
    let path = format!("/v1/orders/{}", order["id"].as_str().unwrap());
    Client::send(customer.request(Method::GET, &path).header("x-request-id", "a-look")).await.expect(200);

    let line = until_logged(&app, |line| is_of(line, "an-order")).await;
    let fields = &line["fields"];
    assert_eq!(
        (&fields["method"], &fields["route"], &fields["status"]),
        (&json!("POST"), &json!("/v1/orders"), &json!(201))
    );
    assert!(fields["milliseconds"].as_f64().is_some_and(|time| time > 0.0), "{line}");
    assert_eq!(fields["network"], "127.0.0.0/24");
    assert!(!line.to_string().contains("127.0.0.1"), "nobody's address: {line}");
    let line = until_logged(&app, |line| is_of(line, "a-look")).await;
    assert_eq!(line["fields"]["route"], "/v1/orders/{id}");
    let lines = app.servers[0].log();
    assert_eq!(lines.iter().filter(|line| line.contains("\"access\"") && line.contains("an-order")).count(), 1);
    assert!(!lines.iter().any(|line| line.contains("@example.org")), "nothing personal");
    app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_fails_always_has_a_line() {
    let app = TestApp::with_servers(1, &[("ACCESS_LOG_PERCENT", "0"), ("DATABASE_READ_LIMIT_MS", "300")]).await;
    let (item, customer) = (app.item(3).await, app.customer().await);
    let ask = |client: &Client, method: Method, path: &str, id: &str| {
        Client::send(client.request(method, path).header("x-request-id", id))
    };
    let anonymous = app.anonymous();
    ask(&anonymous, Method::GET, "/v1/menu", "fine").await.expect(200);
    ask(&customer, Method::GET, "/v1/orders", "fine-too").await.expect(200);
    let mut tables = app.database.client().await;
    let transaction = tables.transaction().await.unwrap();
    transaction.batch_execute("LOCK TABLE menu_items IN ACCESS EXCLUSIVE MODE").await.unwrap();
    ask(&anonymous, Method::GET, "/v1/menu/items", "late").await.expect(503);
    transaction.rollback().await.unwrap();
    let find = format!("/v1/menu/items/{item}");
    for (method, path, id, status, route) in [
        (Method::GET, "/v1/orders", "who", 401, "/v1/orders"),
        (Method::GET, "/nothing/here", "nothing", 404, "unmatched"),
        (Method::PUT, find.as_str(), "no-such-method", 405, "/v1/menu/items/{id}"),
    ] {
        ask(&anonymous, method, path, id).await.expect(status);
        let line = until_logged(&app, |line| is_of(line, id)).await;
        assert_eq!((&line["fields"]["status"], &line["fields"]["route"]), (&json!(status), &json!(route)), "{line}");
    }
    let late = until_logged(&app, |line| is_of(line, "late")).await;
    assert_eq!((&late["fields"]["status"], &late["fields"]["route"]), (&json!(503), &json!("/v1/menu/items")));

    let mut stream = tokio::net::TcpStream::connect(&app.servers[0].address).await.unwrap();
    stream.write_all(b"nonsense\r\n\r\n").await.unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).await.unwrap();
    let unreadable = until_logged(&app, |line| line["target"] == "access" && line["fields"]["status"] == 400).await;
    assert!(response.contains(unreadable["fields"]["request_id"].as_str().unwrap()), "{response}");
    assert_eq!(unreadable["fields"]["network"], "127.0.0.0/24");

    assert!(!app.servers[0].log().iter().any(|line| line.contains("\"access\"") && line.contains("fine")));
    app.close().await;
}
