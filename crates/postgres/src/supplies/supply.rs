use comanda_domain::{Supply, SupplyId, ports::Unavailable};

use super::row::SupplyRow;
use crate::{Database, stocked::ReadMode};

pub(super) async fn supply(database: &Database, id: SupplyId) -> Result<Option<Supply>, Unavailable> {
    let mut connection = database.read_connection().await?;
    let row = SupplyRow::read(&mut connection, id, ReadMode::Unlocked).await.map_err(Unavailable::new)?;
    Ok(row.map(SupplyRow::into_supply).transpose()?)
}
