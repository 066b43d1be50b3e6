use chrono::{DateTime, Utc};
use comanda_domain::{
    OrderId, OrderWithLines, StreamPosition,
    ports::{PlacedUpdate, Unavailable, Update, Updates, Watched},
};
use diesel::{
    QueryableByName, sql_query,
    sql_types::{Array, BigInt, Bool, Integer, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::here::Here;
use crate::{
    database::{Database, NamedRows, StoredTime, flush_what_was_read},
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
    let here = Here::find(&mut connection).await.map_err(Unavailable::new)?;
    let nothing = Updates { updates: Vec::new(), reached: here.position(), more: false };
    if from.history != here.history {
        return Ok(nothing);
    }
    if from.place() >= (here.ended_before, 0) {
        return Ok(Updates { reached: from, ..nothing });
    }
    let mut rows = read(&mut connection, &here, &from, &watched, limit).await.map_err(Unavailable::new)?;
    let last = rows.iter().position(|row| row.is_last).map(|at| rows.swap_remove(at));
    rows.sort_unstable_by_key(|row| (row.transaction_id, row.id));
    let updates = updates(&connection, database, rows).await?;
    if !updates.is_empty() {
        // What a crash can still undo is not announced.
        flush_what_was_read(&connection).await.map_err(Unavailable::new)?;
    }
    let (transaction, event) = last.as_ref().map_or((here.ended_before, 0), |last| (last.transaction_id, last.id));
    Ok(Updates { updates, reached: from.after(transaction, event, here.now), more: last.is_some() })
}

/// Of the next events, those of what is watched, and the last if there may be more.
async fn read(
    connection: &mut AsyncPgConnection,
    here: &Here,
    from: &StreamPosition,
    watched: &Watched,
    limit: u32,
) -> diesel::QueryResult<Vec<EventRow>> {
    let orders: Vec<Uuid> = watched.orders.iter().map(|id| id.as_uuid()).collect();
    sql_query(
        "WITH next AS MATERIALIZED (\
           SELECT transaction_id, id, kind, subject_id, subject_version, occurred_at FROM outbox_events \
           WHERE (transaction_id, id) > ($1, $2) AND transaction_id < $3 AND id > $4 \
           ORDER BY transaction_id, id LIMIT $5) \
         SELECT transaction_id, id, subject_id, subject_version, occurred_at, false AS is_last FROM next \
         WHERE kind IN ('order.placed', 'order.status_changed') AND subject_id = ANY ($6) \
         UNION ALL (\
           SELECT transaction_id, id, subject_id, subject_version, occurred_at, true FROM next \
           ORDER BY transaction_id, id OFFSET $5 - 1)",
    )
    .bind::<BigInt, _>(from.transaction)
    .bind::<BigInt, _>(from.event)
    .bind::<BigInt, _>(here.ended_before)
    .bind::<BigInt, _>(here.after_event)
    .bind::<BigInt, _>(i64::from(limit))
    .bind::<Array<SqlUuid>, _>(orders)
    .load(connection)
    .rows("live.next")
    .await
}

/// What cannot be read is logged, and left out.
async fn updates(
    connection: &AsyncPgConnection,
    database: &Database,
    rows: Vec<EventRow>,
) -> Result<Vec<PlacedUpdate>, Unavailable> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let mut ids: Vec<OrderId> = rows.iter().map(|row| OrderId::new(row.subject_id)).collect();
    ids.sort_unstable();
    ids.dedup();
    let orders = load(connection, database.currency(), &ids).await?;
    let update = |row: EventRow| {
        let OrderWithLines { order, lines } = orders.get(&OrderId::new(row.subject_id))?.as_ref().ok()?;
        let version = u32::try_from(row.subject_version).ok()?;
        let then = OrderWithLines { order: order.as_of(version, row.occurred_at), lines: lines.clone() };
        Some(PlacedUpdate { transaction: row.transaction_id, event: row.id, update: Update::Order(then) })
    };
    Ok(rows.into_iter().filter_map(update).collect())
}
