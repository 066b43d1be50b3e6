//! What menu items and options take of supplies.

use thiserror::Error;

use crate::SupplyId;

/// The amount is not between [`RecipeAmount::MIN`] and [`RecipeAmount::MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("must be between {} and {}", RecipeAmount::MIN, RecipeAmount::MAX)]
pub struct RecipeAmountOutOfRange;

/// How much of a supply goes into one of a menu item, in the supply's unit: 1 to a million.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecipeAmount(u32);

impl RecipeAmount {
    /// The smallest amount.
    pub const MIN: i64 = 1;
    /// The greatest amount: more than that is never in stock.
    pub const MAX: i64 = 1_000_000;

    /// Checks the range.
    pub fn new(amount: i64) -> Result<Self, RecipeAmountOutOfRange> {
        match u32::try_from(amount) {
            Ok(count) if (Self::MIN..=Self::MAX).contains(&amount) => Ok(Self(count)),
            _ => Err(RecipeAmountOutOfRange),
        }
    }

    /// The amount as a number.
    pub const fn get(self) -> u32 {
        self.0
    }
}

/// A supply, and how much of it goes into one of a menu item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ingredient {
    /// The supply.
    pub supply_id: SupplyId,
    /// How much of it, in its unit.
    pub amount: RecipeAmount,
}

/// Why ingredients are no recipe.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum RecipeError {
    /// More than [`Recipe::MAX_INGREDIENTS`].
    #[error("a recipe has at most {} ingredients", Recipe::MAX_INGREDIENTS)]
    TooMany,
    /// The ingredients at these positions name a supply that one before them names.
    #[error("a recipe names a supply once; those at {0:?} name one again")]
    Repeated(Vec<usize>),
}

/// What one of a menu item takes of which supplies, none of them twice. May be empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recipe(Vec<Ingredient>);

impl Recipe {
    /// The most ingredients.
    pub const MAX_INGREDIENTS: usize = 50;

    /// Checks the number of ingredients, and that none repeats another.
    pub fn new(ingredients: Vec<Ingredient>) -> Result<Self, RecipeError> {
        if ingredients.len() > Self::MAX_INGREDIENTS {
            return Err(RecipeError::TooMany);
        }
        let repeated = repetitions(ingredients.iter().map(|ingredient| ingredient.supply_id));
        if repeated.is_empty() { Ok(Self(ingredients)) } else { Err(RecipeError::Repeated(repeated)) }
    }

    /// A recipe that was accepted before, whatever the rules are today.
    pub const fn stored(ingredients: Vec<Ingredient>) -> Self {
        Self(ingredients)
    }

    /// The ingredients, in the order in which they were written.
    pub fn ingredients(&self) -> &[Ingredient] {
        &self.0
    }
}

/// The positions of those that are equal to one before them.
pub(super) fn repetitions<T: Eq + std::hash::Hash>(values: impl IntoIterator<Item = T>) -> Vec<usize> {
    let mut seen = std::collections::HashSet::new();
    values.into_iter().enumerate().filter_map(|(at, value)| (!seen.insert(value)).then_some(at)).collect()
}

/// The amount is zero or beyond ±[`RecipeAmount::MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("must not be 0 and must be between -{max} and {max}", max = RecipeAmount::MAX)]
pub struct OptionAmountOutOfRange;

/// How an option changes what one of a menu item takes of a supply. Below zero it takes something away, as "no cheese"
/// does; never zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OptionAmount(i32);

impl OptionAmount {
    /// Checks the range.
    pub fn new(amount: i64) -> Result<Self, OptionAmountOutOfRange> {
        match i32::try_from(amount) {
            Ok(change) if change != 0 && amount.abs() <= RecipeAmount::MAX => Ok(Self(change)),
            _ => Err(OptionAmountOutOfRange),
        }
    }

    /// How much more, or, if negative, less.
    pub const fn get(self) -> i32 {
        self.0
    }
}

/// A supply, and how an option changes what is taken of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OptionSupply {
    /// The supply.
    pub supply_id: SupplyId,
    /// How much more or less of it, in its unit.
    pub amount: OptionAmount,
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn of(supply: u128) -> Ingredient {
        let amount = RecipeAmount::new(1).expect("in range");
        Ingredient { supply_id: SupplyId::new(Uuid::from_u128(supply)), amount }
    }

    #[test]
    fn a_recipe_takes_something_of_each_supply_once() {
        for amount in [i64::MIN, -1, 0, 1_000_001, 1 << 31, (1 << 32) + 1] {
            assert_eq!(RecipeAmount::new(amount), Err(RecipeAmountOutOfRange), "{amount}");
        }
        assert_eq!(RecipeAmount::new(RecipeAmount::MAX).map(RecipeAmount::get), Ok(1_000_000));
        assert_eq!(Recipe::new(vec![of(1), of(2), of(1), of(2)]), Err(RecipeError::Repeated(vec![2, 3])));
        assert!(Recipe::new((0..50).map(of).collect()).is_ok());
        assert_eq!(Recipe::new((0..51).map(of).collect()), Err(RecipeError::TooMany));
        assert_eq!(Recipe::new(vec![]), Ok(Recipe::default()));
    }

    #[test]
    fn an_option_takes_more_or_less_but_not_nothing() {
        for amount in [i64::MIN, -1_000_001, 0, 1_000_001, 1 << 31] {
            assert_eq!(OptionAmount::new(amount), Err(OptionAmountOutOfRange), "{amount}");
        }
        assert_eq!(OptionAmount::new(-100).map(OptionAmount::get), Ok(-100));
    }
}
