use comanda_domain::ports::{Unavailable, WholeMenu};

use super::{version::begin_epoch, whole::read_whole};
use crate::Database;

/// Reads the whole menu on one of the connections that a flood of reads cannot take.
pub(super) async fn load(database: &Database) -> Result<WholeMenu, Unavailable> {
    let read = async || read_whole(&mut *database.connection().await?, database.currency()).await;
    let (mut menu, is_in_place) = read().await?;
    if !is_in_place {
        begin_epoch(database).await?;
        (menu, _) = read().await?;
    }
    Ok(menu)
}
