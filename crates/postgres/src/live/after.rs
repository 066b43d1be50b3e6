use std::collections::HashMap;

use chrono::{DateTime, Utc};
use comanda_domain::{
    Currency, OrderId, OrderStatus, OrderWithLines, StreamPosition, TicketId,
    ports::{PlacedUpdate, Unavailable, Update, Updates, Watched},
};
use diesel::{
    QueryableByName, sql_query,
    sql_types::{Array, BigInt, Bool, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::here::Here;
use crate::{
    database::{Database, Failure, NamedRows, StoredTime, flush_what_was_read_before},
    kitchen::tickets_on,
    orders::load,
};

#[derive(QueryableByName)]
struct EventRow {
    #[diesel(sql_type = BigInt)]
    transaction_id: i64,
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = SqlUuid)]
    subject_id: Uuid,
    #[diesel(sql_type = Integer)]
    subject_version: i32,
    #[diesel(sql_type = Timestamptz, deserialize_as = StoredTime)]
    occurred_at: DateTime<Utc>,
    #[diesel(sql_type = Bool)]
    is_of_ticket: bool,
    /// Of an order: its status after the event, if it is said.
    #[diesel(sql_type = Nullable<Text>)]
    order_status: Option<String>,
    /// It says how far was looked, and nothing else.
    #[diesel(sql_type = Bool)]
    is_last: bool,
}

pub(super) async fn after(
    database: &Database,
    from: StreamPosition,
    watched: Watched,
    limit: u32,
) -> Result<Updates, Unavailable> {
    let mut connection = database.read_connection().await?;
    let currency = database.currency();
    // In one snapshot. If the time is up, the connection is not used again: a statement may still run on it.
    let (updates, log_place) = (*connection)
        .build_transaction()
        .read_only()
        .repeatable_read()
        .run::<_, Failure<Unavailable>, _>(async move |connection: &mut AsyncPgConnection| {
            let here = Here::find(connection).await?;
            let nothing = Updates { updates: Vec::new(), reached: here.position(), more: false };
            if from.history != here.history {
                return Ok((nothing, None));
            }
            if from.place() >= (here.ended_before, 0) {
                return Ok((Updates { reached: from, ..nothing }, None));
            }
            let mut rows = read(connection, &here, &from, &watched, limit).await?;
            let last = rows.iter().position(|row| row.is_last).map(|at| rows.swap_remove(at));
            rows.sort_unstable_by_key(|row| (row.transaction_id, row.id));
            #[cfg(feature = "planted")]
            rows.retain(|row| !crate::planted::is_lost(row.id));
            let updates = updates(connection, currency, rows).await?;
            let (transaction, event) =
                last.as_ref().map_or((here.ended_before, 0), |last| (last.transaction_id, last.id));
            let reached = from.after(transaction, event, here.now);
            Ok((Updates { updates, reached, more: last.is_some() }, Some(here.log_place)))
        })
        .await
        .map_err(|failure| failure.0)?;
    // What a crash can still undo is not announced, nor is a position that it takes back: other transactions would get
    // these numbers.
    if let Some(log_place) = log_place {
        flush_what_was_read_before(&connection, &log_place).await.map_err(Unavailable::new)?;
    }
    Ok(updates)
}

/// Of the next events, those of what is watched, and the last if there may be more. They are sorted only then.
async fn read(
    connection: &mut AsyncPgConnection,
    here: &Here,
    from: &StreamPosition,
    watched: &Watched,
    limit: u32,
) -> diesel::QueryResult<Vec<EventRow>> {
    const COLUMNS: &str =
        "transaction_id, id, subject_id, subject_version, occurred_at, kind = 'ticket.changed' AS is_of_ticket";
    // Servers of the release before did not say how an order began.
    const STATUS: &str = "CASE kind WHEN 'order.placed' \
        THEN (SELECT 'accepted' FROM orders o WHERE o.id = subject_id AND o.accepted_on_placement) \
        ELSE order_status END";

    let orders: Vec<Uuid> = watched.orders.iter().map(|id| id.as_uuid()).collect();
    sql_query(format!(
        "WITH next AS MATERIALIZED (\
           SELECT transaction_id, id, kind, subject_id, subject_version, occurred_at, order_status FROM outbox_events \
           WHERE (transaction_id, id) > ($1, $2) AND transaction_id < $3 AND id > $4 \
           ORDER BY transaction_id, id LIMIT $5) \
         SELECT {COLUMNS}, {STATUS} AS order_status, false AS is_last FROM next \
         WHERE kind IN ('order.placed', 'order.status_changed') AND subject_id = ANY ($6) \
            OR kind = 'ticket.changed' AND $7 \
         UNION ALL (\
           SELECT {COLUMNS}, NULL, true FROM next WHERE (SELECT count(*) FROM next) >= $5 \
           ORDER BY transaction_id DESC, id DESC LIMIT 1)"
    ))
    .bind::<BigInt, _>(from.transaction)
    .bind::<BigInt, _>(from.event)
    .bind::<BigInt, _>(here.ended_before)
    .bind::<BigInt, _>(here.after_event)
    .bind::<BigInt, _>(i64::from(limit))
    .bind::<Array<SqlUuid>, _>(orders)
    .bind::<Bool, _>(watched.tickets)
    .load(connection)
    .rows("live.next")
    .await
}

/// What cannot be read is logged, and left out.
async fn updates(
    connection: &AsyncPgConnection,
    currency: Currency,
    rows: Vec<EventRow>,
) -> Result<Vec<PlacedUpdate>, Unavailable> {
    let (mut orders, mut tickets) = (Vec::new(), Vec::new());
    for row in &rows {
        let ids = if row.is_of_ticket { &mut tickets } else { &mut orders };
        ids.push(row.subject_id);
    }
    let orders = match distinct(orders, OrderId::new) {
        ids if ids.is_empty() => HashMap::new(),
        ids => load(connection, currency, &ids).await?,
    };
    let tickets = match distinct(tickets, TicketId::new) {
        ids if ids.is_empty() => HashMap::new(),
        ids => tickets_on(connection, currency, &ids).await?,
    };
    let update = |row: EventRow| {
        let version = u32::try_from(row.subject_version).ok()?;
        let update = if row.is_of_ticket {
            let ticket = tickets.get(&TicketId::new(row.subject_id))?.as_ref().ok()?;
            // An event does not say what the ticket was. A later one tells of a later version.
            Update::Ticket((ticket.version == version).then(|| ticket.clone())?)
        } else {
            let OrderWithLines { order, lines } = orders.get(&OrderId::new(row.subject_id))?.as_ref().ok()?;
            let status = row.order_status.and_then(|status| status.parse::<OrderStatus>().ok());
            let order = order.as_of(version, status, row.occurred_at);
            Update::Order(OrderWithLines { order, lines: lines.clone() })
        };
        Some(PlacedUpdate { transaction: row.transaction_id, event: row.id, update })
    };
    Ok(rows.into_iter().filter_map(update).collect())
}

fn distinct<T>(mut ids: Vec<Uuid>, of: impl Fn(Uuid) -> T) -> Vec<T> {
    ids.sort_unstable();
    ids.dedup();
    ids.into_iter().map(of).collect()
}
