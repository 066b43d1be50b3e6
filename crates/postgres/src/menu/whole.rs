use comanda_domain::{
    Currency,
    ports::{Unavailable, WholeMenu},
};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::row::MenuItemRow;
use crate::database::{
    Database, NamedRows,
    schema::{menu_items, menu_version},
};

pub(super) async fn whole(database: &Database) -> Result<WholeMenu, Unavailable> {
    read_whole(&mut *database.read_connection().await?, database.currency()).await
}

pub(super) async fn read_whole(
    connection: &mut AsyncPgConnection,
    currency: Currency,
) -> Result<WholeMenu, Unavailable> {
    // One statement, and so one snapshot: the version is that of these very rows.
    let rows: Vec<(i64, Option<MenuItemRow>)> = menu_version::table
        .left_join(menu_items::table.on(menu_items::archived_at.is_null()))
        .order((menu_items::category, menu_items::name, menu_items::id))
        .select((menu_version::version, Option::<MenuItemRow>::as_select()))
        .load(connection)
        .rows("menu.whole")
        .await
        .map_err(Unavailable::new)?;
    let version = rows.as_slice().first().map_or(0, |(version, _)| *version);
    // Whatever cannot be read is logged; the rest of the menu is there all the same.
    let items = rows.into_iter().filter_map(|(_, row)| row?.into_item(currency).ok());
    Ok(WholeMenu { version: u64::try_from(version).map_err(Unavailable::new)?, items: items.collect() })
}
