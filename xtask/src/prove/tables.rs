//! The tables at the end, as the checker reads them.

use std::{fs, path::Path, time::Duration};

use anyhow::{Context, ensure};
use comanda_proof::{Folder, History, LockoutSettings, Settings, Tables};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio_postgres::{Client, IsolationLevel, Transaction};

use super::{plan::Plan, settle::settle};
use crate::faults::strike::connect;

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

/// How soon a stream shows what has happened.
pub const SHOWN_WITHIN: Duration = Duration::from_secs(3);

/// Reads them from a deployment whose history somebody else has recorded, once everything there has come to rest, and
/// puts them beside that history.
pub async fn add_to(folder: &Path, database_url: &str) -> anyhow::Result<()> {
    let mut client = connect(database_url).await.context("cannot connect to PostgreSQL")?;
    client.batch_execute("SET default_transaction_read_only = on").await?;
    let left = settle(&client).await?;
    ensure!(left.is_empty(), "it does not come to rest: there are {}", left.join(", "));
    tokio::time::sleep(SHOWN_WITHIN).await;
    let mut tables = read(&mut client, 0, Settings::default()).await?;
    let mut lines = 0_u64;
    // Nobody knows by the history's clock when they were read: after all that was recorded.
    Folder::at(folder).read(&mut |record| {
        lines += 1;
        tables.read_at = tables.read_at.max(record.end);
    })?;
    let path = folder.join(Folder::TABLES);
    fs::write(&path, serde_json::to_string(&tables)?).with_context(|| format!("cannot write {}", path.display()))?;
    println!("{}: {} orders, beside {lines} lines of history", path.display(), tables.orders.len());
    Ok(())
}

/// Reads all of them by one snapshot.
pub async fn read(client: &mut Client, now: u64, settings: Settings) -> anyhow::Result<Tables> {
    let transaction = client.build_transaction().isolation_level(IsolationLevel::RepeatableRead).read_only(true);
    let snapshot = transaction.start().await?;
    let dead_letters: Value = snapshot.query_one(DEAD_LETTERS, &[]).await?.get(0);
    Ok(Tables {
        read_at: now,
        settings,
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

/// What the servers of a run were told.
pub fn settings_of_run() -> Settings {
    let lockout = LockoutSettings {
        window_s: Plan::LOCKOUT_WINDOW_S,
        steps_s: Plan::LOCKOUT_STEPS_S,
        ..LockoutSettings::default()
    };
    let receivers = vec![super::RECEIVER.to_owned()];
    Settings { lockout, receivers, ..Settings::default() }
}
