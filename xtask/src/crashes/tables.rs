//! What the tables say after a crash, before any server has reached them.

use std::collections::{HashMap, HashSet};

use anyhow::Context;
use tokio_postgres::Client;
use uuid::Uuid;

use super::seen::News;

/// What is wrong in the tables.
#[derive(Default)]
pub struct Wrong {
    /// Confirmed orders that are missing or differ, and confirmed changes that are missing.
    pub lost: Vec<String>,
    /// What was announced and is not there.
    pub announced: Vec<String>,
}

/// In the form that the API has for moments.
macro_rules! moment {
    ($column:literal) => {
        concat!("to_char(", $column, " AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')")
    };
}

/// Orders that are missing, or differ from what was confirmed.
pub async fn lost_orders(client: &Client, confirmed: &HashMap<Uuid, String>) -> anyhow::Result<Vec<String>> {
    let ids: Vec<Uuid> = confirmed.keys().copied().collect();
    let sql = concat!(
        "SELECT o.id, concat_ws(' ', o.customer_id, o.total, ",
        moment!("o.created_at"),
        ", o.line_count, \
           string_agg(concat(l.menu_item_id, '*', l.quantity, '=', l.quantity * (l.unit_price + l.extras), \
             (SELECT string_agg('+' || (s.value ->> 'o'), '' ORDER BY s.ordinality) \
              FROM jsonb_array_elements(l.selections) WITH ORDINALITY s)), ' ' ORDER BY l.position)) \
         FROM orders o JOIN order_lines l ON l.order_id = o.id WHERE o.id = ANY($1) GROUP BY o.id"
    );
    let there: HashMap<Uuid, String> =
        client.query(sql, &[&ids]).await?.iter().map(|row| (row.get(0), row.get(1))).collect();
    let differs = confirmed.iter().filter_map(|(id, text)| match there.get(id) {
        None => Some(format!("order {id} is missing")),
        Some(other) if other != text => Some(format!("order {id} was confirmed as {text} and is {other}")),
        Some(_) => None,
    });
    Ok(differs.collect())
}

/// Compares the news with the tables. The menu must still be of the same epoch.
pub async fn wrong(client: &Client, news: &News, epoch: Uuid) -> anyhow::Result<Wrong> {
    let mut wrong = Wrong { lost: lost_orders(client, &news.confirmed).await?, ..Wrong::default() };

    let reasons: Vec<&String> = news.adjustments.iter().collect();
    let sql = "SELECT r FROM unnest($1::text[]) r WHERE NOT EXISTS (SELECT FROM stock_adjustments WHERE reason = r)";
    let missing = client.query(sql, &[&reasons]).await?;
    wrong.lost.extend(missing.iter().map(|row| format!("the stock adjustment {} is missing", row.get::<_, &str>(0))));

    let ids: Vec<Uuid> = news.statuses.keys().map(|(id, _)| *id).collect();
    let rows = client.query("SELECT id, version, status FROM orders WHERE id = ANY($1)", &[&ids]).await?;
    let there: HashMap<Uuid, (i32, String)> = rows.iter().map(|row| (row.get(0), (row.get(1), row.get(2)))).collect();
    for ((id, version), status) in &news.statuses {
        match there.get(id) {
            Some((now, _)) if now > version => {}
            Some((now, same)) if (now, same) == (version, status) => {}
            other => wrong.announced.push(format!("order {id} was {status} at version {version}, and is {other:?}")),
        }
    }

    let subjects: Vec<Uuid> = news.subjects.iter().copied().collect();
    let sql = concat!(
        "SELECT concat_ws(' ', kind, subject_id, CASE WHEN kind LIKE 'order.%' THEN subject_version END, ",
        moment!("occurred_at"),
        ") FROM outbox_events WHERE subject_id = ANY($1)"
    );
    let there: HashSet<String> = client.query(sql, &[&subjects]).await?.iter().map(|row| row.get(0)).collect();
    let missing = news.events.difference(&there).map(|event| format!("the event {event} is not in the outbox"));
    wrong.announced.extend(missing);

    wrong.announced.extend(wrong_menu(client, news, epoch).await?);
    Ok(wrong)
}

async fn wrong_menu(client: &Client, news: &News, epoch: Uuid) -> anyhow::Result<Option<String>> {
    let Some((seen, text)) = &news.menu else { return Ok(None) };
    let (version, now) = menu_version(client).await?;
    if now != epoch {
        return Ok(Some(format!("the menu's epoch was {epoch} and is {now}")));
    }
    if version < *seen {
        return Ok(Some(format!("version {seen} of the menu was shown, and it is at {version}")));
    }
    let sql = "SELECT coalesce(string_agg(concat_ws(' ', id, CASE WHEN stock = 0 THEN 'sold_out' \
                 WHEN stock <= low_stock_at THEN 'low' ELSE 'in_stock' END, revision), ', ' ORDER BY id), '') \
               FROM menu_items WHERE active AND archived_at IS NULL";
    let menu: String = client.query_one(sql, &[]).await?.get(0);
    let same = version > *seen || menu == *text;
    Ok((!same).then(|| format!("version {seen} of the menu was shown as\n{text}\nand is\n{menu}")))
}

/// The menu's version and epoch.
pub async fn menu_version(client: &Client) -> anyhow::Result<(u64, Uuid)> {
    let row = client.query_one("SELECT version, epoch FROM menu_version", &[]).await?;
    Ok((u64::try_from(row.get::<_, i64>(0)).context("the menu's version")?, row.get(1)))
}
