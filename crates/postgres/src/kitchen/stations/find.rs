use comanda_domain::{Station, StationId, ports::Unavailable};
use diesel::QueryResult;
use diesel_async::AsyncPgConnection;

use super::row::StationRow;
use crate::Database;

pub(super) async fn find(database: &Database, id: StationId) -> Result<Option<Station>, Unavailable> {
    let mut connection = database.read_connection().await?;
    let row = StationRow::read(&mut connection, id).await.map_err(Unavailable::new)?;
    Ok(row.map(StationRow::into_station).transpose()?)
}

/// Whether there is one that is not archived.
pub(crate) async fn station_exists(connection: &mut AsyncPgConnection, id: StationId) -> QueryResult<bool> {
    Ok(StationRow::read(connection, id).await?.is_some())
}
