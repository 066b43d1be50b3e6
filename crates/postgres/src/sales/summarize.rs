use comanda_domain::ports::Unavailable;
use diesel::{
    OptionalExtension, QueryDsl, QueryResult, QueryableByName,
    dsl::sql,
    sql_query,
    sql_types::{BigInt, Bool},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};

use crate::database::{Database, Failure, Named, schema::sales_summarized};

/// The most events in one transaction, well within its time limit.
const BATCH: i64 = 20_000;

/// Summarizes all events that there are, unless another server is doing so.
pub(super) async fn catch_up(database: &Database) -> Result<(), Unavailable> {
    while there_is_more(database).await? {
        if database.transaction(async |connection| summarize(connection).await).await? < BATCH {
            break;
        }
    }
    Ok(())
}

/// Says whether there may be events to summarize, so that an idle shop's database is left in peace. It looks for the
/// first such event by index; a mere `EXISTS` would read all events that there are to find none.
async fn there_is_more(database: &Database) -> Result<bool, Unavailable> {
    let mut connection = database.connection().await?;
    sales_summarized::table
        .select(sql::<Bool>(
            "(SELECT true FROM outbox_events v \
              WHERE (v.transaction_id, v.id) > (sales_summarized.transaction_id, sales_summarized.event_id) \
              ORDER BY v.transaction_id, v.id LIMIT 1) IS NOT NULL \
             OR sales_summarized.transaction_id > pg_snapshot_xmax(pg_current_snapshot())::text::bigint",
        ))
        .get_result(&mut *connection)
        .one("sales.look")
        .await
        .map_err(Unavailable::new)
}

#[derive(QueryableByName)]
struct Summarized {
    #[diesel(sql_type = BigInt)]
    events: i64,
}

/// Summarizes one batch of events, and says how many there were.
async fn summarize(connection: &mut AsyncPgConnection) -> Result<i64, Failure<Unavailable>> {
    // However far behind the summaries are, each batch is read by index.
    connection.batch_execute("SET LOCAL enable_seqscan = off; SET LOCAL jit = off").await?;
    // A statement of its own, so that the next one's snapshot is younger than the lock.
    let locked: Option<(i64, i64)> = sales_summarized::table
        .select((sales_summarized::transaction_id, sales_summarized::event_id))
        .for_update()
        .skip_locked()
        .first(connection)
        .one("sales.lock")
        .await
        .optional()?;
    let Some((transaction_id, event_id)) = locked else { return Ok(0) };
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

/// A dump carries the numbers of transactions with it, and a new cluster counts transactions from the beginning.
async fn began_again(connection: &mut AsyncPgConnection, summarized: i64) -> QueryResult<bool> {
    let next: i64 = diesel::select(sql::<BigInt>("pg_snapshot_xmax(pg_current_snapshot())::text::bigint"))
        .get_result(connection)
        .one("sales.look")
        .await?;
    Ok(summarized > next)
}
