use comanda_domain::ports::{ClosingPosition, Closings, Unavailable};
use diesel::{sql_query, sql_types::BigInt};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use tokio::sync::Mutex;

use super::closings::{ClosingsRow, POSITION};
use crate::database::{Database, Named};

/// A connection of its own, so that a session that was closed is known however many requests wait for the pools'.
#[derive(Default)]
pub(super) struct ClosingsReader(Mutex<Option<AsyncPgConnection>>);

impl ClosingsReader {
    const SETTINGS: &str = "SET application_name = 'comanda-closings'";

    pub(super) async fn closed_after(
        &self,
        database: &Database,
        position: ClosingPosition,
    ) -> Result<Closings, Unavailable> {
        let mut kept = self.0.lock().await;
        // Taken out: one that failed, or that nobody waits for any more, is not used again.
        let mut connection = match kept.take() {
            Some(connection) => connection,
            None => database.dedicated(Self::SETTINGS).await?,
        };
        let row: ClosingsRow = sql_query(format!(
            "SELECT {POSITION}, ARRAY(SELECT id FROM sessions WHERE closing_transaction_id >= $1) AS ids"
        ))
        .bind::<BigInt, _>(position.get())
        .get_result(&mut connection)
        .one("session.closed_after")
        .await
        .map_err(Unavailable::new)?;
        *kept = Some(connection);
        Ok(row.into_closings())
    }
}
