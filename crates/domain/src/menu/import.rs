//! Menu files: what a row says of a menu item.

use crate::{
    Category, Description, FieldRefused, MenuItemDetails, MenuItemId, MenuItemName, Price, Stock, ValueRefused,
    Written,
    import::{first_quantity, of},
};

/// A row of a menu file. What is `None` stays as it is. Importing the same file twice changes nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedMenuItem {
    /// The menu item that the row is about, if the menu has it.
    pub id: Option<MenuItemId>,
    /// The name. With `category` it says which menu item the row is about, unless `id` does.
    pub name: Written<MenuItemName>,
    /// The category.
    pub category: Written<Category>,
    /// The price of one.
    pub price: Price,
    /// The quantity on hand; a new menu item needs it.
    pub stock: Option<Written<Stock>>,
    /// The description; a new menu item has none unless the row says so.
    pub description: Option<Written<Description>>,
    /// The low-stock threshold; [`Stock::LOW`] for a new menu item unless the row says so.
    pub low_stock_at: Option<Written<Stock>>,
    /// Whether it can be ordered; a new menu item can unless the row says otherwise.
    pub active: Option<bool>,
}

impl ImportedMenuItem {
    /// The category and the name after the import. `stored` are those of the menu item with the row's id.
    ///
    /// # Errors
    ///
    /// One of them is refused.
    pub fn place(&self, stored: Option<(Category, MenuItemName)>) -> Result<(Category, MenuItemName), FieldRefused> {
        let (category, name) = match stored {
            Some((category, name)) => (self.category.in_place_of(category), self.name.in_place_of(name)),
            None => (self.category.checked(), self.name.checked()),
        };
        Ok((category.map_err(of("category"))?, name.map_err(of("name"))?))
    }

    /// The details and the stock of a menu item after the import.
    ///
    /// # Errors
    ///
    /// One of the values is refused.
    pub fn apply_to(&self, details: MenuItemDetails, stock: Stock) -> Result<(MenuItemDetails, Stock), FieldRefused> {
        let (category, name) = self.place(Some((details.category, details.name)))?;
        let description = match &self.description {
            Some(description) => description.in_place_of(details.description).map_err(of("description"))?,
            None => details.description,
        };
        let low_stock_at = match &self.low_stock_at {
            Some(low) => low.in_place_of(details.low_stock_at).map_err(of("low_stock_at"))?,
            None => details.low_stock_at,
        };
        let active = self.active.unwrap_or(details.active);
        let stock = match &self.stock {
            Some(written) => written.in_place_of(stock).map_err(of("stock"))?,
            None => stock,
        };
        Ok((MenuItemDetails { name, description, category, price: self.price, low_stock_at, active }, stock))
    }

    /// The details and the first stock of the menu item that the import adds.
    ///
    /// # Errors
    ///
    /// One of the values is refused, or the stock is missing.
    pub fn new_item(&self) -> Result<(MenuItemDetails, Stock), FieldRefused> {
        let (category, name) = self.place(None)?;
        let quantity = |written: &Written<Stock>| first_quantity(written, self.id.is_some());
        let stock = self.stock.as_ref().ok_or(ValueRefused::Missing).and_then(quantity).map_err(of("stock"))?;
        let low_stock_at = self.low_stock_at.as_ref().map(quantity).transpose().map_err(of("low_stock_at"))?;
        let description = self.description.as_ref().map(Written::checked).transpose().map_err(of("description"))?;
        let details = MenuItemDetails {
            name,
            description: description.unwrap_or_else(|| Description::stored("")),
            category,
            price: self.price,
            low_stock_at: low_stock_at.unwrap_or(Stock::LOW),
            active: self.active.unwrap_or(true),
        };
        Ok((details, stock))
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::Currency;

    fn id(number: u128) -> MenuItemId {
        MenuItemId::new(Uuid::from_u128(number))
    }

    fn exported(stock: u32) -> ImportedMenuItem {
        ImportedMenuItem {
            id: Some(id(1)),
            name: Written::<MenuItemName>::new("Soup"),
            category: Written::<Category>::new("Starters"),
            price: Price::new(450, Currency::EUR).unwrap(),
            stock: Some(Written::<Stock>::new(stock)),
            description: None,
            low_stock_at: None,
            active: None,
        }
    }

    #[test]
    fn a_stock_above_the_greatest_is_imported_if_a_shop_had_it() {
        let row = exported(1_000_050);
        let (details, stock) = row.new_item().unwrap();
        assert_eq!(stock.get(), 1_000_050);
        assert_eq!(row.apply_to(details.clone(), stock), Ok((details.clone(), stock)));
        let refused = FieldRefused { field: "stock", why: ValueRefused::Stock(crate::StockOutOfRange) };
        assert_eq!(row.apply_to(details, Stock::stored(7)), Err(refused));
        assert_eq!(ImportedMenuItem { id: None, ..row }.new_item(), Err(refused));
    }

    #[test]
    fn a_row_without_a_stock_is_about_a_menu_item_that_has_one() {
        let row = ImportedMenuItem { stock: None, ..exported(0) };
        let missing = FieldRefused { field: "stock", why: ValueRefused::Missing };
        assert_eq!(row.new_item(), Err(missing));
        let (details, stock) = exported(7).new_item().unwrap();
        assert_eq!(row.apply_to(details.clone(), stock), Ok((details, stock)));
    }
}
