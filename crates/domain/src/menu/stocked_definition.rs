//! What a menu item needs besides itself, and how much there is of it.

use std::{collections::HashMap, sync::Arc};

use crate::{Availability, MenuItemDefinition, OfferedGroup, OfferedOption, OptionSupply, StockLevel, SupplyId};

/// A definition, and how much there is of the supplies that it names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StockedDefinition {
    /// What the menu item takes, and what can be chosen with it.
    pub definition: Arc<MenuItemDefinition>,
    /// How much there is of each supply. Of one that is missing, as it is archived, there is none.
    pub supplies: HashMap<SupplyId, StockLevel>,
}

impl StockedDefinition {
    /// As available as the scarcest thing that is needed: each ingredient, and of each required group as many options
    /// as have to be chosen.
    pub fn availability(&self) -> Availability {
        let ingredients = self.definition.recipe().ingredients().iter();
        let ingredients = ingredients.map(|ingredient| self.of_supply(ingredient.supply_id, ingredient.amount.get()));
        let groups = self.definition.groups().iter().map(|group| self.of_group(group));
        ingredients.chain(groups).max().unwrap_or(Availability::InStock)
    }

    /// Whether an option can be chosen, as far as what it takes goes. One that takes something away can always be.
    pub fn availability_of(&self, option: &OfferedOption) -> Availability {
        let Some(OptionSupply { supply_id, amount }) = option.supply else { return Availability::InStock };
        match u32::try_from(amount.get()) {
            Ok(amount) => self.of_supply(supply_id, amount),
            Err(_) => Availability::InStock,
        }
    }

    fn of_supply(&self, id: SupplyId, amount: u32) -> Availability {
        self.supplies.get(&id).map_or(Availability::SoldOut, |level| level.availability_of(amount))
    }

    fn of_group(&self, group: &OfferedGroup) -> Availability {
        let suffice = |worst: Availability| {
            let options = group.options.iter().filter(|option| self.availability_of(option) <= worst);
            group.bounds.can_be_met_by(options.count())
        };
        let sufficient = [Availability::InStock, Availability::Low].into_iter().find(|worst| suffice(*worst));
        sufficient.unwrap_or(Availability::SoldOut)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::{
        ChoiceBounds, Currency, Ingredient, OptionAmount, OptionGroupId, OptionGroupName, OptionId, OptionName, Price,
        Recipe, RecipeAmount, Stock,
    };

    use Availability::{InStock, Low, SoldOut};

    fn supply(number: u128) -> SupplyId {
        SupplyId::new(Uuid::from_u128(number))
    }

    /// An option that takes so much of this supply.
    fn option(of: u128, amount: i64) -> OfferedOption {
        let amount = OptionAmount::new(amount).expect("in range");
        OfferedOption {
            id: OptionId::new(Uuid::from_u128(of)),
            name: OptionName::stored("Guacamole"),
            price: Price::new(250, Currency::EUR).expect("in range"),
            allergens: vec![],
            supply: Some(OptionSupply { supply_id: supply(of), amount }),
        }
    }

    fn group(min: i64, options: Vec<OfferedOption>) -> OfferedGroup {
        OfferedGroup {
            id: OptionGroupId::new(Uuid::nil()),
            name: OptionGroupName::stored("Extras"),
            bounds: ChoiceBounds::new(min, 9, 1).expect("bounds"),
            options: options.into(),
        }
    }

    /// With so much of the supplies 1, 2 and so on, each of which is low at 20.
    fn stocked(recipe: &[(u128, i64)], groups: Vec<OfferedGroup>, stocks: &[i64]) -> StockedDefinition {
        let ingredient = |&(of, amount): &(u128, i64)| Ingredient {
            supply_id: supply(of),
            amount: RecipeAmount::new(amount).expect("in range"),
        };
        let quantity = |quantity| Stock::new(quantity).expect("in range");
        let level =
            |(of, stock): (u128, &i64)| (supply(of), StockLevel { on_hand: quantity(*stock), low_at: quantity(20) });
        let recipe = Recipe::new(recipe.iter().map(ingredient).collect()).expect("distinct");
        let definition = Arc::new(MenuItemDefinition::new(recipe, groups));
        StockedDefinition { definition, supplies: (1..).zip(stocks).map(level).collect() }
    }

    #[test]
    fn a_menu_item_is_as_available_as_its_scarcest_ingredient() {
        let of = |stocks: &[i64]| stocked(&[(1, 10), (2, 3)], vec![], stocks).availability();
        assert_eq!([of(&[21, 21]), of(&[21, 20]), of(&[9, 21]), of(&[10, 2])], [InStock, Low, SoldOut, SoldOut]);
        assert_eq!(of(&[21]), SoldOut, "the other one is archived");
        assert_eq!(StockedDefinition::default().availability(), InStock);
    }

    #[test]
    fn a_required_group_needs_as_many_options_as_have_to_be_chosen() {
        let of = |min, stocks: &[i64]| {
            stocked(&[], vec![group(min, vec![option(1, 10), option(2, 10)])], stocks).availability()
        };
        assert_eq!([of(0, &[0, 0]), of(1, &[0, 0]), of(1, &[0, 30])], [InStock, SoldOut, InStock]);
        assert_eq!([of(1, &[9, 15]), of(2, &[9, 30]), of(2, &[15, 30])], [Low, SoldOut, Low]);
    }

    #[test]
    fn what_takes_something_away_can_always_be_chosen() {
        let stocked = stocked(&[], vec![], &[0, 30]);
        let of = |option: OfferedOption| stocked.availability_of(&option);
        assert_eq!([of(option(1, -10)), of(option(1, 10)), of(option(2, 10))], [InStock, SoldOut, InStock]);
        assert_eq!(of(OfferedOption { supply: None, ..option(1, 10) }), InStock);
    }
}
