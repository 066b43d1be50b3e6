//! What is of no use any more is deleted, by one server at a time; and what keeps PostgreSQL from cleaning up is shown.

use std::time::{Duration, Instant};

use comanda_tests::{Client, TestApp};

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
        let waits = metric(&metrics, "comanda_sales_summary_lag_seconds").await.is_some_and(|lag| lag > 1.0);
        let oldest = metric(&metrics, "comanda_oldest_snapshot_seconds").await.is_some_and(|age| age >= 5.0);
        if held && waits && oldest {
            break;
        }
        assert!(begin.elapsed() < Duration::from_mins(1), "{text}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    foreign.batch_execute("ROLLBACK").await.unwrap();
    let begin = Instant::now();
    while metric(&metrics, "comanda_sales_summary_lag_seconds").await != Some(0.0) {
        assert!(begin.elapsed() < Duration::from_mins(1), "nobody summarizes");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    drop(foreign);
    app.close().await;
}
