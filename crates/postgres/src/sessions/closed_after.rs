use comanda_domain::ports::{ClosingPosition, Closings, Unavailable};
use diesel::{sql_query, sql_types::BigInt};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use tokio::sync::Mutex;

use super::closings::{ClosingsRow, position};
use crate::database::{Database, Named};

/// A connection of its own, so that a session that was closed is known however many requests wait for the pools'.
#[derive(Default)]
pub(super) struct ClosingsReader(Mutex<Reading>);

#[derive(Default)]
struct Reading {
    connection: Option<AsyncPgConnection>,
    /// The history of the database that was read last.
    history: Option<String>,
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
            "SELECT {}, ARRAY(SELECT id FROM sessions WHERE closing_transaction_id >= $1 \
                              AND closing_transaction_id < pg_snapshot_xmax(pg_current_snapshot())::text::bigint) AS ids",
            position()
        ))
        .bind::<BigInt, _>(after.get())
        .get_result(&mut connection)
        .one("session.closed_after")
        .await
        .map_err(Unavailable::new)?;
        if reading.history.as_ref().is_some_and(|before| *before != row.history) {
            tracing::warn!("the database was restored, moved or failed over: all sessions that were closed are read");
            row = sql_query(format!(
                "SELECT {}, ARRAY(SELECT id FROM sessions WHERE closed_at IS NOT NULL) AS ids",
                position()
            ))
            .get_result(&mut connection)
            .one("session.all_closed")
            .await
            .map_err(Unavailable::new)?;
        }
        reading.history = Some(row.history.clone());
        reading.connection = Some(connection);
        Ok(row.into_closings())
    }
}
