//! The menu's version: raised in the transaction of every change that a customer can see.

use comanda_domain::ports::Unavailable;
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::database::{Database, Named, schema::menu_version};

/// Records that what customers see has changed. Call it last in a transaction: there is one row for all, and it
/// stays locked until the commit, so that versions are committed in their order.
pub(crate) async fn raise_menu_version(mut connection: &AsyncPgConnection) -> QueryResult<()> {
    diesel::update(menu_version::table)
        .set(menu_version::version.eq(menu_version::version + 1))
        .execute(&mut connection)
        .changes("menu.raise_version")
        .await
        .map(|_| ())
}

pub(super) async fn raise_above(database: &Database, version: u64) -> Result<(), Unavailable> {
    let version = i64::try_from(version).map_err(Unavailable::new)?;
    let mut connection = database.connection().await?;
    diesel::update(menu_version::table.filter(menu_version::version.le(version)))
        .set(menu_version::version.eq(version.saturating_add(1)))
        .execute(&mut *connection)
        .changes("menu.raise_version_above")
        .await
        .map(|_| ())
        .map_err(Unavailable::new)
}
