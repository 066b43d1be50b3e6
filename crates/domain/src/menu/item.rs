//! Menu items.

use crate::{
    Allergen, Availability, Category, Description, MenuItemId, MenuItemName, NotCounted, Price, StationAssignment,
    StationId, Stock, StockLevel, StockedDefinition, Timestamp,
};

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
    /// What must be declared of it whatever is chosen with it, each once, in the order of [`Allergen`].
    pub allergens: Vec<Allergen>,
    /// Whether it is on the menu and can be ordered.
    pub active: bool,
}

/// A menu item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MenuItem {
    /// The id, which never changes.
    pub id: MenuItemId,
    /// The details, which staff decide.
    pub details: MenuItemDetails,
    /// How much there is; `None` if it is not counted.
    pub stock: Option<StockLevel>,
    /// Where it is made; `None`: where its category is. Customers are not shown it.
    pub station: Option<StationId>,
    /// What it takes of supplies, and what can be chosen with it.
    pub definition: StockedDefinition,
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
    /// What customers may know about the stock, and about the stock of whatever it needs. What is not counted is there.
    pub fn availability(&self) -> Availability {
        let own = self.stock.map_or(Availability::InStock, StockLevel::availability);
        own.max(self.definition.availability())
    }

    /// The quantity on hand, if it is counted.
    pub fn on_hand(&self) -> Option<u32> {
        self.stock.map(|level| level.on_hand.get())
    }
}

/// A menu item to be added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMenuItem {
    /// The id it will have.
    pub id: MenuItemId,
    /// The details, which staff decide.
    pub details: MenuItemDetails,
    /// How much there is at first, with which the stock ledger begins; `None` if it is not to be counted.
    pub stock: Option<StockLevel>,
    /// Where it is made; `None`: where its category is.
    pub station: Option<StationId>,
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
    /// What must be declared of it from now on, each once, in the order of [`Allergen`].
    pub allergens: Option<Vec<Allergen>>,
    /// A new low-stock threshold, for a menu item that is counted.
    pub low_stock_at: Option<Stock>,
    /// Where it is made from now on.
    pub station: Option<StationAssignment>,
    /// On or off the menu.
    pub active: Option<bool>,
}

impl MenuItemEdit {
    /// The details and the stock after this edit, which changes no quantity. The station is apart from them.
    ///
    /// # Errors
    ///
    /// It has a low-stock threshold, and the menu item is not counted.
    pub fn apply_to(
        self,
        details: MenuItemDetails,
        stock: Option<StockLevel>,
    ) -> Result<(MenuItemDetails, Option<StockLevel>), NotCounted> {
        let stock = match (self.low_stock_at, stock) {
            (Some(low_at), Some(level)) => Some(StockLevel { low_at, ..level }),
            (Some(_), None) => return Err(NotCounted),
            (None, stock) => stock,
        };
        let details = MenuItemDetails {
            name: self.name.unwrap_or(details.name),
            description: self.description.unwrap_or(details.description),
            category: self.category.unwrap_or(details.category),
            price: self.price.unwrap_or(details.price),
            allergens: self.allergens.unwrap_or(details.allergens),
            active: self.active.unwrap_or(details.active),
        };
        Ok((details, stock))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Currency;

    #[test]
    fn a_low_stock_threshold_is_only_for_what_is_counted() {
        let details = MenuItemDetails {
            name: MenuItemName::stored("Margherita"),
            description: Description::stored(""),
            category: Category::stored("Pizza"),
            price: Price::new(900, Currency::EUR).unwrap(),
            allergens: vec![Allergen::Milk],
            active: true,
        };
        let level = |low_at| StockLevel { on_hand: Stock::stored(7), low_at: Stock::stored(low_at) };
        let lower = || MenuItemEdit { low_stock_at: Some(Stock::stored(7)), ..MenuItemEdit::default() };
        let (same, lowered) = lower().apply_to(details.clone(), Some(level(5))).unwrap();
        assert_eq!((&same, lowered), (&details, Some(level(7))));
        assert_eq!(lower().apply_to(details.clone(), None), Err(NotCounted));
        let switched_off = MenuItemEdit { active: Some(false), ..MenuItemEdit::default() };
        let off = MenuItemDetails { active: false, ..details.clone() };
        assert_eq!(switched_off.apply_to(details, None), Ok((off, None)));
    }
}
