//! What an order would cost, and what would be short.

use std::collections::BTreeSet;

use comanda_domain::{
    Basket, Quote, StockOnHand,
    ports::{QuoteOrderError, Unavailable},
};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use thiserror::Error;
use uuid::Uuid;

use super::{
    place::{Definitions, LockedStock},
    stock::{StockRow, SupplyRow},
};
use crate::{
    Database,
    database::{
        NamedRows,
        schema::{menu_items, supplies},
    },
};

/// Definitions and menu items are read one after the other, and must be of the same revision.
const ATTEMPTS: usize = 3;

#[derive(Debug, Error)]
#[error("what the menu items offer kept changing")]
struct KeptChanging;

pub(super) async fn quote(database: &Database, basket: &Basket) -> Result<Quote, QuoteOrderError> {
    let connection = database.read_connection().await?;
    for _ in 0..ATTEMPTS {
        if let Some(stock) = read(database, &connection, basket).await? {
            return Ok(comanda_domain::quote(&stock, database.currency(), basket)?);
        }
    }
    Err(Unavailable::new(KeptChanging).into())
}

/// What there is of everything that the basket names; `None` if a menu item changed meanwhile.
async fn read(
    database: &Database,
    mut connection: &AsyncPgConnection,
    basket: &Basket,
) -> Result<Option<StockOnHand>, Unavailable> {
    let items: BTreeSet<Uuid> = basket.lines().iter().map(|line| line.menu_item_id.as_uuid()).collect();
    let items: Vec<Uuid> = items.into_iter().collect();
    let mut definitions = Definitions::default();
    definitions.learn(connection, database.currency(), &items).await.map_err(Unavailable::new)?;
    let of_supplies: Vec<SupplyRow> = supplies::table
        .filter(supplies::id.eq_any(definitions.supplies_of(basket.lines())))
        .select((supplies::id, supplies::version, supplies::stock, supplies::low_stock_at, supplies::name))
        .load(&mut connection)
        .rows("order.quote.supplies")
        .await
        .map_err(Unavailable::new)?;
    let rows: Vec<StockRow> = menu_items::table
        .filter(menu_items::id.eq_any(&items))
        .select((
            menu_items::id,
            menu_items::version,
            menu_items::stock,
            menu_items::low_stock_at,
            menu_items::price,
            menu_items::name,
            menu_items::active.and(menu_items::archived_at.is_null()),
            menu_items::revision,
            menu_items::counted,
        ))
        .load(&mut connection)
        .rows("order.quote.stock")
        .await
        .map_err(Unavailable::new)?;
    let Ok(stock) = LockedStock::new(rows, of_supplies, &definitions, database.currency()) else { return Ok(None) };
    match stock.unreadable.into_values().next() {
        Some(record) => Err(record.into()),
        None => Ok(Some(stock.on_hand)),
    }
}
