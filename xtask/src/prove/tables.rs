//! The tables at the end, as the checker reads them.

use comanda_proof::{LockoutSettings, Settings, Tables};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio_postgres::{Client, IsolationLevel, Transaction};

use super::plan::Plan;

const ITEMS: &str = "SELECT id, version, revision, price, CASE WHEN counted THEN stock END AS stock, \
                     archived_at IS NOT NULL AS archived FROM menu_items";
const SUPPLIES: &str = "SELECT id, version, revision, stock FROM supplies";
const LEDGER: &str = "SELECT json_build_object('item', menu_item_id) AS of, delta, reason FROM stock_adjustments \
                      UNION ALL SELECT json_build_object('supply', supply_id), delta, reason \
                      FROM supply_adjustments";
const ORDERS: &str = "SELECT o.id, customer_id AS customer, idempotency_key AS key, status, version, total, \
     accepted_on_placement, \
     (SELECT json_agg(json_build_object( \
        'item', menu_item_id, 'quantity', quantity, 'unit_price', unit_price, 'extras', extras, 'counted', counted, \
        'selections', (SELECT coalesce(json_agg(json_build_array(s -> 'o', s -> 'q', s -> 'p') ORDER BY n), '[]') \
                       FROM jsonb_array_elements(selections) WITH ORDINALITY AS chosen (s, n)), \
        'taken', coalesce(taken, '{}')) ORDER BY position) \
      FROM order_lines WHERE order_id = o.id) AS lines \
     FROM orders o";
const PAYMENTS: &str = "SELECT id, order_id AS order, method, status, amount, refunded, paid_at IS NOT NULL AS paid, \
                        intent FROM payments";
const REFUNDS: &str = "SELECT id, payment_id AS payment, amount, status, reason FROM refunds";
const TICKETS: &str = "SELECT id, order_id AS order, state, version, lines FROM kitchen_tickets";
const EVENTS: &str = "SELECT id, kind, subject_id AS subject, subject_version AS version, \
                      coalesce(stream_id, subject_id) AS stream, order_status AS status, \
                      floor(extract(epoch FROM occurred_at) * 1000)::bigint AS time_ms, \
                      transaction_id AS transaction FROM outbox_events";
const DEAD_LETTERS: &str = "SELECT coalesce(json_agg(event_id), '[]') FROM outbox_retries WHERE is_dead";

/// Reads all of them by one snapshot.
pub async fn read(client: &mut Client, now: u64) -> anyhow::Result<Tables> {
    let transaction = client.build_transaction().isolation_level(IsolationLevel::RepeatableRead).read_only(true);
    let snapshot = transaction.start().await?;
    let dead_letters: Value = snapshot.query_one(DEAD_LETTERS, &[]).await?.get(0);
    Ok(Tables {
        read_at: now,
        settings: settings(),
        items: rows(&snapshot, ITEMS).await?,
        supplies: rows(&snapshot, SUPPLIES).await?,
        ledger: rows(&snapshot, LEDGER).await?,
        orders: rows(&snapshot, ORDERS).await?,
        payments: rows(&snapshot, PAYMENTS).await?,
        refunds: rows(&snapshot, REFUNDS).await?,
        tickets: rows(&snapshot, TICKETS).await?,
        events: rows(&snapshot, EVENTS).await?,
        dead_letters: serde_json::from_value(dead_letters)?,
        // The offline one keeps none.
        gateway: None,
    })
}

async fn rows<T: DeserializeOwned>(snapshot: &Transaction<'_>, sql: &str) -> anyhow::Result<Vec<T>> {
    let sql = format!("SELECT row_to_json(r) FROM ({sql}) r");
    let rows = snapshot.query(&sql, &[]).await?;
    rows.iter().map(|row| Ok(serde_json::from_value(row.get::<_, Value>(0))?)).collect()
}

fn settings() -> Settings {
    let lockout = LockoutSettings {
        window_s: Plan::LOCKOUT_WINDOW_S,
        steps_s: Plan::LOCKOUT_STEPS_S,
        ..LockoutSettings::default()
    };
    let receivers = vec![super::RECEIVER.to_owned()];
    Settings { lockout, receivers, ..Settings::default() }
}
