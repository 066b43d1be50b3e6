use std::time::{Duration, Instant};

use tokio_postgres::Client;

/// What is still to be done, in words; each with a query that says whether there is any of it.
const DUE: [(&str, &str); 6] = [
    (
        "events to deliver",
        "SELECT EXISTS (SELECT FROM outbox_events v, outbox_subscribers s \
         WHERE (v.transaction_id, v.id) > (s.transaction_id, s.event_id))",
    ),
    ("events to deliver again", "SELECT EXISTS (SELECT FROM outbox_retries WHERE NOT is_dead)"),
    ("gateway events to handle", "SELECT EXISTS (SELECT FROM gateway_events WHERE handled_at IS NULL)"),
    ("refunds to make", "SELECT EXISTS (SELECT FROM refunds WHERE status = 'pending')"),
    ("payments to call off", "SELECT EXISTS (SELECT FROM payments WHERE call_off)"),
    (
        "transactions in progress",
        "SELECT EXISTS (SELECT FROM pg_stat_activity \
         WHERE application_name LIKE 'comanda%' AND xact_start < now() - interval '2 seconds')",
    ),
];

/// Longer than a server's claim to something lasts that it was about when it died.
const PATIENCE: Duration = Duration::from_secs(100);

/// Waits until nothing is to be done any more. Returns what still is when patience ends.
pub async fn settle(client: &Client) -> anyhow::Result<Vec<&'static str>> {
    let begin = Instant::now();
    loop {
        let mut left = Vec::new();
        for (what, sql) in DUE {
            if client.query_one(sql, &[]).await?.get(0) {
                left.push(what);
            }
        }
        if left.is_empty() || begin.elapsed() > PATIENCE {
            return Ok(left);
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
