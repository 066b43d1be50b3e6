use chrono::{DateTime, Utc};
use comanda_domain::{
    Category, Currency, Description, MenuItem, MenuItemDetails, MenuItemId, MenuItemName, MenuPosition, NewMenuItem,
    Price, StationId, Stock, StockLevel, StockedDefinition, ports::Readable,
};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    database::{RowOf, StoredTime, schema::menu_items},
    stocked::{Revised, quantity},
};

/// The stock, as it is stored, of a menu item that is not counted. Servers of the release before take it for a number
/// that they can sell, and that is not low.
pub(super) const UNCOUNTED_STOCK: i32 = 1_000_000;

/// What the ledger of a menu item that is not counted comes to, if this is its stock as it is stored: nothing, unless
/// servers of the release before have sold it meanwhile, or adjusted it, which change that number along with the
/// ledger.
pub(super) const fn balance_of_uncounted(stock: i32) -> i32 {
    stock - UNCOUNTED_STOCK
}

#[derive(Clone, Deserialize, Queryable, Selectable, Serialize)]
#[diesel(table_name = menu_items, check_for_backend(diesel::pg::Pg))]
pub(super) struct MenuItemRow {
    pub(super) id: Uuid,
    pub(super) version: i64,
    pub(super) price: i64,
    #[diesel(deserialize_as = StoredTime)]
    pub(super) created_at: DateTime<Utc>,
    #[diesel(deserialize_as = StoredTime)]
    pub(super) updated_at: DateTime<Utc>,
    pub(super) stock: i32,
    pub(super) low_stock_at: i32,
    pub(super) revision: i32,
    pub(super) active: bool,
    pub(super) name: String,
    pub(super) category: String,
    pub(super) description: String,
    /// Servers of the release before keep none: they count everything.
    #[serde(default = "counted")]
    pub(super) counted: bool,
    /// Servers of the release before keep none.
    #[serde(default)]
    allergens: Vec<Option<String>>,
    /// Servers of the release before keep none.
    #[serde(default)]
    station_id: Option<Uuid>,
}

const fn counted() -> bool {
    true
}

impl Revised for MenuItemRow {
    fn revision(&self) -> Readable<u32> {
        RowOf { table: "menu_items", id: self.id }.read("revision", u32::try_from(self.revision))
    }
}

impl MenuItemRow {
    pub(super) fn stock(&self) -> Readable<Option<StockLevel>> {
        if !self.counted {
            return Ok(None);
        }
        let row = RowOf { table: "menu_items", id: self.id };
        let on_hand = Stock::stored(row.read("stock", u32::try_from(self.stock))?);
        let low_at = Stock::stored(row.read("low_stock_at", u32::try_from(self.low_stock_at))?);
        Ok(Some(StockLevel { on_hand, low_at }))
    }

    pub(super) fn details(&self, currency: Currency) -> Readable<MenuItemDetails> {
        let row = RowOf { table: "menu_items", id: self.id };
        let allergens = self.allergens.iter().flatten().map(|code| row.read("allergens", code.parse()));
        Ok(MenuItemDetails {
            name: MenuItemName::stored(&self.name),
            description: Description::stored(&self.description),
            category: Category::stored(&self.category),
            price: row.read("price", Price::new(self.price, currency))?,
            allergens: allergens.collect::<Readable<_>>()?,
            active: self.active,
        })
    }

    pub(super) fn station(&self) -> Option<StationId> {
        self.station_id.map(StationId::new)
    }

    /// Where it stands in the list of menu items.
    pub(super) fn position(&self) -> MenuPosition {
        MenuPosition {
            category: Category::stored(&self.category),
            name: MenuItemName::stored(&self.name),
            id: MenuItemId::new(self.id),
        }
    }

    pub(super) fn into_item(self, definition: StockedDefinition, currency: Currency) -> Readable<MenuItem> {
        let row = RowOf { table: "menu_items", id: self.id };
        Ok(MenuItem {
            id: MenuItemId::new(self.id),
            details: self.details(currency)?,
            stock: self.stock()?,
            station: self.station(),
            definition,
            revision: self.revision()?,
            version: row.read("version", u64::try_from(self.version))?,
            created_at: self.created_at,
            updated_at: self.updated_at,
        })
    }
}

/// The columns that staff edit.
#[derive(Insertable, AsChangeset)]
#[diesel(table_name = menu_items)]
pub(super) struct DetailsColumns {
    price: i64,
    active: bool,
    name: String,
    category: String,
    description: String,
    allergens: Vec<Option<String>>,
}

impl DetailsColumns {
    pub(super) fn of(details: &MenuItemDetails) -> Self {
        Self {
            price: details.price.money().amount(),
            active: details.active,
            name: details.name.as_str().to_owned(),
            category: details.category.as_str().to_owned(),
            description: details.description.as_str().to_owned(),
            allergens: details.allergens.iter().map(|allergen| Some(allergen.as_str().to_owned())).collect(),
        }
    }
}

/// How much there is.
#[derive(Clone, Copy, Insertable, AsChangeset)]
#[diesel(table_name = menu_items)]
pub(super) struct StockColumns {
    stock: i32,
    low_stock_at: i32,
    counted: bool,
}

impl StockColumns {
    pub(super) fn of(stock: Option<StockLevel>) -> Self {
        match stock {
            Some(StockLevel { on_hand, low_at }) => {
                Self { stock: quantity(on_hand), low_stock_at: quantity(low_at), counted: true }
            }
            None => Self { stock: UNCOUNTED_STOCK, low_stock_at: 0, counted: false },
        }
    }
}

#[derive(Insertable)]
#[diesel(table_name = menu_items)]
pub(super) struct NewMenuItemRow {
    id: Uuid,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    station_id: Option<Uuid>,
    #[diesel(embed)]
    stock: StockColumns,
    #[diesel(embed)]
    details: DetailsColumns,
}

impl NewMenuItemRow {
    pub(super) fn of(item: &NewMenuItem) -> Self {
        Self {
            id: item.id.as_uuid(),
            created_at: item.added_at,
            updated_at: item.added_at,
            station_id: item.station.map(StationId::as_uuid),
            stock: StockColumns::of(item.stock),
            details: DetailsColumns::of(&item.details),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As it stands in the database. Whoever changes this text locks out the servers of the release before.
    const KEPT: &str = r#"{"id":"00000000-0000-0000-0000-000000000001","version":3,"price":990,
        "created_at":"2026-11-28T12:00:00Z","updated_at":"2026-11-28T12:00:01.500Z","stock":8,"low_stock_at":2,
        "revision":2,"active":true,"name":"Soup","category":"Starters","description":"of the day"}"#;

    #[test]
    fn an_outcome_that_was_kept_is_read() {
        let row = serde_json::from_str::<MenuItemRow>(KEPT).unwrap();
        let item = row.into_item(StockedDefinition::default(), Currency::EUR).unwrap();
        let level = StockLevel { on_hand: Stock::stored(8), low_at: Stock::stored(2) };
        assert_eq!((item.stock, item.revision, item.version), (Some(level), 2, 3));
        assert_eq!(item.details.name.as_str(), "Soup");
    }

    #[test]
    fn the_release_before_reads_what_is_not_counted_as_a_stock_that_is_not_low() {
        let counted = KEPT.replace('}', r#","counted":false}"#);
        let row = MenuItemRow { stock: UNCOUNTED_STOCK, low_stock_at: 0, ..serde_json::from_str(&counted).unwrap() };
        let kept = serde_json::to_value(&row).unwrap();
        assert_eq!((&kept["stock"], &kept["low_stock_at"]), (&1_000_000.into(), &0.into()));
        assert_eq!(row.stock().unwrap(), None);
    }
}
