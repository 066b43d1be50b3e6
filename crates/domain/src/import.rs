//! Files of menu items and supplies: which of them a row is about, and what is wrong with it.

use std::{
    collections::{HashMap, HashSet},
    hash::Hash,
};

use thiserror::Error;

use crate::{Stock, ValueRefused, Written};

/// A value of a row that cannot be imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{field}: {why}")]
pub struct FieldRefused {
    /// Which one: its field of [`ImportedMenuItem`](crate::ImportedMenuItem), say.
    pub field: &'static str,
    /// What is wrong with it.
    pub why: ValueRefused,
}

/// For `map_err`.
pub(crate) const fn of(field: &'static str) -> impl Fn(ValueRefused) -> FieldRefused {
    move |why| FieldRefused { field, why }
}

/// What every row comes to.
///
/// # Errors
///
/// The positions of those that are refused, each with what is wrong with it.
pub fn all_accepted<T>(
    rows: impl IntoIterator<Item = Result<T, FieldRefused>>,
) -> Result<Vec<T>, Vec<(usize, FieldRefused)>> {
    let (mut accepted, mut refused) = (Vec::new(), Vec::new());
    for (position, row) in rows.into_iter().enumerate() {
        match row {
            Ok(value) => accepted.push(value),
            Err(why) => refused.push((position, why)),
        }
    }
    if refused.is_empty() { Ok(accepted) } else { Err(refused) }
}

/// A quantity of something that an import adds. What a row with an id says was the stock of a shop, which can be above
/// [`Stock::MAX`].
pub(crate) fn first_quantity(written: &Written<Stock>, has_id: bool) -> Result<Stock, ValueRefused> {
    if has_id { Ok(written.as_it_is()) } else { written.checked() }
}

/// A menu item or a supply that a row may be about, as an import finds it. A place is what must be unique, in the form
/// in which it is compared: a menu item's category and name, a supply's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate<I, P> {
    /// The id.
    pub id: I,
    /// Where it is on the list.
    pub place: P,
    /// Whether it shared its place with another before places were unique. It keeps it from others all the same.
    pub is_twin: bool,
}

/// Finds what each row of a file is about: the one with the row's id, or else the one at the row's place that no other
/// row is about. `None`: there is none yet. The result has the positions in `listed`.
///
/// `listed` must have everything with the id or the place of a row.
///
/// # Errors
///
/// The positions of the rows that would give something a place that something else has, too.
pub fn match_import<I: Copy + Eq + Hash, P: Clone + Eq + Hash>(
    rows: &[(Option<I>, P)],
    listed: &[Candidate<I, P>],
) -> Result<Vec<Option<usize>>, Vec<usize>> {
    let by_id: HashMap<I, usize> = listed.iter().enumerate().map(|(at, item)| (item.id, at)).collect();
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
    use crate::MenuItemId;

    fn id(number: u128) -> MenuItemId {
        MenuItemId::new(Uuid::from_u128(number))
    }

    fn listed(number: u128, place: &'static str) -> Candidate<MenuItemId, &'static str> {
        Candidate { id: id(number), place, is_twin: false }
    }

    fn twin(number: u128, place: &'static str) -> Candidate<MenuItemId, &'static str> {
        Candidate { is_twin: true, ..listed(number, place) }
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
