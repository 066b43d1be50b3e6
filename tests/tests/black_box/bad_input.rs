use std::time::Duration;

use comanda_tests::{Client, TestApp};
use reqwest::{Method, header::CONTENT_TYPE};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use uuid::Uuid;

const QUANTITY: Option<&str> = Some("/items/0/quantity");

#[tokio::test]
async fn an_invalid_order_gets_its_code_and_changes_nothing() {
    let app = TestApp::open().await;
    let item = app.item(1000).await;
    let customer = app.customer().await;
    let line = |quantity: &str| format!(r#"{{"items":[{{"menu_item_id":"{item}","quantity":{quantity}}}]}}"#);
    let many =
        |lines: usize| json!({ "items": vec![json!({ "menu_item_id": item, "quantity": 1 }); lines] }).to_string();
    let noted = |note: &str| json!({ "items": [{ "menu_item_id": item, "quantity": 1, "note": note }] }).to_string();
    let unknown = json!({ "items": [{ "menu_item_id": Uuid::now_v7(), "quantity": 1 }] }).to_string();

    for (body, status, code, pointer) in [
        (line("0"), 422, "validation-failed", QUANTITY),
        (line("-1"), 422, "validation-failed", QUANTITY),
        (line("101"), 422, "validation-failed", QUANTITY),
        (line("9223372036854775808"), 422, "validation-failed", QUANTITY),
        (line("-99999999999999999999999999"), 422, "validation-failed", QUANTITY),
        (line("1.5"), 400, "invalid-request", QUANTITY),
        (line("\"2\""), 400, "invalid-request", QUANTITY),
        (line("null"), 400, "invalid-request", QUANTITY),
        (line("1e999"), 400, "invalid-request", None),
        (many(0), 422, "validation-failed", Some("/items")),
        (many(51), 422, "validation-failed", Some("/items")),
        (noted("a\0b"), 422, "validation-failed", Some("/items/0/note")),
        (noted(""), 422, "validation-failed", Some("/items/0/note")),
        (noted(&"ñ".repeat(301)), 422, "validation-failed", Some("/items/0/note")),
        (unknown, 422, "unknown-item", Some("/items/0/menu_item_id")),
        (
            r#"{"items":[{"menu_item_id":"soup","quantity":1}]}"#.to_owned(),
            422,
            "validation-failed",
            Some("/items/0/menu_item_id"),
        ),
        (
            r#"{"items":[{"menu_item_id":7,"quantity":1}]}"#.to_owned(),
            400,
            "invalid-request",
            Some("/items/0/menu_item_id"),
        ),
        (r#"{"items":[],"tip":5}"#.to_owned(), 400, "invalid-request", Some("/tip")),
        (
            r#"{"items":[{"menu_item_id":"x","quantity":1,"price":0}]}"#.to_owned(),
            400,
            "invalid-request",
            Some("/items/0/price"),
        ),
        (r#"{"note":"nothing"}"#.to_owned(), 400, "invalid-request", None),
        (r#"{"items":{}}"#.to_owned(), 400, "invalid-request", Some("/items")),
        (r#"{"items":[],"items":[]}"#.to_owned(), 400, "invalid-request", None),
        ("[]".to_owned(), 400, "invalid-request", None),
        ("null".to_owned(), 400, "invalid-request", None),
        (String::new(), 400, "invalid-request", None),
        (r#"{"items":["#.to_owned(), 400, "invalid-request", None),
        (format!("{} trailing", many(1)), 400, "invalid-request", None),
        ("[".repeat(60_000), 400, "invalid-request", None),
        (" ".repeat(64 * 1024 + 1), 413, "payload-too-large", None),
        ("x".repeat(10_000_000), 413, "payload-too-large", None),
    ] {
        let shown: String = body.chars().take(100).collect();
        let response = customer.post_text("/v1/orders", body).await;
        assert_eq!(response.problem(), (status, code.to_owned()), "{shown}");
        if let Some(pointer) = pointer {
            assert_eq!(response.pointers(), [pointer], "{shown}: {}", response.text);
        }
    }
    let not_utf8 = customer.post_text("/v1/orders", b"{\"note\":\"\xff\"}".to_vec()).await;
    assert_eq!(not_utf8.problem(), (400, "invalid-request".to_owned()));
    assert_eq!((app.orders().await, app.stock(item).await), (0, 1000));

    // At the limits of what is allowed.
    let note = "🍕".repeat(300);
    let padded = format!("{}{}", line("100"), " ".repeat(64 * 1024 - line("100").len()));
    for body in [many(50), noted(&note), padded] {
        let order = customer.post_text("/v1/orders", body).await.expect(201);
        assert!(order["items"][0]["note"].is_null() || order["items"][0]["note"] == note);
    }
    app.close().await;
}

#[tokio::test]
async fn every_violation_is_reported_at_once() {
    let app = TestApp::open().await;
    let body = json!({
        "items": [
            { "menu_item_id": "x", "quantity": 0 },
            { "menu_item_id": Uuid::now_v7(), "quantity": 101, "note": "\u{7}" },
        ],
        "note": "",
    });
    let response = app.customer().await.post("/v1/orders", &body).await;
    let mut pointers = response.pointers();
    pointers.sort();
    assert_eq!(
        pointers,
        ["/items/0/menu_item_id", "/items/0/quantity", "/items/1/note", "/items/1/quantity", "/note"]
            .map(str::to_owned)
    );

    let user = json!({ "email": "not an address", "password": "short", "name": "" });
    let response = app.anonymous().post("/v1/users", &user).await;
    assert_eq!(
        (response.code(), response.pointers()),
        ("validation-failed".to_owned(), ["/email", "/password", "/name"].map(str::to_owned).to_vec())
    );

    let item = json!({
        "name": "a\nb", "category": "", "description": "x".repeat(1001), "stock": -1, "low_stock_at": 1_000_001,
        "price": { "amount": 100_000_001, "currency": "USD" },
    });
    let response = app.admin.post("/v1/menu/items", &item).await;
    let mut pointers = response.pointers();
    pointers.sort();
    assert_eq!(
        pointers,
        ["/category", "/description", "/low_stock_at", "/name", "/price/amount", "/price/currency", "/stock"]
            .map(str::to_owned)
    );
}

#[tokio::test]
async fn other_bodies_are_checked_as_well() {
    let app = TestApp::open().await;
    let item = app.item(5).await;
    let stock = format!("/v1/menu/items/{item}/stock");
    for (path, body, status, code) in [
        (&*stock, json!({ "delta": 0, "reason": "nothing" }), 422, "validation-failed"),
        (&*stock, json!({ "delta": 1_000_001, "reason": "too much" }), 422, "validation-failed"),
        (&*stock, json!({ "delta": 1_000_000, "reason": "too much together" }), 422, "validation-failed"),
        (&*stock, json!({ "delta": 1, "reason": "\0" }), 422, "validation-failed"),
        (&*stock, json!({ "delta": 1 }), 400, "invalid-request"),
        ("/v1/menu/items/nonsense/stock", json!({ "delta": 1, "reason": "delivery" }), 404, "not-found"),
        (
            "/v1/users",
            json!({ "email": "ana@example.org", "password": "x".repeat(129), "name": "Ana" }),
            422,
            "validation-failed",
        ),
        (
            "/v1/users",
            json!({ "email": "a\0b@example.org", "password": "correct horse battery", "name": "Ana" }),
            422,
            "validation-failed",
        ),
        (
            "/v1/users",
            json!({ "email": "ana@example.org", "password": "correct horse battery", "name": "Ana", "role": "admin" }),
            400,
            "invalid-request",
        ),
        ("/v1/sessions", json!({ "email": "ana@example.org", "password": "x".repeat(129) }), 422, "validation-failed"),
        ("/v1/sessions", json!({ "email": "ana@example.org" }), 400, "invalid-request"),
    ] {
        let response = app.admin.post(path, &body).await;
        assert_eq!(response.problem(), (status, code.to_owned()), "{path} {body}");
    }
    assert_eq!(app.stock(item).await, 5);
    let reason = json!({ "reason": "x".repeat(301) });
    assert_eq!(app.admin.post(&format!("/v1/orders/{}/cancel", Uuid::now_v7()), &reason).await.pointers(), ["/reason"]);
}

#[tokio::test]
async fn addresses_methods_and_media_types_that_do_not_fit() {
    let app = TestApp::open().await;
    let customer = app.customer().await;
    let send = |method: Method, path: &'static str| Client::send(customer.request(method, path));
    assert_eq!(send(Method::GET, "/v1/nothing").await.problem(), (404, "not-found".to_owned()));
    assert_eq!(send(Method::GET, "/problems/nothing").await.problem(), (404, "not-found".to_owned()));
    let method = send(Method::DELETE, "/v1/orders").await;
    assert_eq!(method.problem(), (405, "method-not-allowed".to_owned()));
    assert_eq!(method.header("allow"), Some("GET, POST, HEAD, OPTIONS"));

    for media_type in ["text/plain", "application/x-www-form-urlencoded", "application/jsonx", ""] {
        let request = customer.request(Method::POST, "/v1/orders").header(CONTENT_TYPE, media_type).body("{}");
        assert_eq!(Client::send(request).await.problem(), (415, "unsupported-media-type".to_owned()), "{media_type}");
    }
    let request =
        customer.request(Method::POST, "/v1/orders").header(CONTENT_TYPE, "Application/JSON; charset=utf-8").body("{");
    assert_eq!(Client::send(request).await.status, 400);
    for key in ["", "a b", "ключ", &"k".repeat(256)] {
        let request = customer
            .request(Method::POST, "/v1/orders")
            .header("idempotency-key", key.as_bytes())
            .json(&json!({ "items": [] }));
        assert_eq!(Client::send(request).await.problem(), (400, "invalid-request".to_owned()), "{key}");
    }
}

#[tokio::test]
async fn a_valid_request_id_is_kept() {
    let app = TestApp::open().await;
    let with =
        |id: &'static str| Client::send(app.anonymous().request(Method::GET, "/v1/menu").header("x-request-id", id));
    assert_eq!(with("order-1.2:3_4").await.header("x-request-id"), Some("order-1.2:3_4"));
    let replaced = with("<script>").await;
    assert_eq!(replaced.header("x-request-id").map(|id| id.parse::<Uuid>().is_ok()), Some(true));
}

/// Sends raw bytes to the server.
async fn raw(address: &str, bytes: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    stream
}

async fn until_closed(mut stream: TcpStream) -> String {
    let mut response = Vec::new();
    let reading = stream.read_to_end(&mut response);
    let read = tokio::time::timeout(Duration::from_secs(20), reading).await.expect("the server closes the connection");
    // A reset is an end, too.
    let _ = read;
    String::from_utf8_lossy(&response).into_owned()
}

#[tokio::test]
async fn slow_and_broken_clients_are_cut_off() {
    let app = TestApp::with_servers(1, &[("REQUEST_TIMEOUT_MS", "2000")]).await;
    let address = &app.servers[0].address;
    let token = app.customer().await.token().to_owned();
    let head = format!(
        "POST /v1/orders HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\n"
    );

    let (half_a_head, half_a_body, a_dribble) = tokio::join!(
        async { until_closed(raw(address, b"GET /v1/menu HTTP/1.1\r\nhost:").await).await },
        async {
            until_closed(
                raw(address, format!("{head}content-length: 500\r\nconnection: close\r\n\r\n{{\"items\"").as_bytes())
                    .await,
            )
            .await
        },
        async {
            let mut stream =
                raw(address, format!("{head}transfer-encoding: chunked\r\nconnection: close\r\n\r\n").as_bytes()).await;
            let mut response = vec![0; 4096];
            loop {
                // One byte at a time, for ever.
                if stream.write_all(b"1\r\n \r\n").await.is_err() {
                    break String::new();
                }
                if let Ok(read) = tokio::time::timeout(Duration::from_millis(300), stream.read(&mut response)).await {
                    break String::from_utf8_lossy(&response[..read.unwrap_or(0)]).into_owned();
                }
            }
        },
    );
    assert!(half_a_head.is_empty() || half_a_head.starts_with("HTTP/1.1 408"), "{half_a_head}");
    for response in [half_a_body, a_dribble] {
        assert!(response.contains("HTTP/1.1 400") && response.contains("invalid-request"), "{response}");
    }
    let nonsense = until_closed(raw(address, b"\x16\x03\x01 hello\r\n\r\n").await).await;
    assert!(nonsense.is_empty() || nonsense.starts_with("HTTP/1.1 400"), "{nonsense}");

    let menu: Value = app.anonymous().get("/v1/menu").await.expect(200);
    assert_eq!(menu["categories"], json!([]), "and the server goes on");
}

/// What the HTTP layer refuses before there is a request.
#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_cannot_be_read_is_a_problem_with_a_request_id() {
    let app = TestApp::open().await;
    let answer = async |head: String| {
        let mut stream = TcpStream::connect(&app.servers[0].address).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    };
    let malformed = "GET /v1/menu HTTP/1.1\r\nno header\r\n\r\n".to_owned();
    let after_another =
        "GET /health/live HTTP/1.1\r\nhost: test\r\n\r\nGET /v1/menu HTTP/1.1\r\nno header\r\n\r\n".to_owned();
    let too_large = format!("GET /v1/menu HTTP/1.1\r\n{}\r\n", "x-one-more: 1\r\n".repeat(200));
    let unfinished = "GET /v1/menu HTTP/1.1\r\nhost:".to_owned();
    let answers = tokio::join!(answer(malformed), answer(after_another), answer(too_large), answer(unfinished));
    for (answer, status) in [(answers.0, 400), (answers.1, 400), (answers.2, 431), (answers.3, 408)] {
        let last = &answer[answer.rfind("HTTP/1.1 ").unwrap()..];
        let (head, body) = last.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{head}");
        let header = |name: &str| {
            let mut lines = head.lines().filter_map(|line| line.split_once(": "));
            lines.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned())
        };
        assert_eq!(header("content-type").as_deref(), Some("application/problem+json"), "{head}");
        assert_eq!(header("x-content-type-options").as_deref(), Some("nosniff"), "{head}");
        let problem: Value = serde_json::from_str(body).unwrap();
        assert_eq!(problem["instance"].as_str(), header("x-request-id").as_deref());
        assert_eq!((&problem["status"], &problem["code"]), (&json!(status), &json!("invalid-request")));
    }
    app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_of_another_deployment_is_invalid() {
    let mut app = TestApp::open().await;
    let elsewhere = app.open_another(&[("SECRET_KEY", "the secret of another deployment's servers")]);
    for _ in 0..2 {
        app.item(1).await;
    }
    let cursor_at = async |client: &Client| {
        let page = client.get("/v1/menu/items?limit=1").await.expect(200);
        page["next_cursor"].as_str().unwrap().to_owned()
    };
    let (here, there) = (app.anonymous(), app.anonymous().at(&elsewhere));
    for (from, to) in [(&here, &there), (&there, &here)] {
        let path = format!("/v1/menu/items?limit=1&cursor={}", cursor_at(from).await);
        from.get(&path).await.expect(200);
        assert_eq!(to.get(&path).await.problem(), (400, "invalid-cursor".to_owned()));
    }
}
