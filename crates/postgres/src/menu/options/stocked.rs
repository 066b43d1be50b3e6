//! What menu items offer and take, with how much there is of it.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use comanda_domain::{
    Currency, MenuItem, MenuItemId, Stock, StockLevel, StockedDefinition, SupplyId,
    ports::{Readable, Unavailable},
};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::definitions::{Definition, SharedOptions, read_definitions};
use crate::{
    database::{NamedRows, RowOf, schema::supplies},
    menu::row::MenuItemRow,
};

/// The definitions of some menu items.
#[derive(Default)]
pub(in crate::menu) struct StockedDefinitions {
    definitions: HashMap<MenuItemId, Definition>,
    levels: HashMap<SupplyId, Readable<StockLevel>>,
}

impl StockedDefinitions {
    /// Those of these menu items, in a few statements, however many there are.
    pub(in crate::menu) async fn read(
        connection: &mut AsyncPgConnection,
        items: &[Uuid],
        currency: Currency,
    ) -> Result<Self, Unavailable> {
        if items.is_empty() {
            return Ok(Self::default());
        }
        let mut shared = SharedOptions::default();
        let definitions = read_definitions(connection, items, currency, &mut shared).await.map_err(Unavailable::new)?;
        let readable = definitions.values().filter_map(|definition| definition.definition.as_ref().ok());
        let ids: BTreeSet<Uuid> =
            readable.flat_map(|definition| definition.supplies()).map(SupplyId::as_uuid).collect();
        let levels = if ids.is_empty() { HashMap::new() } else { levels(connection, ids).await? };
        Ok(Self { definitions, levels })
    }

    /// That of one of them.
    pub(in crate::menu) fn of(&self, item: Uuid) -> Readable<StockedDefinition> {
        // It may have come after the definitions were read.
        let Some(definition) = self.definitions.get(&MenuItemId::new(item)) else {
            return Ok(StockedDefinition::default());
        };
        let definition = definition.definition.as_ref().map_err(Clone::clone).map(Arc::clone)?;
        let level = |id: SupplyId| Some(self.levels.get(&id)?.clone().map(|level| (id, level)));
        let supplies = definition.supplies().filter_map(level).collect::<Readable<_>>()?;
        Ok(StockedDefinition { definition, supplies })
    }
}

/// How much there is of those supplies among these that are not archived.
async fn levels(
    connection: &mut AsyncPgConnection,
    ids: BTreeSet<Uuid>,
) -> Result<HashMap<SupplyId, Readable<StockLevel>>, Unavailable> {
    let rows: Vec<(Uuid, i32, i32)> = supplies::table
        .filter(supplies::id.eq_any(ids).and(supplies::archived_at.is_null()))
        .select((supplies::id, supplies::stock, supplies::low_stock_at))
        .load(connection)
        .rows("definition.supplies")
        .await
        .map_err(Unavailable::new)?;
    let level = |id: Uuid, stock: i32, low_stock_at: i32| -> Readable<StockLevel> {
        let row = RowOf { table: "supplies", id };
        Ok(StockLevel {
            on_hand: Stock::stored(row.read("stock", u32::try_from(stock))?),
            low_at: Stock::stored(row.read("low_stock_at", u32::try_from(low_stock_at))?),
        })
    };
    Ok(rows.into_iter().map(|(id, stock, low_at)| (SupplyId::new(id), level(id, stock, low_at))).collect())
}

/// The menu item of a row, with its definition.
pub(in crate::menu) async fn with_definition(
    connection: &mut AsyncPgConnection,
    row: MenuItemRow,
    currency: Currency,
) -> Result<MenuItem, Unavailable> {
    let definition = StockedDefinitions::read(connection, &[row.id], currency).await?.of(row.id)?;
    Ok(row.into_item(definition, currency)?)
}
