use comanda_domain::ports::{Unavailable, WholeMenu};

use super::{version::begin_epoch, whole::MenuRead};
use crate::Database;

/// Reads the whole menu on one of the connections that a flood of reads cannot take.
pub(super) async fn load(database: &Database) -> Result<WholeMenu, Unavailable> {
    let from_database = async || {
        let mut connection = database.connection().await?;
        let read = MenuRead::in_snapshot(&mut connection, database.currency()).await?;
        read.flush(&connection).await?;
        Ok::<_, Unavailable>(read)
    };
    let mut read = from_database().await?;
    if !read.is_in_place {
        begin_epoch(database).await?;
        read = from_database().await?;
    }
    Ok(read.menu)
}
