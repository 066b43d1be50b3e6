use comanda_domain::ports::{Unavailable, WholeMenu};

use super::whole::read_whole;
use crate::Database;

/// Reads the whole menu on one of the connections that a flood of reads cannot take.
pub(super) async fn load(database: &Database) -> Result<WholeMenu, Unavailable> {
    read_whole(&mut *database.connection().await?, database.currency()).await
}
