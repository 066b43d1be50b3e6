//! What is of no use any more is deleted, by one server at a time; and what keeps PostgreSQL from cleaning up is shown.

use std::{
    process::{Child, Stdio},
    time::{Duration, Instant},
};

use comanda_tests::{Client, TestApp, pg_dump};

fn metrics_address() -> String {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    format!("127.0.0.1:{port}")
}

/// The value of a series.
async fn metric(address: &str, series: &str) -> Option<f64> {
    let metrics = Client::anonymous(&format!("http://{address}")).get("/metrics").await;
    metrics.text.lines().find_map(|line| line.strip_prefix(series)?.trim().parse().ok())
}

#[tokio::test(flavor = "multi_thread")]
async fn sizes_level_off_and_the_figures_stay() {
    let metrics = metrics_address();
    let settings = [("METRICS_ADDR", metrics.as_str()), ("EVENTS_KEPT_DAYS", "7"), ("GATEWAY_EVENTS_KEPT_DAYS", "20")];
    let mut app = TestApp::with_servers(1, &settings).await;
    let (item, customer) = (app.item(5000).await, app.customer().await);
    for _ in 0..3 {
        customer.order(&[(item, 1)]).await.expect(201);
    }
    // Everything has happened ten days ago. The summaries follow the orders.
    let tables = app.database.client().await;
    let summarized = "SELECT (transaction_id, event_id) = (SELECT transaction_id, id FROM outbox_events \
                      ORDER BY transaction_id DESC, id DESC LIMIT 1) FROM sales_summarized";
    let begin = Instant::now();
    while !tables.query_one(summarized, &[]).await.unwrap().get::<_, bool>(0) {
        assert!(begin.elapsed() < Duration::from_mins(1), "nobody summarizes");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    tables
        .batch_execute(
            "BEGIN; \
             UPDATE outbox_events SET occurred_at = occurred_at - interval '10 days'; \
             UPDATE orders SET status = 'completed', created_at = created_at - interval '10 days', \
               updated_at = updated_at - interval '10 days'; \
             UPDATE sales_by_quarter_hour SET slot = slot - interval '10 days'; \
             UPDATE item_sales_by_hour SET hour = hour - interval '10 days'; \
             UPDATE item_sales_by_day SET day = day - interval '10 days'; \
             INSERT INTO gateway_events (id, received_at, handled_at, body) \
               SELECT 'evt_' || days, now(), now() - days * interval '1 day', '{}' FROM unnest(ARRAY[10, 30]) days; \
             COMMIT",
        )
        .await
        .unwrap();
    // Of two servers, one deletes.
    app.open_another(&settings[1..]);
    let rows = "comanda_rows_deleted_total{table=\"outbox_events\"}";
    let begin = Instant::now();
    while app.database.number("SELECT count(*) FROM outbox_events WHERE kind LIKE 'order.%'").await > 0 {
        assert!(begin.elapsed() < Duration::from_secs(90), "nothing is deleted");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    while app.database.number("SELECT count(*) FROM gateway_events").await > 1 {
        assert!(begin.elapsed() < Duration::from_secs(90), "no gateway event is deleted");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(metric(&metrics, rows).await.is_some(), "it is measured");
    customer.order(&[(item, 1)]).await.expect(201);
    assert_eq!(app.database.number("SELECT sum(orders)::bigint FROM sales_by_quarter_hour").await, 3);
    app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_in_another_database_is_shown_with_what_waits_for_it() {
    let metrics = metrics_address();
    let mut app = TestApp::open().await;
    let (item, customer) = (app.item(10).await, app.customer().await);
    // As a role that sees everybody's sessions.
    let url = app.database.url.clone();
    app.open_another_at(&url, &[("METRICS_ADDR", metrics.as_str())]);
    // A writer, in a database of its own.
    let elsewhere = comanda_tests::TestDatabase::empty().await;
    let foreign = elsewhere.client().await;
    foreign
        .batch_execute("SET application_name = 'month end'; BEGIN; CREATE TABLE figures (); SAVEPOINT nothing")
        .await
        .unwrap();
    let pid: i32 = foreign.query_one("SELECT pg_backend_pid()", &[]).await.unwrap().get(0);
    customer.order(&[(item, 1)]).await.expect(201);

    let begin = Instant::now();
    loop {
        let text = Client::anonymous(&format!("http://{metrics}")).get("/metrics").await.text;
        let held = text.lines().any(|line| {
            line.starts_with("comanda_snapshot_seconds{")
                && line.contains("name=\"month end\"")
                && line.contains(&format!("pid=\"{pid}\""))
                && !line.ends_with(" 0")
        });
        let waits = metric(&metrics, "comanda_sales_figures_lag_seconds").await.is_some_and(|lag| lag > 1.0);
        let oldest = metric(&metrics, "comanda_oldest_snapshot_seconds").await.is_some_and(|age| age >= 5.0);
        let held_up = metric(&metrics, "comanda_event_horizon_seconds").await.is_some_and(|age| age >= 5.0);
        if held && waits && oldest && held_up {
            break;
        }
        assert!(begin.elapsed() < Duration::from_mins(1), "{text}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    foreign.batch_execute("ROLLBACK").await.unwrap();
    let begin = Instant::now();
    while metric(&metrics, "comanda_sales_figures_lag_seconds").await != Some(0.0) {
        assert!(begin.elapsed() < Duration::from_mins(1), "nobody summarizes");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    drop(foreign);
    app.close().await;
}

/// A dump that nobody reads, so that it does not end.
struct StuckDump(Child);

impl StuckDump {
    fn start(url: &str) -> Self {
        Self(pg_dump(url).stdout(Stdio::piped()).spawn().unwrap())
    }
}

impl Drop for StuckDump {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// Waits until a program is shown as the one that holds the oldest snapshot.
async fn until_shown(metrics: &str, program: &str) {
    let begin = Instant::now();
    loop {
        let text = Client::anonymous(&format!("http://{metrics}")).get("/metrics").await.text;
        let is_held = |line: &str| {
            line.starts_with("comanda_snapshot_seconds{")
                && line.contains(&format!("name=\"{program}\""))
                && !line.ends_with(" 0")
        };
        if text.lines().any(is_held) {
            return;
        }
        assert!(begin.elapsed() < Duration::from_mins(1), "{text}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_reader_and_a_dump_are_shown_with_the_rows_that_wait_for_them() {
    let metrics = metrics_address();
    let mut app = TestApp::open().await;
    let (item, customer) = (app.item(10).await, app.customer().await);
    let tables = app.database.client().await;
    // More than the pipe between the dump and its reader holds.
    let large = "CREATE TABLE large AS SELECT repeat(md5(n::text), 30) AS text FROM generate_series(1, 5000) n";
    tables.batch_execute(large).await.unwrap();
    let reader = app.database.client().await;
    let idle = "SET application_name = 'a report'; BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM users";
    reader.batch_execute(idle).await.unwrap();
    customer.order(&[(item, 1)]).await.expect(201);
    let dump = StuckDump::start(&app.database.url);
    let dumps = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                 AND application_name = 'pg_dump' AND backend_xmin IS NOT NULL";
    while app.database.number(dumps).await == 0 {
        tokio::task::yield_now().await;
    }
    let url = app.database.url.clone();
    app.open_another_at(&url, &[("METRICS_ADDR", metrics.as_str())]);
    until_shown(&metrics, "a report").await;
    // It has written nothing, so that sales are summarized; but what was replaced since is kept for it.
    let begin = Instant::now();
    loop {
        let lag = metric(&metrics, "comanda_sales_figures_lag_seconds").await;
        let dead = metric(&metrics, "comanda_dead_rows{table=\"menu_items\"}").await;
        if lag == Some(0.0) && dead.is_some_and(|rows| rows >= 1.0) {
            break;
        }
        assert!(begin.elapsed() < Duration::from_mins(1), "lag {lag:?}, dead rows {dead:?}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    reader.batch_execute("ROLLBACK").await.unwrap();
    customer.order(&[(item, 1)]).await.expect(201);
    until_shown(&metrics, "pg_dump").await;
    drop(dump);
    let begin = Instant::now();
    while metric(&metrics, "comanda_oldest_snapshot_seconds").await.is_none_or(|age| age >= 5.0) {
        assert!(begin.elapsed() < Duration::from_mins(1), "the dump has ended");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    drop((reader, tables));
    app.close().await;
}
