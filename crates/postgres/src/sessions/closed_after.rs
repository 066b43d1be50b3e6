use comanda_domain::ports::{ClosingPosition, Closings, Unavailable};
use diesel::{sql_query, sql_types::BigInt};
use diesel_async::RunQueryDsl;

use super::closings::{ClosingsRow, POSITION};
use crate::database::{Database, Named};

pub(super) async fn closed_after(database: &Database, position: ClosingPosition) -> Result<Closings, Unavailable> {
    let mut connection = database.connection().await?;
    let row: ClosingsRow = sql_query(format!(
        "SELECT {POSITION}, ARRAY(SELECT id FROM sessions WHERE closing_transaction_id >= $1) AS ids"
    ))
    .bind::<BigInt, _>(position.get())
    .get_result(&mut *connection)
    .one("session.closed_after")
    .await
    .map_err(Unavailable::new)?;
    Ok(row.into_closings())
}
