use comanda_domain::ports::Unavailable;
use diesel::{QueryDsl, QueryResult};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};

use crate::database::{Database, Failure, Named, Work, schema::sales_summarized, spawn_transaction};

/// The last event that is in the summaries.
#[derive(Clone, Copy)]
pub(super) struct Progress {
    pub(super) transaction: i64,
    pub(super) event: i64,
}

/// Runs a report in one snapshot with how far the summaries go. The report gets that as a value, from which the planner
/// knows that hardly anything comes after it. Compiling so small a plan, or running it in parallel, would take longer
/// than the plan itself.
pub(super) async fn in_one_snapshot<T, F>(database: &Database, report: F) -> Result<T, Unavailable>
where
    T: Send + 'static,
    for<'c> F: AsyncFnOnce((&'c mut AsyncPgConnection, Progress)) -> QueryResult<T>
        + Work<(&'c mut AsyncPgConnection, Progress), QueryResult<T>, Running: Send>
        + Send
        + 'static,
{
    let (place, own) = (database.place_for_report()?, database.clone());
    spawn_transaction(database, async move {
        let _place = place;
        let mut connection = own.list_connection().await?;
        let limit = own.report_limit().as_millis();
        (*connection)
            .build_transaction()
            .read_only()
            .repeatable_read()
            .run::<_, Failure<Unavailable>, _>(async move |connection: &mut AsyncPgConnection| {
                let settings = format!(
                    "SET LOCAL statement_timeout = {limit}; SET LOCAL jit = off; \
                     SET LOCAL max_parallel_workers_per_gather = 0"
                );
                connection.batch_execute(&settings).await?;
                let (transaction, event) = sales_summarized::table
                    .select((sales_summarized::transaction_id, sales_summarized::event_id))
                    .first(connection)
                    .one("sales.find_progress")
                    .await?;
                Ok(report((connection, Progress { transaction, event })).await?)
            })
            .await
            .map_err(|failure| failure.0)
    })
    .await
}
