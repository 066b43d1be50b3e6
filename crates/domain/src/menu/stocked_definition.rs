//! What a menu item needs besides itself, and how much there is of it.

use std::{collections::HashMap, sync::Arc};

use super::takers::{Between, Cheapest, GroupTakers, Takers, takes};
use crate::{Availability, Ingredient, MenuItemDefinition, OfferedGroup, OfferedOption, Recipe, StockLevel, SupplyId};

/// A definition, and how much there is of the supplies that it names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StockedDefinition {
    /// What the menu item takes, and what can be chosen with it.
    pub definition: Arc<MenuItemDefinition>,
    /// How much there is of each supply. Of one that is missing, as it is archived, there is none.
    pub supplies: HashMap<SupplyId, StockLevel>,
}

/// What the menu shows of a menu item and of its options.
///
/// A menu item is sold out if there is not enough for its recipe, though it may be ordered without what is missing.
/// Otherwise, what is sold out cannot be ordered, whatever else is chosen, and what is not can be ordered once, if at
/// most one group is required and no option of another one takes something away. With more of them, what each takes at
/// least of a supply is added up, but not whether that can be chosen of several supplies at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Availabilities {
    /// Of the menu item, as far as what it takes goes.
    pub item: Availability,
    /// Of the options of each group, in their order.
    pub options: Vec<Vec<Availability>>,
}

/// What has to be taken of each supply at least, whatever is chosen.
struct Least(HashMap<SupplyId, i64>);

impl Least {
    fn of(recipe: &Recipe, groups: &[GroupTakers]) -> Self {
        let mut least: HashMap<SupplyId, i64> = HashMap::new();
        for ingredient in recipe.ingredients() {
            *least.entry(ingredient.supply_id).or_default() += i64::from(ingredient.amount.get());
        }
        for takers in groups.iter().flat_map(|group| &group.takers) {
            if let Some(supply) = takers.supply {
                *least.entry(supply).or_default() += takers.least;
            }
        }
        Self(least)
    }
}

impl StockedDefinition {
    /// As available as the scarcest thing that is needed: each ingredient, and of each required group as many options
    /// as have to be chosen.
    pub fn availability(&self) -> Availability {
        self.with_all_options().0
    }

    /// The same, and of each option whether it can be chosen, as far as what it takes goes.
    pub fn availabilities(&self) -> Availabilities {
        let (item, groups, least) = self.with_all_options();
        let options = self.definition.groups().iter().zip(&groups);
        let options = options.map(|(group, takers)| self.of_options(group, takers, &least)).collect();
        Availabilities { item, options }
    }

    fn with_all_options(&self) -> (Availability, Vec<GroupTakers>, Least) {
        let groups: Vec<GroupTakers> =
            self.definition.groups().iter().map(|group| GroupTakers::new(group, |it| Some(takes(it)))).collect();
        let least = Least::of(self.definition.recipe(), &groups);
        let availability = match (self.can_be_ordered(&groups, &least), self.is_all_in_stock()) {
            (false, _) => Availability::SoldOut,
            (true, false) => Availability::Low,
            (true, true) => Availability::InStock,
        };
        (availability, groups, least)
    }

    /// Whether it can be ordered of what there is more than a little of, with nothing taken away.
    fn is_all_in_stock(&self) -> bool {
        let in_stock = |supply| self.level(supply) == Availability::InStock;
        let counts = |option: &OfferedOption| match takes(option) {
            (Some(supply), amount) if amount > 0 => in_stock(supply).then_some((Some(supply), amount)),
            _ => Some((None, 0)),
        };
        let groups: Vec<GroupTakers> =
            self.definition.groups().iter().map(|group| GroupTakers::new(group, counts)).collect();
        let recipe = self.definition.recipe();
        recipe.ingredients().iter().all(|ingredient| in_stock(ingredient.supply_id))
            && self.can_be_ordered(&groups, &Least::of(recipe, &groups))
    }

    fn can_be_ordered(&self, groups: &[GroupTakers], least: &Least) -> bool {
        let is_there =
            |ingredient: &Ingredient| i64::from(ingredient.amount.get()) <= self.on_hand(ingredient.supply_id);
        if !self.definition.recipe().ingredients().iter().all(is_there) {
            return false;
        }
        let is_enough = least.0.iter().all(|(supply, least)| *least <= self.on_hand(*supply));
        is_enough && groups.iter().all(|group| group.can_be_met(&self.numbers_that_fit(group, least)))
    }

    fn numbers_that_fit(&self, group: &GroupTakers, least: &Least) -> Vec<Option<Between>> {
        group.numbers_that_fit(|supply, takers| self.room(supply, takers, least))
    }

    /// How much of its supply is left for what is chosen of these, if as little as possible is taken otherwise.
    fn room(&self, supply: SupplyId, takers: &Takers, least: &Least) -> i64 {
        let others = least.0.get(&supply).map_or(0, |least| least - takers.least);
        self.on_hand(supply) - others
    }

    fn of_options(&self, group: &OfferedGroup, takers: &GroupTakers, least: &Least) -> Vec<Availability> {
        let numbers = takers.numbers_beside_others(&self.numbers_that_fit(takers, least));
        // Of each kind of options: the room, and the cheapest choice, if there can be one with it.
        let kinds: HashMap<Option<SupplyId>, (i64, Option<Cheapest>)> = takers
            .takers
            .iter()
            .zip(numbers)
            .map(|(takers, (fewest, most))| {
                let room = takers.supply.map_or(i64::MAX, |supply| self.room(supply, takers, least));
                (takers.supply, (room, (most > 0 && fewest <= most).then(|| takers.cheapest((fewest, most)))))
            })
            .collect();
        let of_option = |option: &OfferedOption| {
            let (supply, amount) = takes(option);
            let fits = match kinds.get(&supply) {
                Some((room, Some(cheapest))) => cheapest.with(amount) <= *room,
                _ => false,
            };
            match supply.filter(|_| amount > 0) {
                _ if !fits => Availability::SoldOut,
                // Something else takes away what it takes.
                Some(supply) => self.level(supply).min(Availability::Low),
                None => Availability::InStock,
            }
        };
        group.options.iter().map(of_option).collect()
    }

    fn on_hand(&self, supply: SupplyId) -> i64 {
        self.supplies.get(&supply).map_or(0, |level| level.on_hand.get().into())
    }

    fn level(&self, supply: SupplyId) -> Availability {
        self.supplies.get(&supply).map_or(Availability::SoldOut, |level| level.availability())
    }
}

#[cfg(test)]
mod tests;
