use comanda_domain::ports::Unavailable;
use diesel::{
    dsl::{exists, sql},
    prelude::*,
    select,
    sql_types::{Bool, Text},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::database::{
    Database, Named,
    schema::{outbox_retries, outbox_subscribers},
};

/// Under the locks of both leases: nobody delivers meanwhile.
pub(super) async fn rename(database: &Database, from: String, to: String) -> Result<bool, Unavailable> {
    database
        .transaction(async move |connection| {
            if !is_there(connection, &from).await? || is_there(connection, &to).await? {
                return Ok(true);
            }
            // Whoever delivers to the new one has found out before that there is nothing to be done.
            if !try_lock(connection, &to).await? {
                return Ok(true);
            }
            if !try_lock(connection, &from).await? {
                return Ok(false);
            }
            diesel::update(outbox_subscribers::table.find(&from))
                .set(outbox_subscribers::name.eq(&to))
                .execute(connection)
                .changes("outbox.rename")
                .await?;
            diesel::update(outbox_retries::table.filter(outbox_retries::subscriber.eq(&from)))
                .set(outbox_retries::subscriber.eq(&to))
                .execute(connection)
                .changes("outbox.rename_retries")
                .await?;
            Ok(true)
        })
        .await
}

async fn is_there(connection: &mut AsyncPgConnection, subscriber: &str) -> QueryResult<bool> {
    select(exists(outbox_subscribers::table.find(subscriber))).get_result(connection).one("outbox.is_there").await
}

async fn try_lock(connection: &mut AsyncPgConnection, subscriber: &str) -> QueryResult<bool> {
    let lock = sql::<Bool>("pg_try_advisory_xact_lock(hashtextextended('comanda outbox ' || ")
        .bind::<Text, _>(subscriber)
        .sql(", 0))");
    select(lock).get_result(connection).one("outbox.take_turn").await
}
