//! What there is, and what orders ask for.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use super::allocate::KnownLine;
use crate::{MenuItemDefinition, MenuItemId, MenuItemName, Price, SupplyId, SupplyName, SupplyShortage};

/// What allocation needs to know about a menu item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StockedItem {
    /// Copied onto every line sold.
    pub name: MenuItemName,
    /// Copied onto every line sold.
    pub price: Price,
    /// The quantity on hand; `None` if it is not counted: there is always enough.
    pub stock: Option<u32>,
    /// Whether it can be ordered: neither switched off nor archived.
    pub on_sale: bool,
    /// What can be chosen with it, and what it takes of supplies.
    pub definition: Arc<MenuItemDefinition>,
}

/// What allocation needs to know about a supply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StockedSupply {
    /// Named where it is short.
    pub name: SupplyName,
    /// The quantity on hand, in the supply's unit.
    pub stock: u32,
}

/// The stock of the menu items that a batch of orders names, and of the supplies that they may take. A supply that is
/// missing counts as used up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StockOnHand {
    /// The menu items.
    pub items: HashMap<MenuItemId, StockedItem>,
    /// The supplies.
    pub supplies: HashMap<SupplyId, StockedSupply>,
}

impl<const N: usize> From<[(MenuItemId, StockedItem); N]> for StockOnHand {
    /// Menu items that take no supplies.
    fn from(items: [(MenuItemId, StockedItem); N]) -> Self {
        Self { items: HashMap::from(items), supplies: HashMap::new() }
    }
}

/// A menu item there is not enough of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shortage {
    /// The menu item.
    pub menu_item_id: MenuItemId,
    /// The quantity that the order asked for, all its lines together.
    pub requested: u32,
    /// The quantity that was left after the orders before it.
    pub available: u32,
}

/// Everything there is not enough of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shortages {
    /// The menu items, by their ids.
    pub items: Vec<Shortage>,
    /// The supplies, by their ids.
    pub supplies: Vec<SupplyShortage>,
}

impl Shortages {
    /// Whether nothing is short.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty() && self.supplies.is_empty()
    }
}

/// What is taken of menu items and of supplies, never zero.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// Of each menu item that is counted.
    pub items: BTreeMap<MenuItemId, u32>,
    /// Of each supply, in its unit.
    pub supplies: BTreeMap<SupplyId, u32>,
}

/// What an order asks for, all its lines together.
#[derive(Debug, Default)]
pub(super) struct Demand {
    items: BTreeMap<MenuItemId, u32>,
    supplies: BTreeMap<SupplyId, u64>,
}

impl Demand {
    /// What these lines ask for. Of menu items that are not counted there is always enough.
    pub(super) fn of(lines: &[KnownLine<'_>]) -> Self {
        let mut demand = Self::default();
        for KnownLine { line, item, takes, .. } in lines {
            if item.stock.is_some() {
                // Fifty lines of a hundred each: far from overflowing.
                *demand.items.entry(line.menu_item_id).or_default() += line.quantity.get();
            }
            for (&id, &amount) in takes {
                *demand.supplies.entry(id).or_default() += amount;
            }
        }
        demand
    }

    /// What is short of it once the orders before have taken theirs.
    pub(super) fn shortages(&self, stock: &StockOnHand, taken: &Taken) -> Shortages {
        let items = self.items.iter().filter_map(|(&menu_item_id, &requested)| {
            let on_hand = stock.items.get(&menu_item_id).and_then(|item| item.stock).unwrap_or_default();
            let available = on_hand.saturating_sub(taken.items.get(&menu_item_id).copied().unwrap_or(0));
            (requested > available).then_some(Shortage { menu_item_id, requested, available })
        });
        let supplies = self.supplies.iter().filter_map(|(&supply_id, &requested)| {
            let supply = stock.supplies.get(&supply_id);
            let on_hand = supply.map_or(0, |supply| supply.stock);
            let available = on_hand.saturating_sub(taken.supplies.get(&supply_id).copied().unwrap_or(0));
            let name =
                || supply.map_or_else(|| SupplyName::stored(&supply_id.to_string()), |supply| supply.name.clone());
            (requested > u64::from(available)).then(|| SupplyShortage { supply_id, name: name(), requested, available })
        });
        Shortages { items: items.collect(), supplies: supplies.collect() }
    }

    /// Adds it to what is taken. Nothing MUST be short of it.
    pub(super) fn take(self, taken: &mut Taken) {
        for (id, quantity) in self.items {
            *taken.items.entry(id).or_default() += quantity;
        }
        for (id, amount) in self.supplies {
            let of_supply = taken.supplies.entry(id).or_default();
            *of_supply = of_supply.saturating_add(u32::try_from(amount).unwrap_or(u32::MAX));
        }
    }
}
