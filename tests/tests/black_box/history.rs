//! What servers do by themselves costs the same however much has happened before.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use comanda_tests::{Client, EventSink, TestApp};
use serde_json::Value;

/// How many rows each table gets.
const ROWS: i64 = 30_000;

/// Far more than a few rounds of the workers read by index, and far less than a table's rows.
const FEW: i64 = 2_000;

/// Twenty days in which everything went well: orders were paid and completed, their events delivered and summarized,
/// and the gateway's events handled; and sessions, keys and mails that are not old enough to be deleted. Only the mail
/// server was gone: all events wait for it.
pub(crate) const FILL: &str = "
    SET session_replication_role = replica;
    CREATE TEMP TABLE past AS
        SELECT n, gen_random_uuid() AS id, gen_random_uuid() AS payment, now() - interval '20 days' + n * interval '57 s' AS at,
               (SELECT id FROM users WHERE role = 'customer' LIMIT 1) AS customer, (SELECT id FROM menu_items LIMIT 1) AS item
        FROM generate_series(1, {rows}) n;
    INSERT INTO orders (id, customer_id, total, created_at, updated_at, line_count, version, status)
        SELECT id, customer, 990, at, at, 1, 1, 'completed' FROM past;
    INSERT INTO order_lines (order_id, menu_item_id, unit_price, quantity, position, name)
        SELECT id, item, 990, 1, 0, 'Carbonara' FROM past;
    INSERT INTO payments (id, order_id, amount, begun_at, updated_at, expires_at, paid_at, method, status, intent)
        SELECT payment, id, 990, at, at, at + interval '15 minutes', at, 'card', 'succeeded', 'pi_' || n FROM past;
    INSERT INTO refunds (id, payment_id, amount, created_at, settled_at, status, reason)
        SELECT gen_random_uuid(), payment, 1, at, at, 'succeeded', 'a test' FROM past;
    INSERT INTO outbox_events (kind, subject_id, subject_version, occurred_at) SELECT 'order.placed', id, 1, at FROM past;
    INSERT INTO outbox_retries (subscriber, event_id, stream_id, attempts, next_at, is_dead, last_error)
        SELECT 'mail', v.id, v.subject_id, 1, now() + interval '1 hour', v.id % 100 = 0, 'a test'
        FROM outbox_events v JOIN past ON past.id = v.subject_id;
    INSERT INTO gateway_events (id, received_at, handled_at, body, reader) SELECT 'evt_' || n, at, at, '{}', 1 FROM past;
    INSERT INTO audit_log (happened_at, action, target) SELECT at, 'order.cancelled', id::text FROM past;
    INSERT INTO stock_adjustments (menu_item_id, adjusted_at, delta, reason) SELECT item, at, 1, 'a test' FROM past;
    UPDATE menu_items SET version = version + 1;
    INSERT INTO idempotency_keys (caller_id, order_id, request_fingerprint, recorded_at, key)
        SELECT customer, id, id, now(), 'key ' || n FROM past;
    INSERT INTO sessions (id, account_id, opened_at, expires_at)
        SELECT id, customer, at, now() + interval '10 days' FROM past;
    INSERT INTO refresh_tokens (hash, session_id, issued_at) SELECT sha256(id::text::bytea), id, at FROM past;
    INSERT INTO mails (kind, email, mailbox, created_at, counted_at, counted_as)
        SELECT 'order', 'a@example.org', 'a@example.org', now(), now(), 'order' FROM past;
    INSERT INTO mail_tokens (hash, purpose, account_id, email, expires_at, credentials_version)
        SELECT sha256(id::text::bytea), 'verification', customer, 'a@example.org', now() + interval '1 day', 1 FROM past;
    UPDATE sales_summarized SET (transaction_id, event_id) =
        (SELECT transaction_id, id FROM outbox_events ORDER BY transaction_id DESC, id DESC LIMIT 1);
    RESET session_replication_role;
";

/// How many rows of each table were read so far: one after the other, and by index.
async fn rows_read(app: &TestApp) -> BTreeMap<String, (i64, i64)> {
    let sql = "SELECT t.relname::text, t.seq_tup_read, \
                      coalesce((SELECT sum(idx_tup_read) FROM pg_stat_user_indexes i WHERE i.relid = t.relid), 0)::bigint \
               FROM pg_stat_user_tables t";
    let rows = app.database.client().await.query(sql, &[]).await.unwrap();
    rows.iter().map(|row| (row.get(0), (row.get(1), row.get(2)))).collect()
}

/// When each worker last succeeded.
async fn successes(base_url: &str) -> BTreeMap<String, Value> {
    let health = Client::anonymous(base_url).get("/health/ready").await.expect(200);
    let worker = |worker: &Value| (worker["name"].as_str().unwrap().to_owned(), worker["last_success_at"].clone());
    health["workers"].as_array().unwrap().iter().map(worker).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cost_of_background_work_is_flat_in_history() {
    let sink = EventSink::open().await;
    let mut app = TestApp::open().await;
    app.item(10).await;
    app.customer().await;
    // One server less, so that nobody but the one that is measured reads.
    app.servers.drain(..).for_each(|server| assert!(server.stop().success()));
    let tables = app.database.client().await;
    tables.batch_execute(&FILL.replace("{rows}", &ROWS.to_string())).await.unwrap();
    tables.batch_execute("VACUUM ANALYZE").await.unwrap();
    drop(tables);
    let before = rows_read(&app).await;

    let base_url = app.open_another(&[
        ("MODE", "development"),
        ("PAYMENT_GATEWAY", "offline"),
        ("WEBHOOK_URLS", sink.url.as_str()),
        ("WEBHOOK_SECRET", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
        ("WEBHOOK_ALLOWED_NETWORKS", "127.0.0.0/8"),
        ("MAIL_URL", "smtp://127.0.0.1:1"),
        ("MAIL_FROM", "shop@example.org"),
    ]);
    // Every worker has done a round, and those that work every few seconds more than one.
    let begin = Instant::now();
    let waiting_for_work = ["commit_orders", "listen_for_menu_notifications"];
    let mut first = Value::Null;
    loop {
        let successes = successes(&base_url).await;
        let idle = successes.iter().filter(|(_, at)| at.is_null()).map(|(name, _)| name.as_str());
        let rest: Vec<&str> =
            idle.filter(|name| !waiting_for_work.contains(name) && !name.starts_with("hash_passwords")).collect();
        if rest.is_empty() {
            let last = &successes["measure_snapshots"];
            if first.is_null() {
                first = last.clone();
            } else if first != *last {
                break;
            }
        }
        assert!(begin.elapsed() < Duration::from_mins(1), "they have done nothing: {rest:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    // What a connection has read is known once it is closed.
    app.servers.drain(..).for_each(|server| assert!(server.stop().success()));
    while app
        .database
        .number(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'comanda%' \
                               AND datname = current_database()",
        )
        .await
        > 0
    {
        tokio::task::yield_now().await;
    }
    let mut much = Vec::new();
    for (table, (sequentially, by_index)) in rows_read(&app).await {
        let (seq_before, index_before) = before.get(&table).copied().unwrap_or_default();
        let read = (sequentially - seq_before, by_index - index_before);
        if read.0 + read.1 > FEW {
            much.push((table, read));
        }
    }
    assert!(much.is_empty(), "tables of which much was read, sequentially and by index: {much:?}");
}
