use comanda_domain::{
    Timestamp,
    ports::{Closings, Unavailable},
};
use diesel::{sql_query, sql_types::Timestamptz};
use diesel_async::RunQueryDsl;

use super::{
    closed_after::ClosingsReader,
    closings::{ClosingsRow, position},
};
use crate::database::{Database, Named};

pub(super) async fn closed_since(
    database: &Database,
    reader: &ClosingsReader,
    since: Timestamp,
) -> Result<Closings, Unavailable> {
    let mut connection = database.connection().await?;
    let row: ClosingsRow =
        sql_query(format!("SELECT {}, ARRAY(SELECT id FROM sessions WHERE closed_at >= $1) AS ids", position()))
            .bind::<Timestamptz, _>(since)
            .get_result(&mut *connection)
            .one("session.closed_since")
            .await
            .map_err(Unavailable::new)?;
    reader.begin(&row).await;
    Ok(row.into_closings())
}
