//! What an order of a menu item may choose, and takes of supplies.

use std::collections::{BTreeMap, HashMap};

use crate::{
    Ingredient, OfferedGroup, OfferedOption, OptionId, Quantity, Recipe, SelectedOption, SelectionFault,
    SelectionMisfit, Selections, SupplyId,
};

/// The recipe of a menu item and the groups that it offers, as they are at one revision of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MenuItemDefinition {
    recipe: Recipe,
    groups: Vec<OfferedGroup>,
    /// Of each option, the positions of its group and within it.
    places: HashMap<OptionId, (usize, usize)>,
}

/// Options that are chosen with a line, each with its group and how often.
pub(crate) type Chosen<'a> = Vec<(&'a OfferedGroup, &'a OfferedOption, Quantity)>;

impl MenuItemDefinition {
    /// From the recipe and the groups.
    pub fn new(recipe: Recipe, groups: Vec<OfferedGroup>) -> Self {
        let options = groups.iter().enumerate().flat_map(|(at, group)| (0..group.options.len()).map(move |n| (at, n)));
        let places = options.map(|(at, n)| (groups[at].options[n].id, (at, n))).collect();
        Self { recipe, groups, places }
    }

    /// What one takes of which supplies before anything is chosen.
    pub const fn recipe(&self) -> &Recipe {
        &self.recipe
    }

    /// The groups, in the order in which the menu shows them.
    pub fn groups(&self) -> &[OfferedGroup] {
        &self.groups
    }

    /// Every supply that an order of the menu item may take something of, as often as it is named.
    pub fn supplies(&self) -> impl Iterator<Item = SupplyId> + '_ {
        let options = self.groups.iter().flat_map(|group| group.options.iter()).filter_map(|option| option.supply);
        let ingredients = self.recipe.ingredients().iter().map(|ingredient| ingredient.supply_id);
        ingredients.chain(options.map(|supply| supply.supply_id))
    }

    /// Every supply that a line with these selections may take something of, as often as it is named.
    pub fn supplies_for(&self, selections: &Selections) -> impl Iterator<Item = SupplyId> {
        let options = selections.as_slice().iter().filter_map(|selection| self.option(selection.option_id)?.supply);
        let ingredients = self.recipe.ingredients().iter().map(|ingredient| ingredient.supply_id);
        ingredients.chain(options.map(|supply| supply.supply_id))
    }

    fn option(&self, id: OptionId) -> Option<&OfferedOption> {
        let &(group, option) = self.places.get(&id)?;
        Some(&self.groups[group].options[option])
    }

    /// The options that are chosen with the line at this position of an order.
    ///
    /// # Errors
    ///
    /// Everything about them that does not fit.
    pub(crate) fn choose(&self, line: usize, selections: &Selections) -> Result<Chosen<'_>, Vec<SelectionFault>> {
        let mut faults = Vec::new();
        let mut chosen = Chosen::with_capacity(selections.as_slice().len());
        let mut of_group = vec![0_u32; self.groups.len()];
        let mut of_option: HashMap<OptionId, u32> = HashMap::new();
        for (at, selection) in selections.as_slice().iter().enumerate() {
            let mut add = |misfit| faults.push(SelectionFault { line, selection: Some(at), misfit });
            let Some(&(group_at, option_at)) = self.places.get(&selection.option_id) else {
                add(SelectionMisfit::UnknownOption);
                continue;
            };
            let group = &self.groups[group_at];
            // A hundred selections of a hundred each: far from overflowing.
            of_group[group_at] += selection.quantity.get();
            let of_option = of_option.entry(selection.option_id).or_default();
            *of_option += selection.quantity.get();
            let (max, max_each) = (group.bounds.max(), group.bounds.max_each());
            if *of_option > max_each {
                add(SelectionMisfit::TooManyOfOption { option: group.options[option_at].name.clone(), max: max_each });
            } else if of_group[group_at] > max {
                add(SelectionMisfit::TooManyOfGroup { group: group.name.clone(), max });
            }
            chosen.push((group, &group.options[option_at], selection.quantity));
        }
        let counted = self.groups.iter().zip(of_group);
        for (group, chosen) in counted.filter(|(group, chosen)| *chosen < group.bounds.min()) {
            let misfit = SelectionMisfit::TooFew { group: group.name.clone(), min: group.bounds.min(), chosen };
            faults.push(SelectionFault { line, selection: None, misfit });
        }
        if faults.is_empty() { Ok(chosen) } else { Err(faults) }
    }

    /// What so many take of each supply, never zero. What options take away is taken from what the recipe and other
    /// options take of the same supply, and from nothing else: without cheese, a pizza takes no cheese, and returns
    /// none either if there was none on it.
    pub(crate) fn takes(&self, quantity: Quantity, chosen: &Chosen<'_>) -> BTreeMap<SupplyId, u64> {
        let mut of_one: BTreeMap<SupplyId, i64> = BTreeMap::new();
        for Ingredient { supply_id, amount } in self.recipe.ingredients() {
            *of_one.entry(*supply_id).or_default() += i64::from(amount.get());
        }
        for (_, option, times) in chosen {
            if let Some(supply) = option.supply {
                // A million, a hundred times, in a hundred selections: far from overflowing, and so is a hundred of it.
                *of_one.entry(supply.supply_id).or_default() += i64::from(supply.amount.get()) * i64::from(times.get());
            }
        }
        let of_all =
            |(id, amount): (SupplyId, i64)| Some((id, u64::try_from(amount).ok().filter(|amount| *amount > 0)?));
        let times = u64::from(quantity.get());
        of_one.into_iter().filter_map(of_all).map(|(id, amount)| (id, amount * times)).collect()
    }
}

/// The options as a line keeps them.
pub(crate) fn selected(chosen: &Chosen<'_>) -> Vec<SelectedOption> {
    let kept = |(group, option, quantity): &(&OfferedGroup, &OfferedOption, Quantity)| SelectedOption {
        option_id: option.id,
        group: group.name.clone(),
        name: option.name.clone(),
        quantity: *quantity,
        unit_price: option.price.money(),
    };
    chosen.iter().map(kept).collect()
}
