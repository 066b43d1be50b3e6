use comanda_domain::ports::Unavailable;
use diesel::{
    OptionalExtension, QueryResult, QueryableByName, sql_query,
    sql_types::{BigInt, Bool, Integer},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};

use crate::database::{Database, Failure, Named, PLACE_COLUMNS, PLACE_JOINS, Place, follow_history};

/// The most events in one transaction, well within its time limit.
const BATCH: i64 = 20_000;

/// However far behind the summaries are, each batch is read by index. A server of the release before does not say that
/// it counts choices: a trigger, `choices_are_summarized`, lets it summarize no order that has some.
const SETTINGS: &str = "SET LOCAL enable_seqscan = off; SET LOCAL comanda.counts_choices = 'on'";

/// Summarizes all events that there are, unless another server is doing so. However many there are, no transaction
/// takes longer than a batch.
pub(super) async fn catch_up(database: &Database) -> Result<(), Unavailable> {
    while there_is_more(database).await? {
        if !database.transaction(async |connection| summarize(connection).await).await? {
            break;
        }
    }
    Ok(())
}

#[derive(QueryableByName)]
struct Backlog {
    #[diesel(sql_type = Bool)]
    exists: bool,
}

/// Says whether there may be events to summarize, so that an idle shop's database is left in peace. It looks for the
/// first such event by index; a mere `EXISTS` would read all events that there are to find none.
async fn there_is_more(database: &Database) -> Result<bool, Unavailable> {
    let mut connection = database.connection().await?;
    follow_history(&mut connection).await.map_err(Unavailable::new)?;
    let backlog: Backlog = sql_query(format!(
        "SELECT next_history IS NOT NULL \
             OR (SELECT true FROM outbox_events v \
                 WHERE (v.transaction_id, v.id) > (place.transaction_id, place.event_id) \
                   AND v.transaction_id < begun_before AND v.id > after_event \
                 ORDER BY v.transaction_id, v.id LIMIT 1) IS NOT NULL AS exists \
         FROM (SELECT {PLACE_COLUMNS} FROM sales_summarized p {PLACE_JOINS}) place"
    ))
    .get_result(&mut *connection)
    .one("sales.look")
    .await
    .map_err(Unavailable::new)?;
    Ok(backlog.exists)
}

#[derive(QueryableByName)]
struct Summarized {
    #[diesel(sql_type = BigInt)]
    events: i64,
}

/// Summarizes one batch of events, and says whether there may be more.
async fn summarize(connection: &mut AsyncPgConnection) -> Result<bool, Failure<Unavailable>> {
    connection.batch_execute(SETTINGS).await?;
    // A statement of its own, so that the next one's snapshot is younger than the lock.
    let locked: Option<Place> =
        sql_query(format!("SELECT {PLACE_COLUMNS} FROM sales_summarized p {PLACE_JOINS} FOR UPDATE OF p SKIP LOCKED"))
            .get_result(connection)
            .one("sales.lock")
            .await
            .optional()?;
    let Some(place) = locked else { return Ok(false) };
    let summarized: Summarized = sql_query(include_str!("summarize.sql"))
        .bind::<BigInt, _>(place.transaction_id)
        .bind::<BigInt, _>(place.event_id)
        .bind::<BigInt, _>(BATCH)
        .bind::<BigInt, _>(place.ended_before)
        .bind::<BigInt, _>(place.after_event)
        .bind::<BigInt, _>(place.last_event)
        .get_result(connection)
        .one("sales.summarize")
        .await?;
    match place.next_history {
        Some(history) if summarized.events < BATCH => begin_history(connection, history).await?,
        _ => return Ok(summarized.events == BATCH),
    }
    Ok(true)
}

/// Everything of the histories before is in the summaries.
async fn begin_history(connection: &mut AsyncPgConnection, history: i32) -> QueryResult<()> {
    sql_query(
        "UPDATE sales_summarized SET history = h.id, transaction_id = h.first_transaction, event_id = 0 \
         FROM database_histories h WHERE h.id = $1",
    )
    .bind::<Integer, _>(history)
    .execute(connection)
    .changes("sales.begin_history")
    .await
    .map(|_| ())
}
