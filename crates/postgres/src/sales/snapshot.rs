use comanda_domain::ports::Unavailable;
use diesel::{QueryResult, sql_query};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};

use crate::database::{Database, Failure, Named, PLACE_COLUMNS, PLACE_JOINS, Place, Work, spawn_transaction};

/// Runs a report in one snapshot with how far the summaries go. The report gets that as a value, from which the planner
/// knows that hardly anything comes after it. Compiling so small a plan, or running it in parallel, would take longer
/// than the plan itself.
pub(super) async fn in_one_snapshot<T, F>(database: &Database, report: F) -> Result<T, Unavailable>
where
    T: Send + 'static,
    for<'c> F: AsyncFnOnce((&'c mut AsyncPgConnection, Place)) -> QueryResult<T>
        + Work<(&'c mut AsyncPgConnection, Place), QueryResult<T>, Running: Send>
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
                let settings =
                    format!("SET LOCAL statement_timeout = {limit}; SET LOCAL max_parallel_workers_per_gather = 0");
                connection.batch_execute(&settings).await?;
                let place: Place = sql_query(format!("SELECT {PLACE_COLUMNS} FROM sales_summarized p {PLACE_JOINS}"))
                    .get_result(connection)
                    .one("sales.find_progress")
                    .await?;
                Ok(report((connection, place.by_id_if_ahead())).await?)
            })
            .await
            .map_err(|failure| failure.0)
    })
    .await
}
