//! Supplies: whatever is counted besides menu items, such as an ingredient or the portions of an option.

mod import;
mod unit;

pub use import::*;
pub use unit::*;

use crate::{Availability, Stock, SupplyId, SupplyName, Timestamp};

/// What staff decide about a supply, and may decide again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SupplyDetails {
    /// The name. No two supplies have the same one, whatever the case.
    pub name: SupplyName,
    /// At or below this stock, it is low.
    pub low_stock_at: Stock,
}

/// Whatever is counted besides menu items: an ingredient, the portions of an option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Supply {
    /// The id, which never changes.
    pub id: SupplyId,
    /// The details, which staff decide.
    pub details: SupplyDetails,
    /// What its quantities are counted in. It never changes: the ledger, and whatever takes of the supply, count in it.
    pub unit: SupplyUnit,
    /// The quantity on hand.
    pub stock: u32,
    /// 1 when added, one more with every change of the details: what an `ETag` shows. The stock does not change it.
    pub revision: u32,
    /// Raised by every write: the optimistic lock.
    pub version: u64,
    /// When it was added.
    pub created_at: Timestamp,
    /// When its details last changed.
    pub updated_at: Timestamp,
}

impl Supply {
    /// Whether there is any, and whether it is about to run out.
    pub const fn availability(&self) -> Availability {
        Availability::of(self.stock, self.details.low_stock_at.get())
    }
}

/// A supply there is not enough of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SupplyShortage {
    /// The supply.
    pub supply_id: SupplyId,
    /// Its name.
    pub name: SupplyName,
    /// How much was asked for; by an order, all its lines together.
    pub requested: u64,
    /// How much is left; for an order, after those before it.
    pub available: u32,
}

/// A supply to be added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSupply {
    /// The id it will have.
    pub id: SupplyId,
    /// The details, which staff decide.
    pub details: SupplyDetails,
    /// What it is counted in.
    pub unit: SupplyUnit,
    /// The first quantity on hand; the ledger begins with it.
    pub stock: Stock,
    /// When it was added, in whole milliseconds.
    pub added_at: Timestamp,
}

/// A change of a supply's details: what is `None` stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SupplyEdit {
    /// A new name.
    pub name: Option<SupplyName>,
    /// A new low-stock threshold.
    pub low_stock_at: Option<Stock>,
}

impl SupplyEdit {
    /// The details after this edit.
    pub fn apply_to(self, details: SupplyDetails) -> SupplyDetails {
        SupplyDetails {
            name: self.name.unwrap_or(details.name),
            low_stock_at: self.low_stock_at.unwrap_or(details.low_stock_at),
        }
    }
}
