//! What one customer, and one address, can take from the others.

use std::time::{Duration, Instant};

use comanda_tests::{Client, PASSWORD, Response, TestApp};
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use uuid::Uuid;

fn limit(response: &Response) -> String {
    assert_eq!(response.problem(), (429, "rate-limited".to_owned()));
    response.json()["limit"].as_str().expect("the name of a limit").to_owned()
}

fn order_id(order: &Response) -> String {
    order.expect(201)["id"].as_str().unwrap().to_owned()
}

/// Places so many orders at once at all servers, each for another of the items.
async fn at_all_servers(
    app: &TestApp,
    customer: &Client,
    items: &[Uuid],
    orders: usize,
    quantity: u32,
) -> Vec<Response> {
    let servers: Vec<Client> = app.servers.iter().map(|server| customer.at(&server.base_url)).collect();
    let orders = (0..orders).map(|n| {
        let (server, line) = (servers[n % servers.len()].clone(), [(items[n % items.len()], quantity)]);
        async move { server.order(&line).await }
    });
    join_all(orders).await
}

#[tokio::test(flavor = "multi_thread")]
async fn two_customers_at_two_servers_hold_no_more_than_allowed() {
    let app = TestApp::with_servers(2, &[("ORDER_LIMIT_OPEN", "10"), ("ORDER_LIMIT_PORTIONS", "200")]).await;
    let mut items = Vec::new();
    for _ in 0..7 {
        items.push(app.item(1000).await);
    }
    let customers = app.customers(2).await;
    let of = |n: usize, orders, quantity| at_all_servers(&app, &customers[n], &items, orders, quantity);

    let (first, second) = tokio::join!(of(0, 40, 1), of(1, 40, 30));
    for (responses, placed, named) in [(&first, 10, "open-orders"), (&second, 6, "portions")] {
        let (created, refused): (Vec<_>, Vec<_>) = responses.iter().partition(|response| response.status == 201);
        assert_eq!(created.len(), placed, "{named}");
        for refused in refused {
            assert_eq!(limit(refused), named);
        }
    }
    assert_eq!(app.orders().await, 16);

    // Whoever cancels or pays may order again.
    let order = order_id(first.iter().find(|response| response.status == 201).unwrap());
    let one = [(items[0], 1)];
    let another = || customers[0].order(&one);
    customers[0].post(&format!("/v1/orders/{order}/cancel"), &json!({})).await.expect(200);
    let order = order_id(&another().await);
    assert_eq!(limit(&another().await), "open-orders");
    let payments = format!("/v1/orders/{order}/payments");
    let payment = customers[0].post(&payments, &json!({ "method": "counter" })).await.expect(201);
    assert_eq!(limit(&another().await), "open-orders", "a payment that was begun is no money");
    let settle = format!("{payments}/{}/settle", payment["id"].as_str().unwrap());
    app.admin.post(&settle, &json!({})).await.expect(200);
    another().await.expect(201);
    assert_eq!(limit(&another().await), "open-orders");

    // The last portions, and not one more.
    customers[1].order(&[(items[0], 11), (items[1], 9)]).await.expect(201);
    assert_eq!(limit(&customers[1].order(&[(items[0], 1)]).await), "portions");
    app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn free_dishes_count_until_staff_accept_the_order() {
    let app = TestApp::with_servers(1, &[("ORDER_LIMIT_OPEN", "2")]).await;
    let (free, customer) = (app.item_at(100, 0).await, app.customer().await);
    let mut order = String::new();
    for _ in 0..2 {
        order = order_id(&customer.order(&[(free, 20)]).await);
        let payments = format!("/v1/orders/{order}/payments");
        let payment = customer.post(&payments, &json!({ "method": "counter" })).await.expect(201);
        assert_eq!(payment["status"], "succeeded");
    }
    assert_eq!(limit(&customer.order(&[(free, 20)]).await), "open-orders");
    app.admin.post(&format!("/v1/orders/{order}/status"), &json!({ "status": "accepted" })).await.expect(200);
    customer.order(&[(free, 20)]).await.expect(201);
    app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn staff_who_order_for_customers_have_no_limits() {
    let settings = [("ORDER_LIMIT_OPEN", "1"), ("ORDER_LIMIT_PORTIONS", "2"), ("ORDER_LIMIT_PER_MINUTE", "1")];
    let app = TestApp::with_servers(1, &settings).await;
    let (item, customer) = (app.item(100).await, app.customer().await);
    for _ in 0..3 {
        app.admin.order(&[(item, 3)]).await.expect(201);
    }
    assert_eq!(limit(&customer.order(&[(item, 3)]).await), "portions");
    app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_order_is_answered_and_not_refused() {
    let app = TestApp::with_servers(2, &[("ORDER_LIMIT_OPEN", "1")]).await;
    let (item, customer) = (app.item(100).await, app.customer().await);
    let first = customer.order_with_key("key", &[(item, 1)]).await;
    first.expect(201);
    let again = customer.at(&app.servers[1].base_url).order_with_key("key", &[(item, 1)]).await;
    assert_eq!((again.text.as_str(), again.header("idempotency-replayed")), (first.text.as_str(), Some("true")));
    assert_eq!(limit(&customer.order_with_key("other", &[(item, 1)]).await), "open-orders");
    app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_attempts_so_many_orders_a_minute_at_all_servers_together() {
    let app = TestApp::with_servers(2, &[("ORDER_LIMIT_PER_MINUTE", "5")]).await;
    let (nothing, customer, other) = (Uuid::now_v7(), app.customer().await, app.customer().await);
    let attempt = |n: usize| {
        let customer = customer.at(&app.servers[n % 2].base_url);
        async move { customer.order(&[(nothing, 1)]).await }
    };
    for n in 0..5 {
        assert_eq!(attempt(n).await.code(), "unknown-item", "what is refused is an attempt, too");
    }
    for n in 5..7 {
        let refused = attempt(n).await;
        assert_eq!(limit(&refused), "attempts");
        assert_eq!(refused.header("ratelimit-limit"), Some("5"));
    }
    assert_eq!(other.order(&[(nothing, 1)]).await.code(), "unknown-item", "another account");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_nobody_accepts_or_pays_returns_its_stock() {
    let settings = [("MODE", "development"), ("PAYMENT_GATEWAY", "offline"), ("UNPAID_ORDER_MINUTES", "30")];
    let app = TestApp::with_servers(2, &settings).await;
    let customer = app.customer().await;
    let pay = |order: String, method: &'static str| {
        let customer = customer.clone();
        let path = format!("/v1/orders/{order}/payments");
        async move { customer.post(&path, &json!({ "method": method })).await.expect(201) }
    };
    let mut orders = Vec::new();
    for _ in 0..6 {
        let item = app.item(10).await;
        orders.push((item, order_id(&customer.order(&[(item, 4)]).await)));
    }
    let [unpaid, at_the_counter, accepted, settled, by_card, young] = orders.try_into().unwrap();
    pay(at_the_counter.1.clone(), "counter").await;
    pay(accepted.1.clone(), "counter").await;
    app.admin.post(&format!("/v1/orders/{}/status", accepted.1), &json!({ "status": "accepted" })).await.expect(200);
    let payment = pay(settled.1.clone(), "counter").await;
    let settle = format!("/v1/orders/{}/payments/{}/settle", settled.1, payment["id"].as_str().unwrap());
    app.admin.post(&settle, &json!({})).await.expect(200);
    pay(by_card.1.clone(), "card").await;

    let tables = app.database.client().await;
    let young_id: Uuid = young.1.parse().unwrap();
    let age = "UPDATE orders SET created_at = created_at - interval '31 minutes' WHERE id <> $1";
    tables.execute(age, &[&young_id]).await.unwrap();
    let begin = Instant::now();
    while app.stock(unpaid.0).await + app.stock(at_the_counter.0).await < 20 {
        assert!(begin.elapsed() < Duration::from_secs(10), "the stock does not come back");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let cancelled = customer.get(&format!("/v1/orders/{}?include=payments", at_the_counter.1)).await.expect(200);
    assert_eq!((&cancelled["status"], &cancelled["payments"][0]["status"]), (&json!("cancelled"), &json!("cancelled")));
    for (item, order) in [accepted, settled, by_card, young] {
        let order = customer.get(&format!("/v1/orders/{order}")).await.expect(200);
        assert_ne!(order["status"], "cancelled");
        assert_eq!(app.stock(item).await, 6);
    }
}

/// Begins so many requests and never ends them. Those that the server gives up on are begun again.
async fn send_by_halves(address: &str, requests: usize) {
    let paths = ["/v1/sessions", "/v1/users", "/v1/sessions/refresh", "/v1/webhooks/stripe"];
    let begin = async |path: &str| {
        let mut stream = TcpStream::connect(address).await?;
        let head = format!("POST {path} HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\n");
        stream.write_all(format!("{head}content-length: 90\r\n\r\n{{\"email\":").as_bytes()).await?;
        // Until the server closes the connection.
        stream.read_to_end(&mut Vec::new()).await
    };
    let senders = (0..requests).map(|n| async move {
        loop {
            // However it ends, another one follows.
            let _ = begin(paths[n % paths.len()]).await;
        }
    });
    join_all(senders).await;
}

/// How long the requests of customers take who read and order, in ascending order. None of them may fail.
async fn times_of_customers(app: &TestApp, customers: &[Client], item: Uuid, rounds: usize) -> Vec<Duration> {
    async fn timed<T>(times: &mut Vec<Duration>, request: impl Future<Output = T>) -> T {
        let begin = Instant::now();
        let response = request.await;
        times.push(begin.elapsed());
        response
    }
    let reader = app.anonymous();
    let one = async |customer: &Client| {
        let mut times = Vec::new();
        for _ in 0..rounds {
            timed(&mut times, reader.get("/v1/menu")).await.expect(200);
            let order = order_id(&timed(&mut times, customer.order(&[(item, 1)])).await);
            timed(&mut times, customer.get(&format!("/v1/orders/{order}"))).await.expect(200);
            timed(&mut times, customer.get("/v1/orders")).await.expect(200);
        }
        times
    };
    let mut times = join_all(customers.iter().map(one)).await.concat();
    times.sort_unstable();
    times
}

/// Each of these takes a place until its body is there, where places are taken by whatever has arrived in part.
#[tokio::test(flavor = "multi_thread")]
async fn half_sent_bodies_keep_nobody_out() {
    const HALF_SENT: usize = 1100;

    let settings = [("CONCURRENT_REQUESTS", "100"), ("ORDER_LIMIT_OPEN", "0"), ("ORDER_LIMIT_PORTIONS", "0")];
    let app = TestApp::with_servers(1, &settings).await;
    let (item, customers, email) = (app.item(10_000).await, app.customers(4).await, app.account().await);
    let idle = times_of_customers(&app, &customers, item, 50).await;

    let address = app.servers[0].address.clone();
    let senders = tokio::spawn(async move { send_by_halves(&address, HALF_SENT).await });
    let held = || std::fs::read_dir(format!("/proc/{}/fd", app.servers[0].pid())).unwrap().count();
    let until_besieged = async || {
        let begin = Instant::now();
        while held() < HALF_SENT {
            assert!(begin.elapsed() < Duration::from_mins(1), "{} of {HALF_SENT} connections are open", held());
            tokio::task::yield_now().await;
        }
    };
    let p99 = |times: &[Duration]| times[times.len() * 99 / 100];
    // The best of three, since the machine may do something else meanwhile.
    let mut besieged = Duration::MAX;
    for _ in 0..3 {
        until_besieged().await;
        besieged = besieged.min(p99(&times_of_customers(&app, &customers, item, 50).await));
    }
    until_besieged().await;
    app.anonymous().log_in(&email, PASSWORD).await;
    app.account().await;
    assert!(!senders.is_finished());
    senders.abort();

    let idle = p99(&idle);
    println!("p99: idle {idle:?}, beside {HALF_SENT} half-sent bodies {besieged:?}");
    assert!(besieged <= (3 * idle).max(Duration::from_millis(250)), "{besieged:?}, and {idle:?} without them");
    app.close().await;
}

/// Sends requests as a proxy that is trusted.
fn from(app: &TestApp, address: &str, method: Method, path: &str, body: &Value) -> reqwest::RequestBuilder {
    app.anonymous().request(method, path).header("x-forwarded-for", address).json(body)
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_hashes_a_password_is_limited_by_address() {
    let settings =
        [("ADDRESS_LIMIT_BURST", "3"), ("ADDRESS_LIMIT_PER_MINUTE", "1"), ("TRUSTED_PROXIES", "127.0.0.0/8")];
    let app = TestApp::with_servers(1, &settings).await;
    let email = || format!("{}@example.org", Uuid::now_v7().simple());
    let session = from(
        &app,
        "192.0.2.99",
        Method::POST,
        "/v1/users",
        &json!({ "email": "ana@example.org", "password": PASSWORD, "name": "Ana" }),
    );
    Client::send(session).await.expect(201);
    let credentials = json!({ "email": "ana@example.org", "password": PASSWORD });
    let session = Client::send(from(&app, "192.0.2.99", Method::POST, "/v1/sessions", &credentials)).await.expect(200);
    let token = session["access_token"].as_str().unwrap().to_owned();

    let attempt = |kind: usize, address: &'static str| {
        let (method, path, body) = match kind {
            0 => (Method::POST, "/v1/sessions", json!({ "email": email(), "password": "certainly not it" })),
            1 => (Method::POST, "/v1/web/sessions", json!({ "email": email(), "password": "certainly not it" })),
            2 => (Method::POST, "/v1/users", json!({ "email": email(), "password": PASSWORD, "name": "Ana" })),
            _ => {
                let body = json!({ "current_password": "certainly not it", "new_password": "another horse battery" });
                (Method::PUT, "/v1/me/password", body)
            }
        };
        let request = from(&app, address, method, path, &body);
        Client::send(if kind == 3 { request.bearer_auth(&token) } else { request })
    };
    for (kind, address) in [(0, "192.0.2.10"), (1, "192.0.2.11"), (2, "192.0.2.12"), (3, "192.0.2.13")] {
        for n in 0..3 {
            assert_ne!(attempt(kind, address).await.status, 429, "attempt {n} of kind {kind}");
        }
        assert_eq!(attempt(kind, address).await.problem(), (429, "rate-limited".to_owned()), "kind {kind}");
    }
    assert_eq!(attempt(3, "192.0.2.14:4711").await.code(), "invalid-credentials", "another address, with its port");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_address_does_not_stop_the_sign_ins_of_others() {
    let settings = [("PASSWORD_QUEUE", "20"), ("PASSWORD_THREADS", "1"), ("TRUSTED_PROXIES", "127.0.0.0/8")];
    let app = TestApp::with_servers(1, &settings).await;
    let email = app.account().await;
    let flood = join_all((0..120).map(|n| {
        let body = json!({ "email": format!("nobody-{n}@example.org"), "password": "certainly not it" });
        Client::send(from(&app, "192.0.2.1", Method::POST, "/v1/sessions", &body))
    }));
    let others = async {
        let mut statuses = Vec::new();
        for n in 0..10 {
            let body = json!({ "email": email, "password": PASSWORD });
            let request = from(&app, &format!("198.51.100.{n}"), Method::POST, "/v1/sessions", &body);
            statuses.push(Client::send(request).await.status);
        }
        statuses
    };
    let (flood, others) = tokio::join!(flood, others);
    assert_eq!(others, [200; 10]);
    let busy = flood.iter().filter(|response| response.status == 503).count();
    assert!(busy > 0, "the queue was never full");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forwarded_address_that_is_not_believed_is_reported_once() {
    let app = TestApp::open().await;
    for n in 0..5 {
        let body = json!({ "email": "nobody@example.org", "password": "certainly not it" });
        Client::send(from(&app, &format!("192.0.2.{n}"), Method::POST, "/v1/sessions", &body)).await;
        let menu = app.anonymous().request(Method::GET, "/v1/menu").header("x-forwarded-for", "192.0.2.1");
        Client::send(menu).await.expect(200);
    }
    let reports = |app: &TestApp| {
        let log = app.servers[0].log();
        log.iter().filter(|line| line.contains("X-Forwarded-For is ignored") && line.contains("127.0.0.1")).count()
    };
    assert_eq!(reports(&app), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_request_for_a_mail_does_not_count_as_an_attempt() {
    let settings = [("ADDRESS_LIMIT_BURST", "8"), ("ADDRESS_LIMIT_PER_MINUTE", "1")];
    let app = TestApp::with_servers(1, &settings).await;
    let customer = app.customer().await;
    for n in 0..12 {
        let request = customer.request(Method::POST, "/v1/me/email-verification").header("idempotency-key", "key");
        let response = Client::send(request.json(&json!({}))).await;
        let replayed = response.header("idempotency-replayed");
        assert_eq!((response.status, replayed), (202, (n > 0).then_some("true")), "{response:?}");
    }
    app.close().await;
}
