//! Menu files: what a row says, and which menu item it is about.

use std::{
    collections::{HashMap, HashSet},
    hash::Hash,
};

use thiserror::Error;

use crate::{Category, Description, MenuItemDetails, MenuItemId, MenuItemName, Price, Stock, ValueRefused, Written};

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

/// A value of a row that cannot be imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{field}: {why}")]
pub struct FieldRefused {
    /// Its field of [`ImportedMenuItem`].
    pub field: &'static str,
    /// What is wrong with it.
    pub why: ValueRefused,
}

/// For `map_err`.
const fn of(field: &'static str) -> impl Fn(ValueRefused) -> FieldRefused {
    move |why| FieldRefused { field, why }
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

    /// The details and the first stock of the menu item that the import adds. What a row with an id says of quantities
    /// was the stock of a shop, which can be above [`Stock::MAX`].
    ///
    /// # Errors
    ///
    /// One of the values is refused, or the stock is missing.
    pub fn new_item(&self) -> Result<(MenuItemDetails, Stock), FieldRefused> {
        let (category, name) = self.place(None)?;
        let quantity = |written: &Written<Stock>| match self.id {
            Some(_) => Ok(written.as_it_is()),
            None => written.checked(),
        };
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

/// A menu item as an import finds it. A place is a category and a name, in the form in which they are compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedMenuItem<P> {
    /// The id.
    pub id: MenuItemId,
    /// Where it is on the menu.
    pub place: P,
    /// Whether it shared its place with another before places were unique. It keeps it from others all the same.
    pub is_twin: bool,
}

/// Finds which menu item each row of a file is about: the one with the row's id, or else the one at the row's place
/// that no other row is about. `None`: there is none yet. The result has the positions in `listed`.
///
/// `listed` must have every menu item with the id or the place of a row.
///
/// # Errors
///
/// The positions of the rows that would give a menu item a place that another has, too.
pub fn match_import<P: Clone + Eq + Hash>(
    rows: &[(Option<MenuItemId>, P)],
    listed: &[ListedMenuItem<P>],
) -> Result<Vec<Option<usize>>, Vec<usize>> {
    let by_id: HashMap<MenuItemId, usize> = listed.iter().enumerate().map(|(at, item)| (item.id, at)).collect();
    let mut matched: Vec<Option<usize>> =
        rows.iter().map(|(id, _)| id.and_then(|id| by_id.get(&id).copied())).collect();
    let claimed: HashSet<usize> = matched.iter().flatten().copied().collect();
    let mut by_place: HashMap<&P, Vec<usize>> = HashMap::new();
    for (at, item) in listed.iter().enumerate().filter(|(at, _)| !claimed.contains(at)) {
        by_place.entry(&item.place).or_default().push(at);
    }
    for free in by_place.values_mut() {
        // The last one is taken first: the one that is no twin.
        free.sort_by_key(|&at| !listed[at].is_twin);
    }
    for ((_, place), matched) in rows.iter().zip(&mut matched).filter(|(_, matched)| matched.is_none()) {
        *matched = by_place.get_mut(place).and_then(Vec::pop);
    }

    let about: HashSet<usize> = matched.iter().flatten().copied().collect();
    let untouched = listed.iter().enumerate().filter(|(at, _)| !about.contains(at)).map(|(_, item)| &item.place);
    let mut bearers: HashMap<&P, usize> = HashMap::new();
    for place in untouched.chain(rows.iter().map(|(_, place)| place)) {
        *bearers.entry(place).or_default() += 1;
    }
    let moves_in = |at: usize| matched[at].is_none_or(|item| listed[item].place != rows[at].1);
    let is_taken = |at: &usize| moves_in(*at) && bearers.get(&rows[*at].1).is_some_and(|bearers| *bearers > 1);
    let refused: Vec<usize> = (0..rows.len()).filter(is_taken).collect();
    if refused.is_empty() { Ok(matched) } else { Err(refused) }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::Currency;

    fn id(number: u128) -> MenuItemId {
        MenuItemId::new(Uuid::from_u128(number))
    }

    fn listed(number: u128, place: &'static str) -> ListedMenuItem<&'static str> {
        ListedMenuItem { id: id(number), place, is_twin: false }
    }

    fn twin(number: u128, place: &'static str) -> ListedMenuItem<&'static str> {
        ListedMenuItem { is_twin: true, ..listed(number, place) }
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

    #[test]
    fn a_row_is_about_the_menu_item_with_its_id_or_else_with_its_name() {
        let menu = [listed(1, "soup"), listed(2, "salad")];
        let rows = [(Some(id(1)), "broth"), (None, "salad"), (Some(id(9)), "bread"), (None, "soup")];
        assert_eq!(match_import(&rows, &menu), Ok(vec![Some(0), Some(1), None, None]));
        let swapped = [(Some(id(1)), "salad"), (Some(id(2)), "soup")];
        assert_eq!(match_import(&swapped, &menu), Ok(vec![Some(0), Some(1)]));
        let foreign = [(Some(id(9)), "soup")];
        assert_eq!(match_import(&foreign, &menu), Ok(vec![Some(0)]), "of another shop, by its name");
    }

    #[test]
    fn no_row_gives_a_menu_item_the_name_of_another() {
        let menu = [listed(1, "soup"), listed(2, "salad")];
        assert_eq!(match_import(&[(Some(id(1)), "salad")], &menu), Err(vec![0]));
        assert_eq!(match_import(&[(None, "bread"), (Some(id(9)), "bread")], &menu), Err(vec![0, 1]));
        assert_eq!(match_import(&[(Some(id(1)), "soup"), (None, "soup")], &menu), Err(vec![1]));
    }

    #[test]
    fn twins_stay_what_they_are() {
        let menu = [listed(1, "soup"), twin(2, "soup")];
        let rows = [(Some(id(2)), "soup"), (Some(id(1)), "soup")];
        assert_eq!(match_import(&rows, &menu), Ok(vec![Some(1), Some(0)]));
        assert_eq!(match_import(&[(None, "soup")], &menu), Ok(vec![Some(0)]), "the one that has the name");
        assert_eq!(match_import(&[(None, "soup"), (None, "soup")], &menu), Ok(vec![Some(0), Some(1)]));
        assert_eq!(match_import(&rows, &[]), Err(vec![0, 1]), "there are no new twins");
        let renamed = [(Some(id(1)), "broth"), (None, "soup")];
        assert_eq!(match_import(&renamed, &menu), Ok(vec![Some(0), Some(1)]));
        let taken_over = [(Some(id(1)), "broth"), (Some(id(3)), "soup")];
        let others = [listed(1, "soup"), twin(2, "soup"), listed(3, "stew")];
        assert_eq!(match_import(&taken_over, &others), Err(vec![1]), "the other twin is still called so");
        assert_eq!(match_import(&[(Some(id(3)), "soup")], &others[1..]), Err(vec![0]), "the first one is gone");
        assert_eq!(match_import(&[(None, "soup")], &[twin(2, "soup")]), Ok(vec![Some(0)]));
    }
}
