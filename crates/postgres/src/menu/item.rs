use comanda_domain::{MenuItem, MenuItemId, ports::Unavailable};

use super::read_row::read_row;
use crate::{Database, stocked::ReadMode};

pub(super) async fn item(database: &Database, id: MenuItemId) -> Result<Option<MenuItem>, Unavailable> {
    let mut connection = database.read_connection().await?;
    let row = read_row(&mut connection, id, ReadMode::Unlocked).await.map_err(Unavailable::new)?;
    Ok(row.map(|row| row.into_item(database.currency())).transpose()?)
}
