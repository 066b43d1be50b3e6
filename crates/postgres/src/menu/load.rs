use comanda_domain::ports::{Unavailable, WholeMenu};

use super::{version::begin_epoch, whole::read_whole};
use crate::{Database, database::flush_what_was_read_to_disk};

/// Reads the whole menu on one of the connections that a flood of reads cannot take. It is published, so it must be of
/// what no crash can undo. (A failover begins another epoch.)
pub(super) async fn load(database: &Database) -> Result<WholeMenu, Unavailable> {
    let read = async || {
        let mut connection = database.connection().await?;
        let menu = read_whole(&mut connection, database.currency()).await?;
        flush_what_was_read_to_disk(&connection).await.map_err(Unavailable::new)?;
        Ok::<_, Unavailable>(menu)
    };
    let (mut menu, is_in_place) = read().await?;
    if !is_in_place {
        begin_epoch(database).await?;
        (menu, _) = read().await?;
    }
    Ok(menu)
}
