//! Menu files: what a row says, and which menu item it is about.

use std::{
    collections::{HashMap, HashSet},
    hash::Hash,
};

use crate::{Category, Description, MenuItemDetails, MenuItemId, MenuItemName, Price, Stock};

/// A row of a menu file. What is `None` stays as it is. Importing the same file twice changes nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedMenuItem {
    /// The menu item that the row is about, if the menu has it.
    pub id: Option<MenuItemId>,
    /// The name. With `category` it says which menu item the row is about, unless `id` does.
    pub name: MenuItemName,
    /// The category.
    pub category: Category,
    /// The price of one.
    pub price: Price,
    /// The quantity on hand.
    pub stock: Stock,
    /// The description; a new menu item has none unless the row says so.
    pub description: Option<Description>,
    /// The low-stock threshold; [`Stock::LOW`] for a new menu item unless the row says so.
    pub low_stock_at: Option<Stock>,
    /// Whether it can be ordered; a new menu item can unless the row says otherwise.
    pub active: Option<bool>,
}

impl ImportedMenuItem {
    /// The details of a menu item after the import.
    pub fn apply_to(&self, details: MenuItemDetails) -> MenuItemDetails {
        MenuItemDetails {
            name: self.name.clone(),
            description: self.description.clone().unwrap_or(details.description),
            category: self.category.clone(),
            price: self.price,
            low_stock_at: self.low_stock_at.unwrap_or(details.low_stock_at),
            active: self.active.unwrap_or(details.active),
        }
    }

    /// The details of a menu item that the import adds.
    pub fn new_details(&self) -> MenuItemDetails {
        self.apply_to(MenuItemDetails {
            name: self.name.clone(),
            description: Description::stored(""),
            category: self.category.clone(),
            price: self.price,
            low_stock_at: Stock::LOW,
            active: true,
        })
    }
}

/// A menu item as an import finds it. A place is a category and a name, in the form in which they are compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedMenuItem<P> {
    /// The id.
    pub id: MenuItemId,
    /// Where it is on the menu.
    pub place: P,
    /// Whether it shares its place with another, since before places were unique.
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
    let untouched = listed.iter().enumerate().filter(|(at, item)| !about.contains(at) && !item.is_twin);
    let mut holders: HashMap<&P, usize> = HashMap::new();
    for (_, item) in untouched {
        *holders.entry(&item.place).or_default() += 1;
    }
    let stays = |matched: Option<usize>, place: &P| matched.map(|at| &listed[at]).filter(|item| item.place == *place);
    for ((_, place), &matched) in rows.iter().zip(&matched) {
        if stays(matched, place).is_none_or(|item| !item.is_twin) {
            *holders.entry(place).or_default() += 1;
        }
    }
    let moves_in = |(_, ((_, place), matched)): &(usize, (&(_, P), &Option<usize>))| stays(**matched, place).is_none();
    let refused: Vec<usize> = rows
        .iter()
        .zip(&matched)
        .enumerate()
        .filter(|row| holders.get(&row.1.0.1).is_some_and(|holders| *holders > 1) && moves_in(row))
        .map(|(at, _)| at)
        .collect();
    if refused.is_empty() { Ok(matched) } else { Err(refused) }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn id(number: u128) -> MenuItemId {
        MenuItemId::new(Uuid::from_u128(number))
    }

    fn listed(number: u128, place: &'static str) -> ListedMenuItem<&'static str> {
        ListedMenuItem { id: id(number), place, is_twin: false }
    }

    fn twin(number: u128, place: &'static str) -> ListedMenuItem<&'static str> {
        ListedMenuItem { is_twin: true, ..listed(number, place) }
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
    }
}
