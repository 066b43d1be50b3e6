use comanda_domain::ports::{MenuListing, Unavailable};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::{StockedDefinitions, row::MenuItemRow};
use crate::database::{Database, NamedRows, schema::menu_items};

pub(super) async fn listing(database: &Database) -> Result<MenuListing, Unavailable> {
    let mut connection = database.read_connection().await?;
    let rows: Vec<MenuItemRow> = menu_items::table
        .filter(menu_items::archived_at.is_null())
        .order((menu_items::category, menu_items::name, menu_items::id))
        .select(MenuItemRow::as_select())
        .load(&mut *connection)
        .rows("menu.listing")
        .await
        .map_err(Unavailable::new)?;
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let definitions = StockedDefinitions::read(&mut connection, &ids, database.currency()).await?;
    let mut listing = MenuListing::default();
    for row in rows {
        match definitions.of(row.id).and_then(|definition| row.into_item(definition, database.currency())) {
            Ok(item) => listing.items.push(item),
            Err(record) => listing.unreadable.push(record),
        }
    }
    Ok(listing)
}
