//! The menu's version: raised in the transaction of every change that a customer can see.

use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::database::{Named, schema::menu_version};

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
