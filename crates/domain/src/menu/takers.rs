//! What the options of a group take of supplies, and how little of each a choice takes.

use std::collections::BTreeMap;

use crate::{MenuItemDefinition, OfferedGroup, OfferedOption, SupplyId};

/// More than any stock, and far from overflowing.
const ENDLESS: i64 = i64::MAX / 4;

/// What an option takes: of which supply, and how much.
pub(super) fn takes(option: &OfferedOption) -> (Option<SupplyId>, i64) {
    option.supply.map_or((None, 0), |supply| (Some(supply.supply_id), supply.amount.get().into()))
}

/// How many options are chosen, from a least to a greatest number.
pub(super) type Between = (i64, i64);

/// The options of a group that take of the same supply, or of none.
pub(super) struct Takers {
    /// `None`: of none.
    pub(super) supply: Option<SupplyId>,
    /// What each takes, in ascending order. Below zero, it takes away.
    amounts: Vec<i64>,
    max_each: i64,
    /// What those of them that have to be chosen take at least, if the other options of the group suffice for the rest,
    /// and what they take away at most.
    pub(super) least: i64,
}

/// The cheapest way to choose some of them.
#[derive(Clone, Copy)]
pub(super) struct Cheapest {
    /// What it takes.
    pub(super) sum: i64,
    /// The greatest amount among them; `None` if none is chosen.
    greatest: Option<i64>,
    /// Whether another one could be chosen besides.
    has_room: bool,
}

impl Takers {
    /// How many of them can be chosen, whatever there is.
    fn most(&self) -> i64 {
        i64::try_from(self.amounts.len()).unwrap_or(ENDLESS).saturating_mul(self.max_each)
    }

    /// The cheapest way to choose as many as these numbers allow.
    pub(super) fn cheapest(&self, (least, most): Between) -> Cheapest {
        let mut cheapest = Cheapest { sum: 0, greatest: None, has_room: true };
        let (mut missing, mut left) = (least, most);
        for &amount in &self.amounts {
            // What takes away is worth choosing, whether or not it has to be.
            let times = self.max_each.min(if amount < 0 { left } else { missing.min(left) }).max(0);
            if times > 0 {
                cheapest.sum += amount * times;
                cheapest.greatest = Some(amount);
                (missing, left) = (missing - times, left - times);
            }
        }
        cheapest.has_room = left > 0;
        cheapest
    }

    /// The least and the greatest number of them that together take no more than `room`. Every number in between does
    /// so, too: they are chosen in the order of what they take.
    fn numbers_that_fit(&self, room: i64) -> Option<Between> {
        let (mut taken, mut needed, mut fitting) = (0, 0, 0);
        for &amount in &self.amounts {
            if amount <= 0 {
                if taken > room && amount < 0 {
                    let (excess, each) = (taken - room, -amount);
                    needed = fitting + self.max_each.min((excess + each - 1) / each);
                }
                taken += amount * self.max_each;
                fitting += self.max_each;
            } else if taken <= room {
                let times = self.max_each.min((room - taken) / amount);
                taken += amount * times;
                fitting += times;
                if times < self.max_each {
                    break;
                }
            }
        }
        (taken <= room).then_some((needed, fitting))
    }
}

impl Cheapest {
    /// What is taken at least if one that takes `amount` is among them.
    pub(super) fn with(self, amount: i64) -> i64 {
        match self.greatest {
            Some(greatest) if amount <= greatest => self.sum,
            Some(greatest) if greatest > 0 || !self.has_room => self.sum - greatest + amount,
            _ => self.sum + amount,
        }
    }
}

/// A group, by what its options take.
pub(super) struct GroupTakers {
    min: i64,
    max: i64,
    pub(super) takers: Vec<Takers>,
}

impl GroupTakers {
    /// With what each option takes, as `demand_of` has it; without those options for which it has nothing.
    pub(super) fn new(
        group: &OfferedGroup,
        demand_of: impl Fn(&OfferedOption) -> Option<(Option<SupplyId>, i64)>,
    ) -> Self {
        let mut amounts: BTreeMap<Option<SupplyId>, Vec<i64>> = BTreeMap::new();
        for (supply, amount) in group.options.iter().filter_map(demand_of) {
            amounts.entry(supply).or_default().push(amount);
        }
        let max_each = group.bounds.max_each().into();
        let taker = |(supply, mut amounts): (_, Vec<i64>)| {
            amounts.sort_unstable();
            Takers { supply, amounts, max_each, least: 0 }
        };
        let takers = amounts.into_iter().map(taker).collect();
        let mut group = Self { min: group.bounds.min().into(), max: group.bounds.max().into(), takers };
        let any = vec![Some((0, ENDLESS)); group.takers.len()];
        let numbers = group.numbers_beside_others(&any);
        for (takers, numbers) in group.takers.iter_mut().zip(numbers) {
            takers.least = takers.cheapest(numbers).sum;
        }
        group
    }

    /// How many of each kind of options fit, if `room` says how much they may take of each supply. None do where more
    /// would have to be chosen than the group allows.
    pub(super) fn numbers_that_fit(&self, room: impl Fn(SupplyId, &Takers) -> i64) -> Vec<Option<Between>> {
        let room = |takers: &Takers| takers.supply.map_or(ENDLESS, |supply| room(supply, takers));
        let that_fit =
            |takers: &Takers| takers.numbers_that_fit(room(takers)).filter(|(needed, _)| *needed <= self.max);
        self.takers.iter().map(that_fit).collect()
    }

    /// Whether as many as have to be chosen can be, if so many of each kind fit.
    pub(super) fn can_be_met(&self, fitting: &[Option<Between>]) -> bool {
        let Some(fitting) = fitting.iter().copied().collect::<Option<Vec<Between>>>() else { return false };
        let needed: i64 = fitting.iter().map(|(needed, _)| needed).sum();
        let most: i64 = fitting.iter().map(|(_, most)| most).sum();
        needed <= self.max && self.min <= most
    }

    /// How many of each kind can be chosen, if so many of the other kinds fit.
    pub(super) fn numbers_beside_others(&self, fitting: &[Option<Between>]) -> Vec<Between> {
        let each = self.takers.iter().zip(fitting).map(|(takers, fitting)| {
            let (needed, most) = fitting.unwrap_or((0, 0));
            (needed, most.min(takers.most()))
        });
        let each: Vec<Between> = each.collect();
        let needed: i64 = each.iter().map(|(needed, _)| needed).sum();
        let most: i64 = each.iter().map(|(_, most)| most).sum();
        let beside_others = |(takers, own): (&Takers, &Between)| {
            ((self.min - (most - own.1)).max(0), (self.max - (needed - own.0)).min(takers.most()))
        };
        self.takers.iter().zip(&each).map(beside_others).collect()
    }
}

impl Takers {
    /// What those of them that are chosen from a group with these bounds take at least and at most, as far as anything
    /// depends on it.
    fn extent(&self, group: &GroupTakers) -> Between {
        let greatest = self.amounts.last().map_or(0, |amount| (*amount).max(0));
        (self.cheapest((0, group.max)).sum, greatest.saturating_mul(group.min.max(1)))
    }
}

/// Between which amounts lies everything that the menu compares the stock of a supply with, for the sake of a menu
/// item: what it takes at least and at most, with whatever has to be chosen, and with each option. While the stock
/// stays below the least or not below the greatest, nothing changes but whether it is low.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SupplyNeed {
    /// The supply.
    pub supply_id: SupplyId,
    /// The least amount, above zero.
    pub least: u32,
    /// The greatest amount, not below the least.
    pub most: u32,
}

impl MenuItemDefinition {
    /// What the menu item, and what can be chosen with it, need of each supply, in the order of their ids.
    pub fn needs(&self) -> Vec<SupplyNeed> {
        let mut extents: BTreeMap<SupplyId, Between> = BTreeMap::new();
        // What nothing but choices takes of, and nothing takes away, matters from the smallest of them.
        let mut smallest: BTreeMap<SupplyId, i64> = BTreeMap::new();
        for ingredient in self.recipe().ingredients() {
            let (least, greatest) = extents.entry(ingredient.supply_id).or_default();
            *least += i64::from(ingredient.amount.get());
            *greatest += i64::from(ingredient.amount.get());
        }
        for group in self.groups() {
            let group = GroupTakers::new(group, |option| Some(takes(option)));
            for takers in &group.takers {
                if let Some(supply) = takers.supply {
                    let (of_least, of_greatest) = takers.extent(&group);
                    let (least, greatest) = extents.entry(supply).or_default();
                    (*least, *greatest) = (*least + of_least, greatest.saturating_add(of_greatest));
                    let own = if of_least < 0 { Some(1) } else { takers.amounts.iter().copied().find(|it| *it > 0) };
                    if let Some(own) = own {
                        let smallest = smallest.entry(supply).or_insert(own);
                        *smallest = own.min(*smallest);
                    }
                }
            }
        }
        let need = |(supply_id, (least, greatest)): (SupplyId, Between)| {
            let amount = |amount: i64| u32::try_from(amount.max(1)).unwrap_or(u32::MAX);
            let least = if least > 0 { least } else { smallest.get(&supply_id).copied().unwrap_or(1) };
            (greatest > 0).then(|| SupplyNeed { supply_id, least: amount(least), most: amount(greatest) })
        };
        extents.into_iter().filter_map(need).collect()
    }
}
