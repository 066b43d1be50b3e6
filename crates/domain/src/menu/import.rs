//! Menu files: what a row says of a menu item.

use crate::{
    Category, Description, FieldRefused, MenuItemDetails, MenuItemId, MenuItemName, NotCounted, Price, Stock,
    StockLevel, ValueRefused, Written,
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
    /// The stock; a new menu item needs it.
    pub stock: Option<ImportedStock>,
    /// The description; a new menu item has none unless the row says so.
    pub description: Option<Written<Description>>,
    /// The low-stock threshold; [`Stock::LOW`] for what is newly counted unless the row says so.
    pub low_stock_at: Option<Written<Stock>>,
    /// Whether it can be ordered; a new menu item can unless the row says otherwise.
    pub active: Option<bool>,
}

/// What a row says of the stock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImportedStock {
    /// Nothing is written. A new menu item is not counted. Another one stays as it is: a cell that was lost must not
    /// let what is counted sell without end.
    Empty,
    /// The menu item is not counted, whatever it was before.
    NotCounted,
    /// The quantity on hand, whether or not the menu item was counted before.
    Counted(Written<Stock>),
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
    pub fn apply_to(
        &self,
        details: MenuItemDetails,
        stock: Option<StockLevel>,
    ) -> Result<(MenuItemDetails, Option<StockLevel>), FieldRefused> {
        let (category, name) = self.place(Some((details.category, details.name)))?;
        let description = match &self.description {
            Some(description) => description.in_place_of(details.description).map_err(of("description"))?,
            None => details.description,
        };
        let active = self.active.unwrap_or(details.active);
        let on_hand = stock.map(|level| level.on_hand);
        let on_hand = match &self.stock {
            None | Some(ImportedStock::Empty) => on_hand,
            Some(ImportedStock::NotCounted) => None,
            Some(ImportedStock::Counted(written)) => Some(in_place_of(written, on_hand).map_err(of("stock"))?),
        };
        let low_at = stock.map(|level| level.low_at);
        let stock = self.level(on_hand, low_at, |written| in_place_of(written, low_at))?;
        let details =
            MenuItemDetails { name, description, category, price: self.price, allergens: details.allergens, active };
        Ok((details, stock))
    }

    /// The stock of a menu item with this quantity on hand, if it is counted, and this low-stock threshold, if it had
    /// one before.
    fn level(
        &self,
        on_hand: Option<Stock>,
        low_at: Option<Stock>,
        quantity: impl Fn(&Written<Stock>) -> Result<Stock, ValueRefused>,
    ) -> Result<Option<StockLevel>, FieldRefused> {
        match (on_hand, &self.low_stock_at) {
            (None, None) => Ok(None),
            (None, Some(_)) => Err(of("low_stock_at")(NotCounted.into())),
            (Some(on_hand), None) => Ok(Some(StockLevel { on_hand, low_at: low_at.unwrap_or(Stock::LOW) })),
            (Some(on_hand), Some(written)) => {
                let low_at = quantity(written).map_err(of("low_stock_at"))?;
                Ok(Some(StockLevel { on_hand, low_at }))
            }
        }
    }

    /// The details and the first stock of the menu item that the import adds.
    ///
    /// # Errors
    ///
    /// One of the values is refused, or the stock is missing.
    pub fn new_item(&self) -> Result<(MenuItemDetails, Option<StockLevel>), FieldRefused> {
        let (category, name) = self.place(None)?;
        let quantity = |written: &Written<Stock>| first_quantity(written, self.id.is_some());
        let on_hand = match &self.stock {
            None => return Err(of("stock")(ValueRefused::Missing)),
            Some(ImportedStock::Empty | ImportedStock::NotCounted) => None,
            Some(ImportedStock::Counted(written)) => Some(quantity(written).map_err(of("stock"))?),
        };
        let stock = self.level(on_hand, None, quantity)?;
        let description = self.description.as_ref().map(Written::checked).transpose().map_err(of("description"))?;
        let details = MenuItemDetails {
            name,
            description: description.unwrap_or_else(|| Description::stored("")),
            category,
            price: self.price,
            allergens: Vec::new(),
            active: self.active.unwrap_or(true),
        };
        Ok((details, stock))
    }
}

/// What is stored after the import, if this is stored before.
fn in_place_of(written: &Written<Stock>, stored: Option<Stock>) -> Result<Stock, ValueRefused> {
    stored.map_or_else(|| written.checked(), |stored| written.in_place_of(stored))
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
            stock: Some(ImportedStock::Counted(Written::<Stock>::new(stock))),
            description: None,
            low_stock_at: None,
            active: None,
        }
    }

    #[test]
    fn a_stock_above_the_greatest_is_imported_if_a_shop_had_it() {
        let row = exported(1_000_050);
        let (details, stock) = row.new_item().unwrap();
        let level = |on_hand| Some(StockLevel { on_hand: Stock::stored(on_hand), low_at: Stock::LOW });
        assert_eq!(stock, level(1_000_050));
        assert_eq!(row.apply_to(details.clone(), stock), Ok((details.clone(), stock)));
        let refused = FieldRefused { field: "stock", why: ValueRefused::Stock(crate::StockOutOfRange) };
        assert_eq!(row.apply_to(details.clone(), level(7)), Err(refused));
        assert_eq!(row.apply_to(details, None), Err(refused), "it was not counted");
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

    #[test]
    fn an_empty_stock_counts_nothing_new_and_leaves_alone_what_is_counted() {
        let row = |stock| ImportedMenuItem { stock: Some(stock), ..exported(0) };
        let (details, level) = exported(7).new_item().unwrap();
        let after = |stock, before| row(stock).apply_to(details.clone(), before).map(|(_, stock)| stock);
        for new in [ImportedStock::Empty, ImportedStock::NotCounted] {
            assert_eq!(row(new).new_item(), Ok((details.clone(), None)));
        }
        assert_eq!(after(ImportedStock::Empty, level), Ok(level));
        assert_eq!(after(ImportedStock::Empty, None), Ok(None));
        assert_eq!(after(ImportedStock::NotCounted, level), Ok(None));
        let counted = ImportedStock::Counted(Stock::stored(7).into());
        assert_eq!(after(counted, None), Ok(level), "with the threshold of what is new");
    }

    #[test]
    fn a_row_with_a_low_stock_threshold_is_about_what_is_counted() {
        let low = |stock| ImportedMenuItem { stock, low_stock_at: Some(Stock::stored(2).into()), ..exported(0) };
        let refused = FieldRefused { field: "low_stock_at", why: ValueRefused::NotCounted(NotCounted) };
        let (details, level) = exported(7).new_item().unwrap();
        assert_eq!(low(Some(ImportedStock::Empty)).new_item(), Err(refused));
        assert_eq!(low(Some(ImportedStock::NotCounted)).apply_to(details.clone(), level), Err(refused));
        assert_eq!(low(None).apply_to(details.clone(), None), Err(refused));
        let lower = Some(StockLevel { on_hand: Stock::stored(7), low_at: Stock::stored(2) });
        assert_eq!(low(None).apply_to(details.clone(), level), Ok((details, lower)));
    }
}
