//! How a menu item offers option groups.

use std::{collections::HashMap, sync::Arc};

use thiserror::Error;

use super::recipe::repetitions;
use crate::{Allergen, OptionGroup, OptionGroupId, OptionGroupName, OptionId, OptionName, OptionSupply, Price};

/// Why these are no bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum ChoiceBoundsError {
    /// The least number is below 0 or above [`ChoiceBounds::MOST`].
    #[error("must be between 0 and {}", ChoiceBounds::MOST)]
    Min,
    /// The greatest number is below 1 or above [`ChoiceBounds::MOST`].
    #[error("must be between 1 and {}", ChoiceBounds::MOST)]
    Max,
    /// The greatest number of each is below 1 or above [`ChoiceBounds::MOST`].
    #[error("must be between 1 and {}", ChoiceBounds::MOST)]
    MaxEach,
    /// The least number is above the greatest.
    #[error("must not be above max")]
    MinAboveMax,
}

/// How many options of a group go with one of a menu item, an option that is chosen twice counted twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChoiceBounds {
    min: u32,
    max: u32,
    max_each: u32,
}

impl ChoiceBounds {
    /// The most that any bound can be.
    pub const MOST: i64 = 100;

    /// How often each option can be chosen unless staff say otherwise.
    pub const DEFAULT_MAX_EACH: i64 = 1;

    /// Checks each bound, and that there is something between the least and the greatest.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with them.
    pub fn new(min: i64, max: i64, max_each: i64) -> Result<Self, Vec<ChoiceBoundsError>> {
        let within =
            |bound: i64, least: i64| u32::try_from(bound).ok().filter(|_| (least..=Self::MOST).contains(&bound));
        match (within(min, 0), within(max, 1), within(max_each, 1)) {
            (Some(min), Some(max), Some(max_each)) if min <= max => Ok(Self { min, max, max_each }),
            (Some(_), Some(_), Some(_)) => Err(vec![ChoiceBoundsError::MinAboveMax]),
            (min, max, max_each) => Err([
                (min, ChoiceBoundsError::Min),
                (max, ChoiceBoundsError::Max),
                (max_each, ChoiceBoundsError::MaxEach),
            ]
            .into_iter()
            .filter_map(|(bound, error)| bound.is_none().then_some(error))
            .collect()),
        }
    }

    /// The least number of options. Above zero, the group is required.
    pub const fn min(self) -> u32 {
        self.min
    }

    /// The greatest number of options.
    pub const fn max(self) -> u32 {
        self.max
    }

    /// How often each option can be chosen.
    pub const fn max_each(self) -> u32 {
        self.max_each
    }

    /// Whether so many different options suffice for whoever has to choose.
    pub fn can_be_met_by(self, options: usize) -> bool {
        u64::from(self.min) <= (options as u64).saturating_mul(self.max_each.into())
    }
}

/// What a menu item asks for an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OptionPrice {
    /// The option.
    pub option_id: OptionId,
    /// Its price with this menu item, in place of its own.
    pub price: Price,
}

/// That a menu item offers a group, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupOffer {
    /// The group.
    pub group_id: OptionGroupId,
    /// How many of its options go with one of the menu item.
    pub bounds: ChoiceBounds,
    /// The prices that differ from the options' own.
    pub prices: Vec<OptionPrice>,
}

/// Why these cannot be the groups of a menu item.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum GroupOffersError {
    /// More than [`GroupOffers::MAX`].
    #[error("a menu item has at most {} option groups", GroupOffers::MAX)]
    TooMany,
    /// A group, or within a group the price of an option, is there more than once.
    #[error("no group is offered twice, and no option has two prices: {groups:?}, {prices:?}")]
    Repeated {
        /// The positions of groups that one before them is.
        groups: Vec<usize>,
        /// The positions of prices for an option that one before them is for, each behind that of its group.
        prices: Vec<(usize, usize)>,
    },
}

/// The groups that a menu item offers, in the order in which the menu shows them; none of them twice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupOffers(Vec<GroupOffer>);

/// What is wrong with a group that a menu item is to offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum OfferFault {
    /// There is no such group, or it is archived.
    #[error("there is no such option group")]
    UnknownGroup,
    /// More have to be chosen than there are.
    #[error("has too few options to choose so many")]
    TooFewOptions,
    /// The price at this position is for an option that the group does not have.
    #[error("the group has no such option")]
    UnknownOption {
        /// The position among the group's prices.
        price: usize,
    },
}

impl GroupOffers {
    /// The most groups of a menu item.
    pub const MAX: usize = 20;

    /// Checks the number of groups, and that nothing is there twice.
    pub fn new(offers: Vec<GroupOffer>) -> Result<Self, GroupOffersError> {
        if offers.len() > Self::MAX {
            return Err(GroupOffersError::TooMany);
        }
        let groups = repetitions(offers.iter().map(|offer| offer.group_id));
        let prices_of = |(at, offer): (usize, &GroupOffer)| {
            repetitions(offer.prices.iter().map(|price| price.option_id)).into_iter().map(move |price| (at, price))
        };
        let prices: Vec<(usize, usize)> = offers.iter().enumerate().flat_map(prices_of).collect();
        if groups.is_empty() && prices.is_empty() {
            Ok(Self(offers))
        } else {
            Err(GroupOffersError::Repeated { groups, prices })
        }
    }

    /// Offers that were accepted before, whatever the rules are today.
    pub const fn stored(offers: Vec<GroupOffer>) -> Self {
        Self(offers)
    }

    /// The offers, in the order in which the menu shows them.
    pub fn as_slice(&self) -> &[GroupOffer] {
        &self.0
    }

    /// What stands in the way of offering these groups, with the position of each.
    pub fn faults(&self, groups: &HashMap<OptionGroupId, OptionGroup>) -> Vec<(usize, OfferFault)> {
        let faults_of = |(at, offer): (usize, &GroupOffer)| {
            let faults =
                groups.get(&offer.group_id).map_or_else(|| vec![OfferFault::UnknownGroup], |it| offer.faults(it));
            faults.into_iter().map(move |fault| (at, fault))
        };
        self.0.iter().enumerate().flat_map(faults_of).collect()
    }
}

impl GroupOffer {
    fn faults(&self, group: &OptionGroup) -> Vec<OfferFault> {
        let is_known = |id: OptionId| group.options.iter().any(|option| option.id == id);
        let too_few = (!self.bounds.can_be_met_by(group.options.len())).then_some(OfferFault::TooFewOptions);
        let unknown = self.prices.iter().enumerate().filter(|(_, price)| !is_known(price.option_id));
        too_few.into_iter().chain(unknown.map(|(price, _)| OfferFault::UnknownOption { price })).collect()
    }
}

/// A group as a menu item offers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfferedGroup {
    /// The group.
    pub id: OptionGroupId,
    /// Its name.
    pub name: OptionGroupName,
    /// How many of its options go with one of the menu item.
    pub bounds: ChoiceBounds,
    /// Its options, which menu items share that have no prices of their own for them.
    pub options: Arc<[OfferedOption]>,
}

/// An option as a menu item offers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfferedOption {
    /// The option.
    pub id: OptionId,
    /// Its name.
    pub name: OptionName,
    /// What one costs with this menu item.
    pub price: Price,
    /// What must be declared of it.
    pub allergens: Vec<Allergen>,
    /// What it takes of a supply, or takes away from what the menu item takes.
    pub supply: Option<OptionSupply>,
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::{Currency, MenuOption, OptionDetails};

    fn id(number: u128) -> OptionId {
        OptionId::new(Uuid::from_u128(number))
    }

    fn price(amount: i64) -> Price {
        Price::new(amount, Currency::EUR).expect("in range")
    }

    fn group(options: u128) -> OptionGroup {
        let option = |number| MenuOption {
            id: id(number),
            details: OptionDetails {
                name: OptionName::new(&format!("No. {number}")).expect("a name"),
                price: price(50),
                allergens: vec![],
                supply: None,
            },
        };
        OptionGroup {
            id: OptionGroupId::new(Uuid::from_u128(1)),
            name: OptionGroupName::new("Toppings").expect("a name"),
            options: (1..=options).map(option).collect(),
            revision: 1,
            created_at: chrono::DateTime::UNIX_EPOCH,
            updated_at: chrono::DateTime::UNIX_EPOCH,
        }
    }

    fn offer((min, max, max_each): (i64, i64, i64), prices: &[(u128, i64)]) -> GroupOffer {
        let of = |&(number, amount): &(u128, i64)| OptionPrice { option_id: id(number), price: price(amount) };
        GroupOffer {
            group_id: OptionGroupId::new(Uuid::from_u128(1)),
            bounds: ChoiceBounds::new(min, max, max_each).expect("bounds"),
            prices: prices.iter().map(of).collect(),
        }
    }

    #[test]
    fn bounds_leave_something_to_choose() {
        use ChoiceBoundsError::{Max, MaxEach, Min, MinAboveMax};
        assert!(ChoiceBounds::new(0, 1, 1).is_ok() && ChoiceBounds::new(100, 100, 100).is_ok());
        assert_eq!(ChoiceBounds::new(3, 2, 1), Err(vec![MinAboveMax]));
        assert_eq!(ChoiceBounds::new(-1, 0, 101), Err(vec![Min, Max, MaxEach]));
        assert_eq!(ChoiceBounds::new(1 << 32, 1, 1), Err(vec![Min]));
    }

    #[test]
    fn a_required_group_needs_enough_options() {
        let faults = |offer: GroupOffer, options| {
            let groups = HashMap::from([(offer.group_id, group(options))]);
            GroupOffers::new(vec![offer]).expect("distinct").faults(&groups)
        };
        assert_eq!(faults(offer((1, 1, 1), &[]), 0), [(0, OfferFault::TooFewOptions)]);
        assert_eq!(faults(offer((3, 3, 1), &[]), 2), [(0, OfferFault::TooFewOptions)]);
        assert_eq!(faults(offer((3, 3, 2), &[]), 2), []);
        assert_eq!(faults(offer((0, 1, 1), &[]), 0), []);
        let unknown = |price| (0, OfferFault::UnknownOption { price });
        assert_eq!(faults(offer((0, 1, 1), &[(7, 1), (1, 1), (8, 1)]), 1), [unknown(0), unknown(2)]);
        let unknown = GroupOffers::new(vec![offer((0, 1, 1), &[])]).expect("one");
        assert_eq!(unknown.faults(&HashMap::new()), [(0, OfferFault::UnknownGroup)]);
    }

    #[test]
    fn no_group_and_no_price_is_there_twice() {
        let offers = vec![offer((0, 1, 1), &[(1, 5), (2, 5), (1, 6)]), offer((0, 1, 1), &[])];
        let refused = GroupOffersError::Repeated { groups: vec![1], prices: vec![(0, 2)] };
        assert_eq!(GroupOffers::new(offers), Err(refused));
        assert_eq!(GroupOffers::new(vec![offer((0, 1, 1), &[]); 21]), Err(GroupOffersError::TooMany));
    }
}
