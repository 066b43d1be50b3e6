use std::time::Duration;

use comanda_domain::ports::Unavailable;
use diesel::{
    OptionalExtension, QueryDsl, QueryableByName, sql_query,
    sql_types::{BigInt, Bool},
};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};

use crate::{
    Database,
    database::{Failure, Named, schema::sales_summarized, spawn_transaction},
};

/// How often. Reports are exact whenever they are made; the longer the pause, the more orders share the work, and the more a report has
/// to read beside the summaries.
const PAUSE: Duration = Duration::from_secs(5);

/// The most events in one transaction: well within its time limit.
const BATCH: i64 = 20_000;

pub(super) async fn keep_summarizing(database: Database) {
    loop {
        if let Err(error) = catch_up(&database).await {
            tracing::warn!(%error, "sales are not summarized; reports read them from the orders meanwhile");
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Summarizes what there is, unless another server is at it.
pub(super) async fn catch_up(database: &Database) -> Result<(), Unavailable> {
    while there_is_more(database).await? {
        let own = database.clone();
        let batch = spawn_transaction(database, async move {
            let mut connection = own.connection().await?;
            connection
                .transaction::<_, Failure<Unavailable>, _>(async |connection| summarize(connection).await)
                .await
                .map_err(|failure| failure.0)
        });
        if batch.await? < BATCH {
            break;
        }
    }
    Ok(())
}

/// Whether there may be: an idle shop's database is left in peace. The first by index, since a mere `EXISTS` reads all events there are to find
/// none.
async fn there_is_more(database: &Database) -> Result<bool, Unavailable> {
    let mut connection = database.connection().await?;
    let more: More = sql_query(
        "SELECT (SELECT true FROM outbox_events v \
         WHERE (v.transaction_id, v.id) > (s.transaction_id, s.event_id) \
         ORDER BY v.transaction_id, v.id LIMIT 1) IS NOT NULL \
         OR s.transaction_id > pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS more FROM sales_summarized s",
    )
    .get_result(&mut *connection)
    .one("sales.look")
    .await
    .map_err(Unavailable::new)?;
    Ok(more.more)
}

#[derive(QueryableByName)]
struct More {
    #[diesel(sql_type = Bool)]
    more: bool,
}

#[derive(QueryableByName)]
struct Summarized {
    #[diesel(sql_type = BigInt)]
    events: i64,
}

/// One batch of events; says how many there were.
async fn summarize(connection: &mut AsyncPgConnection) -> Result<i64, Failure<Unavailable>> {
    // However far behind it is, it takes a batch after the other by index.
    connection.batch_execute("SET LOCAL enable_seqscan = off; SET LOCAL jit = off").await?;
    // A statement of its own, so that the next one's snapshot is younger than the lock.
    let mine: Option<(i64, i64)> = sales_summarized::table
        .select((sales_summarized::transaction_id, sales_summarized::event_id))
        .for_update()
        .skip_locked()
        .first(connection)
        .one("sales.lock")
        .await
        .optional()?;
    let Some((transaction_id, event_id)) = mine else { return Ok(0) };
    if began_again(connection, transaction_id).await? {
        tracing::warn!("this database was restored from a dump: sales are summarized anew");
        connection.batch_execute(include_str!("start_anew.sql")).await?;
        return Ok(BATCH);
    }
    let summarized: Summarized = sql_query(include_str!("summarize.sql"))
        .bind::<BigInt, _>(transaction_id)
        .bind::<BigInt, _>(event_id)
        .bind::<BigInt, _>(BATCH)
        .get_result(connection)
        .one("sales.summarize")
        .await?;
    Ok(summarized.events)
}

/// A dump carries the numbers of transactions with it, and a new cluster counts them from the beginning.
async fn began_again(connection: &mut AsyncPgConnection, summarized: i64) -> Result<bool, Failure<Unavailable>> {
    let next: Summarized = sql_query("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS events")
        .get_result(connection)
        .one("sales.look")
        .await?;
    Ok(summarized > next.events)
}
