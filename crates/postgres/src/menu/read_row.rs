use comanda_domain::MenuItemId;
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::row::MenuItemRow;
use crate::{
    database::{Named, schema::menu_items},
    stocked::ReadMode,
};

/// The row of a menu item, or `None` if there is none or it is archived.
pub(super) async fn read_row(
    connection: &mut AsyncPgConnection,
    id: MenuItemId,
    mode: ReadMode,
) -> QueryResult<Option<MenuItemRow>> {
    let row = menu_items::table
        .filter(menu_items::id.eq(id.as_uuid()).and(menu_items::archived_at.is_null()))
        .select(MenuItemRow::as_select());
    match mode {
        ReadMode::Unlocked => row.first(connection).one("menu.find").await.optional(),
        ReadMode::Locked => row.for_no_key_update().first(connection).one("menu.lock").await.optional(),
    }
}
