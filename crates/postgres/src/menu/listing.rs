use comanda_domain::ports::{MenuListing, Unavailable};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::row::MenuItemRow;
use crate::database::{Database, NamedRows, schema::menu_items};

pub(super) async fn listing(database: &Database) -> Result<MenuListing, Unavailable> {
    let rows: Vec<MenuItemRow> = menu_items::table
        .filter(menu_items::archived_at.is_null())
        .order((menu_items::category, menu_items::name, menu_items::id))
        .select(MenuItemRow::as_select())
        .load(&mut *database.read_connection().await?)
        .rows("menu.listing")
        .await
        .map_err(Unavailable::new)?;
    let mut listing = MenuListing::default();
    for row in rows {
        match row.into_item(database.currency()) {
            Ok(item) => listing.items.push(item),
            Err(record) => listing.unreadable.push(record),
        }
    }
    Ok(listing)
}
