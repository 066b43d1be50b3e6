//! What signals do to a server, and what its clients see of it.

use std::{
    io::ErrorKind,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use comanda_tests::{Client, TestApp, TestServer};
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
};

/// Waits for the first line of the server's log that matches, and returns it.
async fn until_logged(server: &TestServer, is_it: impl Fn(&Value) -> bool) -> Value {
    let begin = Instant::now();
    loop {
        let lines = server.log();
        let mut lines = lines.iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        if let Some(line) = lines.find(&is_it) {
            return line;
        }
        assert!(begin.elapsed() < Duration::from_secs(20), "it is not logged");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn says(line: &Value, message: &str) -> bool {
    line["fields"]["message"].as_str().is_some_and(|text| text.contains(message))
}

/// Sends a request on a connection that is to be kept; returns the head of the response, and its body as far as it has
/// come.
async fn ask(stream: &mut TcpStream, path: &str) -> String {
    stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: comanda\r\n\r\n").as_bytes()).await.unwrap();
    let (mut text, mut buffer) = (String::new(), vec![0; 64 * 1024]);
    while !text.contains("\r\n\r\n") {
        let length = stream.read(&mut buffer).await.unwrap();
        assert_ne!(length, 0, "the connection has ended: {text}");
        text.push_str(&String::from_utf8_lossy(&buffer[..length]));
    }
    text
}

fn ends_the_connection(response: &str) -> bool {
    response.to_lowercase().contains("\r\nconnection: close\r\n")
}

/// An order that waits for a menu item, which another transaction holds until it ends.
async fn order_in_flight(app: &TestApp) -> (tokio_postgres::Client, tokio::task::JoinHandle<u16>) {
    let (item, customer) = (app.item(50).await, app.customer().await);
    let holder = app.database.client().await;
    holder.batch_execute("BEGIN; SELECT FROM menu_items FOR UPDATE").await.unwrap();
    let ordering = tokio::spawn(async move { customer.order(&[(item, 1)]).await.status });
    app.until_waiting_for_locks(1).await;
    (holder, ordering)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_told_to_stop_is_not_ready_and_serves_until_proxies_have_noticed() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let mut app = TestApp::with_servers(1, &[("DRAIN_SECONDS", "2")]).await;
        let mut server = app.servers.pop().unwrap();
        let mut kept = TcpStream::connect(&server.address).await.unwrap();
        let before = ask(&mut kept, "/health/ready").await;
        assert!(before.starts_with("HTTP/1.1 200 ") && !ends_the_connection(&before), "{before}");

        server.signal(signal);
        until_logged(&server, |line| says(line, "stopping: not ready any more")).await;
        let begin = Instant::now();
        let mut other = TcpStream::connect(&server.address).await.unwrap();
        let ready = ask(&mut other, "/health/ready").await;
        assert!(ready.starts_with("HTTP/1.1 503 ") && ends_the_connection(&ready), "{ready}");
        let menu = ask(&mut kept, "/v1/menu").await;
        assert!(menu.starts_with("HTTP/1.1 200 ") && ends_the_connection(&menu), "{menu}");
        let mut third = TcpStream::connect(&server.address).await.unwrap();
        let missing = ask(&mut third, "/v1/nothing").await;
        assert!(missing.starts_with("HTTP/1.1 404 ") && ends_the_connection(&missing), "{missing}");

        until_logged(&server, |line| says(line, "stopping: no new connections")).await;
        let drained = begin.elapsed();
        assert!(drained > Duration::from_millis(1500), "{drained:?}");
        assert!(server.wait().success());
        assert!(TcpStream::connect(&server.address).await.is_err());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_arrives_while_a_server_drains_is_placed_and_finished() {
    let mut app = TestApp::with_servers(1, &[("DRAIN_SECONDS", "1")]).await;
    let (item, customer) = (app.item(5).await, app.customer().await);
    let holder = app.database.client().await;
    let mut server = app.servers.pop().unwrap();
    server.signal(Signal::SIGTERM);
    until_logged(&server, |line| says(line, "stopping: not ready any more")).await;
    holder.batch_execute("BEGIN; SELECT FROM menu_items FOR UPDATE").await.unwrap();
    let ordering = tokio::spawn(async move { customer.order(&[(item, 1)]).await });
    app.until_waiting_for_locks(1).await;
    until_logged(&server, |line| says(line, "stopping: no new connections")).await;
    holder.batch_execute("COMMIT").await.unwrap();
    let order = ordering.await.unwrap();
    assert_eq!((order.status, order.header("connection")), (201, Some("close")));
    assert!(server.wait().success());
    assert_eq!(app.stock(item).await, 4);
}

/// Asks on one new connection after the other, as a proxy without health checks does, until there is no server to
/// connect to.
async fn ask_until_refused(address: String, responses: Arc<AtomicUsize>) {
    let request = format!("GET /v1/menu HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    loop {
        let mut stream = match TcpStream::connect(&address).await {
            Ok(stream) => stream,
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => return,
            Err(error) => panic!("neither open nor refused: {error}"),
        };
        let mut response = String::new();
        stream.write_all(request.as_bytes()).await.unwrap();
        stream.read_to_string(&mut response).await.expect("whoever has a connection gets a response");
        assert!(response.starts_with("HTTP/1.1 200 "), "{response}");
        responses.fetch_add(1, Ordering::SeqCst);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_gets_a_connection_at_the_very_end_gets_a_response() {
    let mut app = TestApp::with_servers(1, &[("DRAIN_SECONDS", "1")]).await;
    let mut server = app.servers.pop().unwrap();
    let responses = Arc::new(AtomicUsize::new(0));
    let mut asking: JoinSet<()> =
        (0..64).map(|_| ask_until_refused(server.address.clone(), Arc::clone(&responses))).collect();
    while responses.load(Ordering::SeqCst) < 500 {
        tokio::task::yield_now().await;
    }
    server.signal(Signal::SIGTERM);
    while let Some(asked) = asking.join_next().await {
        asked.unwrap();
    }
    assert!(server.wait().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_ends_a_server_at_once() {
    let mut app = TestApp::with_servers(1, &[("DRAIN_SECONDS", "600")]).await;
    let (_holder, ordering) = order_in_flight(&app).await;
    let mut server = app.servers.pop().unwrap();
    server.signal(Signal::SIGTERM);
    until_logged(&server, |line| says(line, "stopping")).await;
    let begin = Instant::now();
    server.signal(Signal::SIGINT);
    assert_eq!(server.wait().code(), Some(128 + Signal::SIGINT as i32));
    assert!(begin.elapsed() < Duration::from_secs(2));
    ordering.abort();
}

/// The settings themselves are in files, which an operator can change while a server runs.
#[tokio::test(flavor = "multi_thread")]
async fn sighup_reads_log_again_and_a_mistake_changes_nothing() {
    let file = std::env::temp_dir().join(format!("comanda-log-{}", uuid::Uuid::now_v7()));
    std::fs::write(&file, "info").unwrap();
    let app = TestApp::with_servers(1, &[("LOG_FILE", file.to_str().unwrap())]).await;
    let server = &app.servers[0];
    std::fs::write(&file, "inf").unwrap();
    server.signal(Signal::SIGHUP);
    let line = until_logged(server, |line| says(line, "SIGHUP: nothing has changed")).await;
    assert!(line["fields"]["error"].as_str().unwrap().contains("LOG: "), "{line}");
    assert!(!server.log().iter().any(|line| line.contains("\"level\":\"TRACE\"")));
    std::fs::write(&file, "trace").unwrap();
    server.signal(Signal::SIGHUP);
    until_logged(server, |line| line["fields"]["directives"] == "trace").await;
    Client::anonymous(&server.base_url).get("/health/ready").await.expect(200);
    until_logged(server, |line| line["level"] == "TRACE").await;
    std::fs::remove_file(&file).unwrap();
    app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn other_signals_end_no_server_and_sigquit_logs_how_it_stands() {
    let app = TestApp::open().await;
    let server = &app.servers[0];
    for signal in [Signal::SIGHUP, Signal::SIGUSR1, Signal::SIGUSR2, Signal::SIGQUIT] {
        server.signal(signal);
    }
    until_logged(server, |line| says(line, "SIGHUP")).await;
    for signal in ["SIGUSR1", "SIGUSR2"] {
        until_logged(server, |line| line["fields"]["signal"] == signal).await;
    }
    let whole = until_logged(server, |line| says(line, "state of the server")).await;
    assert_eq!(whole["fields"]["stopping"], json!(false));
    let worker = until_logged(server, |line| line["fields"]["worker"] == "commit_orders").await;
    assert_eq!(worker["fields"]["state"], "running");
    for (what, gauge) in [
        ("pools", "db_client_connection_max{db_client_connection_pool_name=\"reads\"} 6"),
        ("queues", "comanda_placement_queue_depth 0"),
        ("breakers", "comanda_breaker_state{operation=\"order.create\"} 0"),
        ("degraded", "comanda_degraded{what=\"menu_cache\"} 0"),
    ] {
        let line = until_logged(server, |line| line["fields"]["what"] == what).await;
        let gauges = line["fields"]["gauges"].as_str().unwrap();
        assert!(gauges.contains(gauge), "{line}");
    }
    Client::anonymous(&server.base_url).get("/health/ready").await.expect(200);
    app.close().await;
}
