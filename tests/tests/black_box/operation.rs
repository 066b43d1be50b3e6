use std::time::{Duration, Instant};

use comanda_tests::{Client, PASSWORD, TestApp, TestDatabase, TestServer, comanda};
use nix::sys::signal::Signal;
use reqwest::Method;
use serde_json::{Value, json};

#[tokio::test]
async fn health_reports_whether_orders_can_be_placed() {
    let app = TestApp::open().await;
    let customer = app.anonymous();
    customer.get("/health/live").await.expect(200);
    let ready = customer.get("/health/ready").await.expect(200);
    assert_eq!(ready["status"], "ok");
    assert_eq!(ready["components"], json!({ "postgres": { "status": "ok" }, "redis": { "status": "ok" } }));
    let workers = ready["workers"].as_array().unwrap();
    assert!(workers.iter().any(|worker| worker["name"] == "commit_orders"), "{workers:?}");
    assert!(workers.iter().all(|worker| worker["status"] == "running"), "{workers:?}");

    // Nothing listens on port 1.
    let lonely = TestServer::start_at(&app.database.server_url, "redis://127.0.0.1:1/0", &[]);
    let degraded = Client::anonymous(&lonely.base_url).get("/health/ready").await.expect(200);
    assert_eq!(
        (&degraded["status"], &degraded["components"]["redis"]["status"]),
        (&json!("degraded"), &json!("unavailable"))
    );
    let item = app.item(1).await;
    app.customer().await.at(&lonely.base_url).order(&[(item, 1)]).await.expect(201);
}

#[tokio::test]
async fn without_its_database_a_server_says_so_and_comes_back_by_itself() {
    let app = TestApp::with_servers(1, &[("DATABASE_WAIT_MS", "300")]).await;
    let (item, customer) = (app.item(5).await, app.customer().await);
    let other_database = TestDatabase::empty().await;
    let elsewhere = other_database.client().await;
    let name = app.database.url.rsplit_once('/').unwrap().1;
    let door = |open: bool| format!("ALTER DATABASE \"{name}\" ALLOW_CONNECTIONS {open}");
    elsewhere.batch_execute(&door(false)).await.unwrap();
    let cut = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'");
    elsewhere.batch_execute(&cut).await.unwrap();

    let ready = app.anonymous().get("/health/ready").await;
    assert_eq!((ready.status, &ready.json()["components"]["postgres"]["status"]), (503, &json!("unavailable")));
    assert!(ready.header("retry-after").is_some());
    for (response, operation) in [
        (customer.order_with_key("key", &[(item, 1)]).await, "order.create"),
        (customer.get("/v1/orders").await, "order.lookup"),
        (app.anonymous().get("/v1/menu/items").await, "menu.read"),
        (app.admin.get("/v1/analytics/sales").await, "analytics.read"),
    ] {
        assert_eq!(response.problem(), (503, "unavailable".to_owned()));
        assert_eq!(response.json()["operation"], operation);
    }
    app.anonymous().get("/v1/menu").await.expect(200);

    elsewhere.batch_execute(&door(true)).await.unwrap();
    customer.order_with_key("key", &[(item, 1)]).await.expect(201);
    app.anonymous().get("/v1/menu").await.expect(200);
    app.close().await;
}

#[tokio::test]
async fn a_failing_operation_is_cut_off_by_its_breaker_and_recovers_by_itself() {
    let quick = "minimum_calls=5 window_ms=30000 first_wait_ms=300 longest_wait_ms=600 probes=1";
    let settings = [
        ("DATABASE_WAIT_MS", "100"),
        ("BREAKER_ORDER_CREATE", quick),
        ("BREAKER_ORDER_LOOKUP", quick),
        ("BREAKER_AUTH_LOOKUP", quick),
        ("BREAKER_USER_CREATE", quick),
        ("BREAKER_ORDER_UPDATE", quick),
        ("BREAKER_PAYMENT_CREATE", quick),
    ];
    let app = TestApp::with_servers(1, &settings).await;
    let (item, customer, email) = (app.item(50).await, app.customer().await, app.account().await);
    let order = customer.order(&[(item, 1)]).await.expect(201);
    let id = order["id"].as_str().unwrap();
    let (cancel, pay) = (format!("/v1/orders/{id}/cancel"), format!("/v1/orders/{id}/payments"));
    let other_database = TestDatabase::empty().await;
    let elsewhere = other_database.client().await;
    let name = app.database.url.rsplit_once('/').unwrap().1;
    let door = |open: bool| format!("ALTER DATABASE \"{name}\" ALLOW_CONNECTIONS {open}");
    elsewhere.batch_execute(&door(false)).await.unwrap();
    let cut = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'");
    elsewhere.batch_execute(&cut).await.unwrap();

    let anonymous = app.anonymous();
    let newcomer = json!({ "email": "new@example.org", "password": PASSWORD, "name": "Bo" });
    let operations = ["order.create", "order.lookup", "order.update", "payment.create", "auth.lookup", "user.create"];
    for operation in operations {
        let ask = async || match operation {
            "order.create" => customer.order(&[(item, 1)]).await,
            "order.lookup" => customer.get("/v1/orders").await,
            "order.update" => customer.post(&cancel, &json!({})).await,
            "payment.create" => customer.post(&pay, &json!({ "method": "counter" })).await,
            "auth.lookup" => anonymous.try_password(&email, PASSWORD).await,
            _ => anonymous.post("/v1/users", &newcomer).await,
        };
        // Attempts wait for a connection; once the breaker is open, requests fail at once.
        let mut attempts = 0;
        while !app.servers[0].has_left_alone(operation) {
            let response = ask().await;
            assert_eq!((response.problem().0, &response.json()["operation"]), (503, &json!(operation)));
            attempts += 1;
            assert!(attempts < 20, "{operation} is attempted for ever");
        }
        let refused = ask().await;
        assert_eq!((refused.problem().0, &refused.json()["operation"]), (503, &json!(operation)));
        assert!(refused.header("retry-after").is_some_and(|wait| wait == "1"), "{refused:?}");
    }

    elsewhere.batch_execute(&door(true)).await.unwrap();
    let begin = Instant::now();
    while customer.order(&[(item, 1)]).await.status != 201 {
        assert!(begin.elapsed() < Duration::from_secs(5), "it does not come back");
    }
    while anonymous.try_password(&email, PASSWORD).await.status != 200 {
        assert!(begin.elapsed() < Duration::from_secs(5), "it does not come back");
    }
    app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_beyond_the_limit_gets_503_at_once() {
    let settings = [("CONCURRENT_REQUESTS", "4"), ("DATABASE_READ_LIMIT_MS", "60000")];
    let app = TestApp::with_servers(1, &settings).await;
    // No worker reads this one.
    let holder = lock(&app, "kitchen_stations").await;
    let mut waiting = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let admin = app.admin.clone();
        waiting.spawn(async move { admin.get("/v1/kitchen/stations").await.status });
    }
    app.until_waiting_for_locks(4).await;
    for _ in 0..20 {
        let refused = app.anonymous().get("/v1/menu").await;
        assert_eq!(refused.problem(), (503, "unavailable".to_owned()));
        assert_eq!(refused.json()["operation"], "http.request");
    }
    app.anonymous().get("/health/live").await.expect(200);
    // None of the refused waited until one of the four was done.
    assert!(waiting.try_join_next().is_none());
    drop(holder);
    assert_eq!(waiting.join_all().await, [200; 4]);
    app.anonymous().get("/v1/menu").await.expect(200);
    app.close().await;
}

#[tokio::test]
async fn metrics_cover_requests_orders_breakers_caches_and_connections() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let address = format!("127.0.0.1:{port}");
    let app = TestApp::with_servers(1, &[("METRICS_ADDR", &address)]).await;
    let (item, customer) = (app.item(3).await, app.customer().await);
    customer.order(&[(item, 1)]).await.expect(201);
    customer.order(&[(item, 9)]).await.expect(409);
    app.anonymous().get("/v1/menu").await.expect(200);
    app.anonymous().get(&format!("/v1/menu/items/{item}")).await.expect(200);
    app.anonymous().get("/nothing/that/a-scanner-looks-for").await;
    app.anonymous().try_password("nobody@example.org", "not the password").await;

    let metrics = Client::anonymous(&format!("http://{address}")).get("/metrics").await;
    let requests = |method: &str, route: &str, status: u16| {
        format!(
            "http_server_request_duration_seconds_count{{http_request_method=\"{method}\",http_route=\"{route}\",\
             http_response_status_code=\"{status}\"}} 1"
        )
    };
    for line in [
        requests("POST", "/v1/orders", 201).as_str(),
        requests("POST", "/v1/orders", 409).as_str(),
        requests("GET", "/v1/menu/items/{id}", 200).as_str(),
        requests("GET", "unmatched", 404).as_str(),
        "http_server_active_requests{http_request_method=\"POST\"} 0",
        "comanda_placement_batch_size_count 2",
        "comanda_placement_queue_depth 0",
        "comanda_breaker_state{operation=\"order.create\"} 0",
        "comanda_password_checks_total{outcome=\"mismatch\"} 1",
        "comanda_menu_reads_total{layer=\"process\"} 2",
        "comanda_flag_evaluations_total{flag=\"menu-cache\",on=\"true\"} 2",
        "comanda_degraded{what=\"menu_cache\"} 0",
        "db_client_operation_duration_seconds_count{db_query_summary=\"order.place.commit\"} 1",
        "comanda_statement_rows_total{db_query_summary=\"order.place.insert_lines\"} 1",
        "db_client_connection_max{db_client_connection_pool_name=\"reads\"} 6",
    ] {
        assert!(metrics.text.contains(line), "{line} is missing in:\n{}", metrics.text);
    }
    assert!(
        !metrics.text.contains("@example.org") && !metrics.text.contains(&item.to_string()),
        "nothing personal, and few labels"
    );
    app.close().await;
}

/// Locks a table that only one kind of read needs.
async fn lock(app: &TestApp, table: &str) -> tokio_postgres::Client {
    let holder = app.database.client().await;
    holder.batch_execute(&format!("BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")).await.unwrap();
    holder
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_give_way_first_and_no_flood_of_reads_stops_orders() {
    let settings =
        [("DATABASE_REPORT_LIMIT_MS", "2000"), ("DATABASE_READ_LIMIT_MS", "800"), ("DATABASE_WAIT_MS", "400")];
    let app = TestApp::with_servers(1, &settings).await;
    let (item, customer) = (app.item(50).await, app.customer().await);
    let flood = async |path: &'static str, count: usize| {
        let mut flood = tokio::task::JoinSet::new();
        for _ in 0..count {
            let admin = app.admin.clone();
            flood.spawn(async move {
                let begin = Instant::now();
                let response = admin.get(path).await;
                (response, begin.elapsed())
            });
        }
        flood
    };
    let goes_on = async || {
        let begin = Instant::now();
        customer.order(&[(item, 1)]).await.expect(201);
        app.anonymous().get("/v1/menu").await.expect(200);
        assert!(begin.elapsed() < Duration::from_millis(400), "an order waited for {:?}", begin.elapsed());
    };

    // Six connections serve reads; with fewer than two free, reports are refused at once.
    let holder = lock(&app, "sales_summarized").await;
    let reports = flood("/v1/analytics/sales", 20).await;
    app.until_waiting_for_locks(4).await;
    goes_on().await;
    customer.get("/v1/orders").await.expect(200);
    let responses = reports.join_all().await;
    assert!(responses.iter().all(|(response, _)| response.problem() == (503, "unavailable".to_owned())));
    let at_once = responses.iter().filter(|(_, time)| *time < Duration::from_millis(500)).count();
    assert_eq!(at_once, 16);
    assert!(responses.iter().all(|(_, time)| *time < Duration::from_millis(2200)), "a deadline and a tenth");
    drop(holder);

    let holder = lock(&app, "audit_log").await;
    let reads = flood("/v1/admin/audit-log", 30).await;
    app.until_waiting_for_locks(6).await;
    goes_on().await;
    let crowded_out = app.admin.get("/v1/admin/users").await;
    assert!(matches!(crowded_out.status, 200 | 503), "{crowded_out:?}");
    let responses = reads.join_all().await;
    assert!(responses.iter().all(|(response, time)| response.status == 503 && *time < Duration::from_millis(1300)));
    drop(holder);
    let begin = Instant::now();
    while app.admin.get("/v1/admin/audit-log").await.status != 200 {
        assert!(begin.elapsed() < Duration::from_secs(5), "reads do not come back");
    }
    app.close().await;
}

async fn until_one_waits_for_a_lock(app: &TestApp) {
    let waiting =
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    while app.database.number(waiting).await == 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_server_that_is_stopped_finishes_the_requests_in_flight() {
    let mut app = TestApp::open().await;
    let (item, customer) = (app.item(50).await, app.customer().await);
    // Another transaction holds the menu item, so the order has to wait.
    let holder = app.database.client().await;
    holder.batch_execute("BEGIN; SELECT FROM menu_items FOR UPDATE").await.unwrap();
    let ordering = {
        let customer = customer.clone();
        tokio::spawn(async move { customer.order(&[(item, 1)]).await })
    };
    until_one_waits_for_a_lock(&app).await;
    let mut server = app.servers.pop().unwrap();
    server.signal(Signal::SIGTERM);
    while !server.log().iter().any(|line| line.contains("stopping")) {
        tokio::task::yield_now().await;
    }
    holder.batch_execute("COMMIT").await.unwrap();
    assert_eq!(ordering.await.unwrap().status, 201);
    assert!(server.wait().success());
    assert_eq!(app.stock(item).await, 49);
}

#[tokio::test]
async fn an_order_that_cannot_be_decided_gets_503_within_the_deadline() {
    let app = TestApp::with_servers(1, &[("PLACEMENT_DEADLINE_MS", "600")]).await;
    let (item, customer) = (app.item(50).await, app.customer().await);
    let holder = app.database.client().await;
    holder.batch_execute("BEGIN; SELECT FROM menu_items FOR UPDATE").await.unwrap();
    let begin = Instant::now();
    let response = customer.order_with_key("key", &[(item, 1)]).await;
    assert_eq!(response.problem(), (503, "unavailable".to_owned()));
    // A bound, not a measurement: without the deadline this would hang until the lock is gone.
    assert!(begin.elapsed() < Duration::from_secs(5));
    let adjusted =
        app.admin.post(&format!("/v1/menu/items/{item}/stock"), &json!({ "delta": 1, "reason": "delivery" })).await;
    assert_eq!(adjusted.problem(), (503, "unavailable".to_owned()));
    holder.batch_execute("ROLLBACK").await.unwrap();
    customer.order_with_key("key", &[(item, 1)]).await.expect(201);
    assert_eq!(app.orders().await, 1);
    app.close().await;
}

#[tokio::test]
async fn a_full_queue_refuses_at_once() {
    let app = TestApp::with_servers(1, &[("PLACEMENT_QUEUE", "1"), ("PLACEMENT_BATCH", "1")]).await;
    let (item, customer) = (app.item(50).await, app.customer().await);
    let holder = app.database.client().await;
    holder.batch_execute("BEGIN; SELECT FROM menu_items FOR UPDATE").await.unwrap();
    let mut ordering = tokio::task::JoinSet::new();
    let order = || {
        let customer = customer.clone();
        async move { customer.order(&[(item, 1)]).await }
    };
    ordering.spawn(order());
    until_one_waits_for_a_lock(&app).await;
    for _ in 0..9 {
        ordering.spawn(order());
    }
    // One is being decided, one waits, and the others are refused while both still wait.
    for _ in 0..8 {
        let response = ordering.join_next().await.unwrap().unwrap();
        assert_eq!(response.problem(), (503, "unavailable".to_owned()));
        assert_eq!(response.json()["operation"], "order.create");
    }
    holder.batch_execute("ROLLBACK").await.unwrap();
    assert!(ordering.join_all().await.iter().all(|response| response.status == 201));
    app.close().await;
}

#[tokio::test]
async fn the_documentation_is_there_and_needs_nothing_from_elsewhere() {
    let app = TestApp::open().await;
    let customer = app.anonymous();
    let document: Value = customer.get("/openapi.json").await.expect(200);
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    assert!(document["paths"]["/v1/orders"]["post"].is_object());
    let printed = app.comanda(&["openapi"]);
    assert_eq!(serde_json::from_slice::<Value>(&printed.stdout).unwrap(), document);

    let page = customer.get("/docs/").await;
    assert_eq!(page.status, 200);
    assert!(!page.text.contains("http://") && !page.text.contains("https://"), "{}", page.text);
    for asset in page.text.split(['"', '\'']).filter(|text| text.starts_with("./")) {
        assert_eq!(customer.get(&format!("/docs/{}", &asset[2..])).await.status, 200, "{asset}");
    }
    let beginning = customer.get("/docs/swagger-initializer.js").await.text;
    assert!(beginning.contains("X-CSRF-Token") && beginning.contains("deepLinking: true"), "{beginning}");
    let problem = customer.get("/problems/insufficient-stock").await;
    assert!(problem.status == 200 && problem.text.contains("insufficient-stock"));
}

#[tokio::test]
async fn headers_protect_and_origins_are_listed() {
    let allowed = "https://shop.example";
    let app = TestApp::with_servers(1, &[("CORS_ORIGINS", allowed)]).await;
    let customer = app.anonymous();
    let menu = customer.get("/v1/menu").await;
    for (name, value) in
        [("x-content-type-options", "nosniff"), ("x-frame-options", "DENY"), ("referrer-policy", "no-referrer")]
    {
        assert_eq!(menu.header(name), Some(value));
    }
    let from = |origin: &'static str| Client::send(customer.request(Method::GET, "/v1/menu").header("origin", origin));
    assert_eq!(from(allowed).await.header("access-control-allow-origin"), Some(allowed));
    assert_eq!(from("https://elsewhere.example").await.header("access-control-allow-origin"), None);
    let preflight = customer
        .request(Method::OPTIONS, "/v1/orders")
        .header("origin", allowed)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization,content-type,idempotency-key");
    let preflight = Client::send(preflight).await;
    assert_eq!((preflight.status, preflight.header("access-control-allow-origin")), (204, Some(allowed)));
}

#[tokio::test]
async fn a_server_does_not_start_with_a_configuration_that_is_wrong() {
    let output =
        comanda("", "nonsense").env("CURRENCY", "euro").env("SECRET_KEY", "hunter2").arg("serve").output().unwrap();
    let complaint = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success());
    for name in ["DATABASE_URL", "CURRENCY", "SECRET_KEY"] {
        assert!(complaint.contains(name), "{name} is missing in: {complaint}");
    }
    assert!(!complaint.contains("hunter2"));
}
