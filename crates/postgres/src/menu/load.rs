use comanda_domain::ports::{Unavailable, WholeMenu};

use super::{version::begin_epoch, whole::MenuRead};
use crate::Database;

/// Reads the whole menu on one of the connections that a flood of reads cannot take.
pub(super) async fn load(database: &Database) -> Result<WholeMenu, Unavailable> {
    let read = async || MenuRead::on(&mut *database.connection().await?, database.currency()).await;
    let mut found = read().await?;
    if !found.is_in_place {
        begin_epoch(database).await?;
        found = read().await?;
    }
    Ok(found.menu)
}
