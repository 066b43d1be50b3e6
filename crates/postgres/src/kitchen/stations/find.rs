use comanda_domain::{Station, StationId, ports::Unavailable};

use super::row::StationRow;
use crate::Database;

pub(super) async fn find(database: &Database, id: StationId) -> Result<Option<Station>, Unavailable> {
    let mut connection = database.read_connection().await?;
    let row = StationRow::read(&mut connection, id).await.map_err(Unavailable::new)?;
    Ok(row.map(StationRow::into_station).transpose()?)
}
