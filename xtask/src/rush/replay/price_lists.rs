//! Which orders of a file were placed at the same prices, and what everything cost then.
//!
//! A file may have several prices for one menu item, with nothing in the line to explain them: a bowl at 8.19, 8.49
//! and 8.75. They are explained by the other lines of the order: who pays 8.49 for a bowl pays 2.49 for guacamole, and
//! who pays 8.75 pays 2.50. So there are several price lists, and an order is of one of them.
//!
//! 1. Orders that agree in a price that others pay differently are of one list, unless they also disagree in one.
//! 2. Orders that agree with no list, because all of their prices are the same everywhere or are found nowhere else,
//!    go to the list that explains what they pay for guacamole; or else to the largest that they do not disagree with.
//! 3. Where a list has a menu item with and without guacamole, the difference is what guacamole costs with it:
//!    nothing, if both cost the same. Where it has only the one or the other, guacamole costs what it mostly does on
//!    the list, or on the largest list if this one does not say.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use anyhow::ensure;

/// The position of a menu item, and whether it is one with what makes it dearer.
pub type Variant = (usize, bool);

/// What one costs, in minor units.
pub type Prices = BTreeMap<Variant, i64>;

/// Orders that were placed at the same prices.
pub struct PriceList {
    /// Their positions.
    pub orders: Vec<usize>,
    /// By the position of the menu item.
    pub items: BTreeMap<usize, ItemPrice>,
}

/// In minor units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ItemPrice {
    pub plain: i64,
    /// What is added for what makes it dearer.
    pub extra: i64,
}

/// The price lists behind orders with these prices, the largest first.
pub fn find_price_lists(orders: &[Prices]) -> anyhow::Result<Vec<PriceList>> {
    let mut everywhere = BTreeMap::<Variant, BTreeSet<i64>>::new();
    for (&variant, &price) in orders.iter().flatten() {
        everywhere.entry(variant).or_default().insert(price);
    }
    let mut drafts = Vec::<Draft>::new();
    for (position, prices) in orders.iter().enumerate() {
        let mut grown = Draft { prices: prices.clone(), orders: vec![position] };
        let mut others = Vec::with_capacity(drafts.len() + 1);
        for draft in drafts {
            let agrees = |(variant, price)| everywhere[variant].len() > 1 && draft.prices.get(variant) == Some(price);
            if prices.iter().any(agrees) && !draft.contradicts(&grown.prices) {
                grown.absorb(draft);
            } else {
                others.push(draft);
            }
        }
        others.push(grown);
        drafts = others;
    }

    drafts.sort_by_key(|draft| Reverse(draft.orders.len()));
    let mut lists = Vec::<Draft>::new();
    for draft in drafts {
        let fits = |list: &Draft| !list.contradicts(&draft.prices);
        let explaining = lists.iter().position(|list| fits(list) && list.explains(&draft.prices));
        match explaining.or_else(|| lists.iter().position(fits)) {
            Some(list) => lists[list].absorb(draft),
            None => lists.push(draft),
        }
    }

    let usual = lists.first().and_then(Draft::surcharge).unwrap_or(0);
    lists.iter().map(|list| list.finish(&everywhere, usual)).collect()
}

struct Draft {
    prices: Prices,
    orders: Vec<usize>,
}

impl Draft {
    fn contradicts(&self, prices: &Prices) -> bool {
        prices.iter().any(|(variant, price)| self.prices.get(variant).is_some_and(|own| own != price))
    }

    /// Whether any of these is a price of the list and what is mostly added to it.
    fn explains(&self, prices: &Prices) -> bool {
        self.surcharge().is_some_and(|surcharge| {
            let plain =
                |(&(item, dearer), price): (&Variant, &i64)| dearer.then_some(((item, false), price - surcharge));
            prices.iter().filter_map(plain).any(|(variant, price)| self.prices.get(&variant) == Some(&price))
        })
    }

    fn absorb(&mut self, other: Self) {
        self.prices.extend(other.prices);
        self.orders.extend(other.orders);
    }

    /// What is mostly added, where it is not included.
    fn surcharge(&self) -> Option<i64> {
        let mut counts = BTreeMap::<i64, usize>::new();
        for (&(item, _), price) in self.prices.iter().filter(|((_, dearer), _)| *dearer) {
            if let Some(surcharge) = self.prices.get(&(item, false)).map(|plain| price - plain).filter(|more| *more > 0)
            {
                *counts.entry(surcharge).or_default() += 1;
            }
        }
        counts.into_iter().max_by_key(|(_, count)| *count).map(|(surcharge, _)| surcharge)
    }

    fn finish(&self, everywhere: &BTreeMap<Variant, BTreeSet<i64>>, usual: i64) -> anyhow::Result<PriceList> {
        let surcharge = self.surcharge().unwrap_or(usual);
        let price = |item: usize| {
            let (plain, dearer) = (self.prices.get(&(item, false)), self.prices.get(&(item, true)));
            let price = match (plain, dearer) {
                (Some(&plain), Some(dearer)) => ItemPrice { plain, extra: dearer - plain },
                (Some(&plain), None) => ItemPrice { plain, extra: surcharge },
                // What costs the same elsewhere, with and without, costs it here.
                (None, Some(dearer)) if everywhere.get(&(item, false)) == Some(&BTreeSet::from([*dearer])) => {
                    ItemPrice { plain: *dearer, extra: 0 }
                }
                (None, Some(dearer)) if *dearer >= surcharge => {
                    ItemPrice { plain: dearer - surcharge, extra: surcharge }
                }
                (None, dearer) => ItemPrice { plain: dearer.copied().unwrap_or(0), extra: 0 },
            };
            ensure!(price.extra >= 0, "a menu item is cheaper with more on it");
            Ok((item, price))
        };
        let items: BTreeSet<usize> = self.prices.keys().map(|&(item, _)| item).collect();
        let items = items.into_iter().map(price).collect::<anyhow::Result<_>>()?;
        Ok(PriceList { orders: self.orders.clone(), items })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOWL: usize = 0;
    const BURRITO: usize = 1;
    const SODA: usize = 2;
    const COMBO: usize = 3;

    fn found(orders: &[&[(Variant, i64)]]) -> Vec<PriceList> {
        let orders: Vec<Prices> = orders.iter().map(|prices| prices.iter().copied().collect()).collect();
        find_price_lists(&orders).unwrap()
    }

    #[test]
    fn orders_that_share_a_price_are_of_one_list_and_what_is_added_differs_between_lists() {
        let lists = found(&[
            &[((BOWL, false), 875), ((SODA, false), 109)],
            &[((BOWL, true), 1125), ((BURRITO, false), 925)],
            &[((BOWL, false), 849), ((BOWL, true), 1098)],
            &[((BURRITO, false), 925), ((BOWL, false), 875)],
            &[((SODA, false), 109)],
            &[((COMBO, true), 740), ((BURRITO, true), 1148)],
            &[((COMBO, false), 740), ((BURRITO, false), 899), ((BOWL, false), 849)],
        ]);
        let prices: Vec<_> =
            lists.iter().map(|list| (list.orders.len(), list.items[&BOWL], list.items[&BURRITO])).collect();
        let price = |plain, extra| ItemPrice { plain, extra };
        assert_eq!(prices, [(4, price(875, 250), price(925, 250)), (3, price(849, 249), price(899, 249))]);
        assert_eq!(lists[1].items[&COMBO], price(740, 0), "with this one, nothing is added");
    }

    #[test]
    fn an_order_with_a_price_of_its_own_is_of_no_list_that_it_disagrees_with() {
        let lists = found(&[
            &[((BOWL, false), 849), ((BOWL, true), 1098)],
            &[((BOWL, false), 849), ((BURRITO, true), 1148)],
            &[((BOWL, false), 849), ((BURRITO, true), 1149)],
        ]);
        let orders: Vec<_> = lists.iter().map(|list| list.orders.len()).collect();
        assert_eq!(orders, [2, 1]);
        assert_eq!(lists[1].items[&BURRITO], ItemPrice { plain: 900, extra: 249 });
    }
}
