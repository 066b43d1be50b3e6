//! Menu items and drinks.

use crate::{Availability, Category, Description, MenuItemId, MenuItemName, Price, Stock, Timestamp};

/// What staff decide about a menu item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MenuItemDetails {
    /// What it is called.
    pub name: MenuItemName,
    /// What the menu says about it.
    pub description: Description,
    /// The heading it stands under.
    pub category: Category,
    /// What a portion costs.
    pub price: Price,
    /// At or below this many quantity the menu says "low".
    pub low_stock_at: Stock,
    /// Whether it can be ordered and stands on the menu.
    pub active: bool,
}

impl MenuItemDetails {
    /// Where the menu says "low" unless staff say otherwise.
    pub const DEFAULT_LOW_STOCK_AT: i64 = 5;
}

/// A menu item on the menu.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MenuItem {
    /// Names it for good.
    pub id: MenuItemId,
    /// What staff decided.
    pub details: MenuItemDetails,
    /// Portions on hand.
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
    /// What customers are told of the stock.
    pub const fn availability(&self) -> Availability {
        Availability::of(self.stock, self.details.low_stock_at.get())
    }
}

/// A menu item to be added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMenuItem {
    /// The id it will have.
    pub id: MenuItemId,
    /// What staff decided.
    pub details: MenuItemDetails,
    /// Portions on hand at the start; the stock ledger begins with them.
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
    /// Another heading.
    pub category: Option<Category>,
    /// A new price; orders already placed keep theirs.
    pub price: Option<Price>,
    /// Another low mark.
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

/// A row of a menu file: names are the key, so that the same file imported twice changes nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedMenuItem {
    /// With `category`, decides which menu item the row is about.
    pub name: MenuItemName,
    /// With `name`, decides which menu item the row is about.
    pub category: Category,
    /// What a portion costs from now on.
    pub price: Price,
    /// Portions on hand from now on.
    pub stock: Stock,
    /// What the menu says from now on.
    pub description: Description,
}
