//! Orders as placed.

mod allocate;
mod basket;
mod limits;
mod number;
mod quantity;
mod quote;
mod selection;
mod shelf;
mod status;

pub use allocate::*;
pub use basket::*;
pub use limits::*;
pub use number::*;
pub use quantity::*;
pub use quote::*;
pub use selection::*;
pub use shelf::*;
pub use status::*;

use std::collections::BTreeMap;

use crate::{AccountId, Idempotency, MenuItemId, MenuItemName, Money, MoneyError, Note, OrderId, SupplyId, Timestamp};

/// An order to be placed: everything about it that is known before the stock is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewOrder {
    /// The id the order will have.
    pub id: OrderId,
    /// The customer.
    pub customer_id: AccountId,
    /// What the customer orders.
    pub basket: Basket,
    /// A request to the kitchen for the whole order.
    pub note: Option<Note>,
    /// When the customer ordered, in whole milliseconds.
    pub placed_at: Timestamp,
    /// Makes the request repeatable; without it, a repeated request is another order.
    pub idempotency: Option<Idempotency>,
    /// What the customer's unpaid orders may hold, with this one.
    pub limits: OrderLimits,
}

/// An order without its lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// The id, which never changes.
    pub id: OrderId,
    /// The number that is called out at the counter.
    pub number: OrderNumber,
    /// The status.
    pub status: OrderStatus,
    /// The sum of its lines.
    pub total: Money,
    /// How many lines it has.
    pub line_count: u32,
    /// A request to the kitchen for the whole order.
    pub note: Option<Note>,
    /// The customer.
    pub customer_id: AccountId,
    /// When it was placed.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// 1 when placed, one more with every change.
    pub version: u32,
}

/// A line of an order, with names and prices as they were at the moment of ordering.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderLine {
    /// The menu item.
    pub menu_item_id: MenuItemId,
    /// The item's name when it was ordered.
    pub name: MenuItemName,
    /// The item's price when it was ordered.
    pub unit_price: Money,
    /// How many were ordered.
    pub quantity: Quantity,
    /// What was chosen with it, in the order in which the customer did.
    pub selections: Vec<SelectedOption>,
    /// `quantity` × (`unit_price` + what the selections cost).
    pub line_total: Money,
    /// A request to the kitchen.
    pub note: Option<Note>,
    /// What the line took of each supply, never zero: what a cancellation gives back, whatever became of recipes and
    /// options since.
    pub taken: BTreeMap<SupplyId, u32>,
}

impl OrderLine {
    /// `quantity` × (`unit_price` + what the selections cost).
    pub fn total(unit_price: Money, selections: &[SelectedOption], quantity: Quantity) -> Result<Money, MoneyError> {
        let mut of_one = unit_price;
        for selection in selections {
            of_one = of_one.checked_add(selection.unit_price.checked_times(selection.quantity)?)?;
        }
        of_one.checked_times(quantity)
    }
}

impl Order {
    /// The order as it was at an earlier version of its own, which it got at that moment, with that status. `None`:
    /// it went one step at a time.
    #[must_use]
    pub fn as_of(&self, version: u32, status: Option<OrderStatus>, at: Timestamp) -> Self {
        if version >= self.version {
            return self.clone();
        }
        let status = status.unwrap_or_else(|| self.status.at_version(self.version, version));
        Self { status, version, updated_at: at, ..self.clone() }
    }
}

/// An order with its lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderWithLines {
    /// The order.
    pub order: Order,
    /// Its lines as the customer wrote them.
    pub lines: Vec<OrderLine>,
}
