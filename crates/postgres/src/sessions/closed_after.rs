use comanda_domain::ports::{ClosingPosition, Closings, Unavailable};
use diesel::{prelude::*, sql_query, sql_types::BigInt};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use tokio::sync::Mutex;
use uuid::Uuid;

use super::closings::{ClosingsRow, position};
use crate::database::{Database, Named, NamedRows, schema::sessions};

/// How many sessions are looked at in one round, well within its time limit, when all are read again.
const PAGE: usize = 20_000;

/// A connection of its own, so that a session that was closed is known however many requests wait for the pools'.
#[derive(Default)]
pub(super) struct ClosingsReader(Mutex<Reading>);

#[derive(Default)]
struct Reading {
    connection: Option<AsyncPgConnection>,
    /// The history of the database that was read last.
    history: Option<String>,
    /// While all sessions are read again: the last one that was looked at.
    reread_up_to: Option<Uuid>,
}

impl ClosingsReader {
    const SETTINGS: &str = "SET application_name = 'comanda-closings'";

    /// The position of this row is where reading begins.
    pub(super) async fn begin(&self, row: &ClosingsRow) {
        self.0.lock().await.history = Some(row.history.clone());
    }

    pub(super) async fn closed_after(
        &self,
        database: &Database,
        after: ClosingPosition,
    ) -> Result<Closings, Unavailable> {
        let mut reading = self.0.lock().await;
        // Taken out: one that failed, or that nobody waits for any more, is not used again.
        let mut connection = match reading.connection.take() {
            Some(connection) => connection,
            None => database.dedicated(Self::SETTINGS).await?,
        };
        // A restored dump brings along numbers that its cluster has not reached: such sessions are not new.
        let mut row: ClosingsRow = sql_query(format!(
            "SELECT {}, ARRAY(SELECT id FROM sessions WHERE closing_transaction_id >= $1 AND \
               closing_transaction_id < pg_snapshot_xmax(pg_current_snapshot())::text::bigint) AS ids",
            position()
        ))
        .bind::<BigInt, _>(after.get())
        .get_result(&mut connection)
        .one("session.closed_after")
        .await
        .map_err(Unavailable::new)?;
        let mut reread_up_to = reading.reread_up_to;
        if reading.history.as_ref().is_some_and(|before| *before != row.history) {
            tracing::warn!("the database was restored, moved or failed over: all sessions that were closed are read");
            reread_up_to = Some(Uuid::nil());
        }
        if let Some(last) = reread_up_to {
            let page = page_after(&mut connection, last).await.map_err(Unavailable::new)?;
            reread_up_to = page.last().filter(|_| page.len() == PAGE).map(|(id, _)| *id);
            row.ids.extend(page.into_iter().filter(|(_, is_closed)| *is_closed).map(|(id, _)| id));
        }
        reading.reread_up_to = reread_up_to;
        reading.history = Some(row.history.clone());
        reading.connection = Some(connection);
        Ok(row.into_closings())
    }
}

/// A page of all sessions in the order of their ids, and whether each is closed.
async fn page_after(connection: &mut AsyncPgConnection, last: Uuid) -> QueryResult<Vec<(Uuid, bool)>> {
    sessions::table
        .filter(sessions::id.gt(last))
        .order(sessions::id)
        .limit(i64::try_from(PAGE).unwrap_or(i64::MAX))
        .select((sessions::id, sessions::closed_at.is_not_null()))
        .load(connection)
        .rows("session.reread")
        .await
}
