use comanda_domain::{MenuItem, MenuItemId, ports::Unavailable};

use super::{read_row::read_row, with_definition};
use crate::{Database, stocked::ReadMode};

pub(super) async fn item(database: &Database, id: MenuItemId) -> Result<Option<MenuItem>, Unavailable> {
    let mut connection = database.read_connection().await?;
    match read_row(&mut connection, id, ReadMode::Unlocked).await.map_err(Unavailable::new)? {
        Some(row) => with_definition(&mut connection, row, database.currency()).await.map(Some),
        None => Ok(None),
    }
}
