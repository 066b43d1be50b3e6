//! The menu items and the supplies of a batch.

use std::{collections::HashMap, sync::Arc};

use comanda_domain::{
    Availability, Currency, MenuItemDefinition, MenuItemId, MenuItemName, Price, StockOnHand, StockedItem,
    StockedSupply, SupplyId, SupplyName, Taken,
    ports::{Readable, UnreadableRecord},
};
use uuid::Uuid;

use super::definitions::Definitions;
use crate::{
    database::RowOf,
    menu::SupplyChange,
    orders::stock::{StockRow, SupplyRow, supply_change},
};

/// The menu items of a batch as they were when their rows were locked or, if they are not counted, read, and the
/// supplies that they may take. A quote reads them without locks.
#[derive(Default)]
pub(in crate::orders) struct LockedStock {
    pub(in crate::orders) on_hand: StockOnHand,
    versions: HashMap<MenuItemId, i64>,
    low_stock_thresholds: HashMap<MenuItemId, u32>,
    supplies: HashMap<SupplyId, SupplyRow>,
    /// They concern the orders that name them, and no others.
    pub(in crate::orders) unreadable: HashMap<MenuItemId, UnreadableRecord>,
}

/// What is written of menu items or of supplies, in the order of their ids.
#[derive(Debug, Default)]
pub(super) struct Taking {
    pub(super) ids: Vec<Uuid>,
    pub(super) versions: Vec<i64>,
    pub(super) quantities: Vec<i32>,
}

impl Taking {
    fn add(&mut self, id: Uuid, version: i64, quantity: u32) {
        self.ids.push(id);
        self.versions.push(version);
        // Never more than the stock, which is a 32-bit column.
        self.quantities.push(i32::try_from(quantity).unwrap_or(i32::MAX));
    }
}

impl LockedStock {
    /// # Errors
    ///
    /// The menu items of whose definitions there is no copy, or one of another revision.
    pub(in crate::orders) fn new(
        rows: Vec<StockRow>,
        supplies: Vec<SupplyRow>,
        definitions: &Definitions,
        currency: Currency,
    ) -> Result<Self, Vec<Uuid>> {
        let mut stock = Self::default();
        let mut outdated = Vec::new();
        for row in rows {
            let (id, version, low_stock_at) = (MenuItemId::new(row.0), row.1, row.3);
            let Some(definition) = definitions.at_revision(id, revision_of(&row)) else {
                outdated.push(row.0);
                continue;
            };
            match stocked(&row, definition, low_stock_at, currency) {
                Ok((item, low_stock_at)) => {
                    stock.on_hand.items.insert(id, item);
                    stock.versions.insert(id, version);
                    stock.low_stock_thresholds.insert(id, low_stock_at);
                }
                Err(record) => {
                    stock.unreadable.insert(id, record);
                }
            }
        }
        if !outdated.is_empty() {
            return Err(outdated);
        }
        for row in supplies {
            let id = SupplyId::new(row.0);
            // Neither the stock nor the threshold is ever below zero: the table refuses it.
            let supply = StockedSupply { name: SupplyName::stored(&row.4), stock: row.2.unsigned_abs() };
            stock.on_hand.supplies.insert(id, supply);
            stock.supplies.insert(id, row);
        }
        Ok(stock)
    }

    /// What taking this writes to menu items.
    pub(super) fn taking_of_items(&self, taken: &Taken) -> Taking {
        let mut taking = Taking::default();
        for (id, quantity) in &taken.items {
            taking.add(id.as_uuid(), self.versions.get(id).copied().unwrap_or_default(), *quantity);
        }
        taking
    }

    /// What taking this writes to supplies.
    pub(super) fn taking_of_supplies(&self, taken: &Taken) -> Taking {
        let mut taking = Taking::default();
        for (id, amount) in &taken.supplies {
            taking.add(id.as_uuid(), self.supplies.get(id).map_or(0, |(_, version, ..)| *version), *amount);
        }
        taking
    }

    /// Whether taking this changes what customers see of the stock of a menu item.
    pub(super) fn changes_availability(&self, taken: &Taken) -> bool {
        taken.items.iter().any(|(id, quantity)| self.changes_availability_of(*id, *quantity))
    }

    /// What becomes of supplies when this is taken.
    pub(super) fn changes_of_supplies(&self, taken: &Taken) -> Vec<SupplyChange> {
        let change = |(id, amount): (&SupplyId, &u32)| {
            Some(supply_change(self.supplies.get(id)?, i32::try_from(*amount).unwrap_or(i32::MAX)))
        };
        taken.supplies.iter().filter_map(change).collect()
    }

    fn changes_availability_of(&self, id: MenuItemId, quantity: u32) -> bool {
        let on_hand = self.on_hand.items.get(&id).and_then(|item| item.stock);
        let (Some(on_hand), Some(low)) = (on_hand, self.low_stock_thresholds.get(&id)) else { return false };
        Availability::of(on_hand, *low) != Availability::of(on_hand.saturating_sub(quantity), *low)
    }

    /// Whether an order of the batch takes stock of this menu item.
    pub(super) fn is_counted(&self, id: MenuItemId) -> bool {
        self.on_hand.items.get(&id).is_some_and(|item| item.stock.is_some())
    }

    /// The menu items whose own stock is sold out when this is taken.
    pub(super) fn sold_out_by(&self, taken: &Taken) -> Vec<Uuid> {
        let last = |(id, quantity): &(&MenuItemId, &u32)| {
            self.on_hand.items.get(id).is_some_and(|item| item.stock == Some(**quantity))
        };
        taken.items.iter().filter(last).map(|(id, _)| id.as_uuid()).collect()
    }
}

const fn revision_of((.., revision, _): &StockRow) -> i32 {
    *revision
}

/// A menu item and its low-stock threshold.
fn stocked(
    (id, _, on_hand, _, price, name, on_sale, _, is_counted): &StockRow,
    definition: Result<Arc<MenuItemDefinition>, &UnreadableRecord>,
    low_stock_at: i32,
    currency: Currency,
) -> Readable<(StockedItem, u32)> {
    let row = RowOf { table: "menu_items", id };
    let item = StockedItem {
        name: MenuItemName::stored(name),
        price: row.read("price", Price::new(*price, currency))?,
        stock: is_counted.then(|| row.read("stock", u32::try_from(*on_hand))).transpose()?,
        on_sale: *on_sale,
        definition: definition.map_err(Clone::clone)?,
    };
    Ok((item, row.read("low_stock_at", u32::try_from(low_stock_at))?))
}
