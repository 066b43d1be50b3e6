//! Menu items.

use crate::{Availability, Category, Description, MenuItemId, MenuItemName, Price, Stock, Timestamp};

/// What staff decide about a menu item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MenuItemDetails {
    /// The name on the menu.
    pub name: MenuItemName,
    /// The description on the menu.
    pub description: Description,
    /// The category under which the menu lists it.
    pub category: Category,
    /// The price of one.
    pub price: Price,
    /// At or below this stock, the menu says "low".
    pub low_stock_at: Stock,
    /// Whether it is on the menu and can be ordered.
    pub active: bool,
}

impl MenuItemDetails {
    /// Where the menu says "low" unless staff say otherwise.
    pub const DEFAULT_LOW_STOCK_AT: i64 = Stock::LOW.get() as i64;
}

/// A menu item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MenuItem {
    /// The id, which never changes.
    pub id: MenuItemId,
    /// The details, which staff decide.
    pub details: MenuItemDetails,
    /// The quantity on hand.
    pub stock: u32,
    /// 1 when added, one more with every change of the details: what an `ETag` shows. Sales do not change it.
    pub revision: u32,
    /// Raised by every write, sales included: the optimistic lock.
    pub version: u64,
    /// When it was added.
    pub created_at: Timestamp,
    /// When its details last changed.
    pub updated_at: Timestamp,
}

impl MenuItem {
    /// What customers may know about the stock.
    pub const fn availability(&self) -> Availability {
        Availability::of(self.stock, self.details.low_stock_at.get())
    }
}

/// A menu item to be added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMenuItem {
    /// The id it will have.
    pub id: MenuItemId,
    /// The details, which staff decide.
    pub details: MenuItemDetails,
    /// The first quantity on hand; the stock ledger begins with it.
    pub stock: Stock,
    /// When it was added, in whole milliseconds.
    pub added_at: Timestamp,
}

/// A change of a menu item's details: what is `None` stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MenuItemEdit {
    /// A new name.
    pub name: Option<MenuItemName>,
    /// A new description.
    pub description: Option<Description>,
    /// A new category.
    pub category: Option<Category>,
    /// A new price; orders already placed keep theirs.
    pub price: Option<Price>,
    /// A new low-stock threshold.
    pub low_stock_at: Option<Stock>,
    /// On or off the menu.
    pub active: Option<bool>,
}

impl MenuItemEdit {
    /// The details after this edit.
    pub fn apply_to(self, details: MenuItemDetails) -> MenuItemDetails {
        MenuItemDetails {
            name: self.name.unwrap_or(details.name),
            description: self.description.unwrap_or(details.description),
            category: self.category.unwrap_or(details.category),
            price: self.price.unwrap_or(details.price),
            low_stock_at: self.low_stock_at.unwrap_or(details.low_stock_at),
            active: self.active.unwrap_or(details.active),
        }
    }
}
