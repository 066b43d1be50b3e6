//! The menu's version: raised in the transaction of every change that a customer can see.

use comanda_domain::ports::Unavailable;
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::{
    Database,
    database::{Named, schema::menu_version},
};

/// Tells readers that what customers see has changed. Last in a transaction: this row is everybody's. It is locked until the commit,
/// so that versions are committed in their order.
pub(crate) async fn raise_menu_version(mut connection: &AsyncPgConnection) -> QueryResult<()> {
    diesel::update(menu_version::table)
        .set(menu_version::version.eq(menu_version::version + 1))
        .execute(&mut connection)
        .changes("menu.raise_version")
        .await
        .map(|_| ())
}

pub(super) async fn version(database: &Database) -> Result<u64, Unavailable> {
    let mut connection = database.read_connection().await?;
    let version: i64 = menu_version::table
        .select(menu_version::version)
        .first(&mut *connection)
        .one("menu.version")
        .await
        .map_err(Unavailable::new)?;
    u64::try_from(version).map_err(Unavailable::new)
}
