//! Stock allocation: which of the orders that arrived can be filled from the stock on hand.

use std::{
    collections::{BTreeMap, HashMap},
    hash::BuildHasher,
};

use crate::{
    AccountId, Basket, BasketLine, Currency, MenuItemId, MenuItemName, Money, MoneyError, NewOrder, OrderLimitReached,
    OrderLine, Price, UnpaidOrders,
};

/// What allocation needs to know about a menu item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StockedItem {
    /// Copied onto every line sold.
    pub name: MenuItemName,
    /// Copied onto every line sold.
    pub price: Price,
    /// The quantity on hand; `None` if it is not counted: there is always enough.
    pub stock: Option<u32>,
    /// Whether it can be ordered: neither switched off nor archived.
    pub on_sale: bool,
}

/// The stock of the menu items that a batch of orders names.
pub type StockOnHand = HashMap<MenuItemId, StockedItem>;

/// A menu item there is not enough of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shortage {
    /// The menu item.
    pub menu_item_id: MenuItemId,
    /// The quantity that the order asked for, all its lines together.
    pub requested: u32,
    /// The quantity that was left after the orders before it.
    pub available: u32,
}

/// Why an order was not filled.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum Refusal {
    /// Lines (counted from 0) that name a menu item which does not exist or is not on sale.
    UnknownItems(Vec<usize>),
    /// Every menu item there is not enough of.
    InsufficientStock(Vec<Shortage>),
    /// The total cannot be computed.
    Total(MoneyError),
    /// The customer's unpaid orders would hold too much.
    Limit(OrderLimitReached),
}

/// An order that can be filled, priced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filled {
    /// The lines as the customer wrote them.
    pub lines: Vec<OrderLine>,
    /// Their sum.
    pub total: Money,
}

/// What was decided about each order, and what that takes from the stock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allocation {
    /// One decision per order, in order of arrival.
    pub decisions: Vec<Result<Filled, Refusal>>,
    /// The quantity that the filled orders take of each menu item that is counted, never zero.
    pub taken: BTreeMap<MenuItemId, u32>,
}

/// Fills orders in order of arrival. Each is filled completely or refused on its own, and a refused order takes
/// nothing. Several lines of the same menu item count together. Nothing is taken of what is not counted.
pub fn allocate<'a>(
    stock: &StockOnHand,
    currency: Currency,
    baskets: impl IntoIterator<Item = &'a Basket>,
) -> Allocation {
    let mut taken = BTreeMap::new();
    let decisions = baskets.into_iter().map(|basket| fill(stock, currency, &mut taken, basket.lines())).collect();
    Allocation { decisions, taken }
}

/// Fills orders like [`allocate`], but refuses those that exceed their customer's limits. `unpaid` is what the unpaid
/// orders of each customer hold; orders that are filled here count from then on, and refused ones do not.
pub fn allocate_within_limits<'a, S: BuildHasher>(
    stock: &StockOnHand,
    currency: Currency,
    orders: impl IntoIterator<Item = &'a NewOrder>,
    mut unpaid: HashMap<AccountId, UnpaidOrders, S>,
) -> Allocation {
    let mut taken = BTreeMap::new();
    let decide = |order: &'a NewOrder| -> Result<Filled, Refusal> {
        let held = unpaid.entry(order.customer_id).or_default();
        let then = order.limits.admit(*held, &order.basket).map_err(Refusal::Limit)?;
        let filled = fill(stock, currency, &mut taken, order.basket.lines())?;
        *held = then;
        Ok(filled)
    };
    let decisions = orders.into_iter().map(decide).collect();
    Allocation { decisions, taken }
}

fn fill(
    stock: &StockOnHand,
    currency: Currency,
    taken: &mut BTreeMap<MenuItemId, u32>,
    lines: &[BasketLine],
) -> Result<Filled, Refusal> {
    let unknown: Vec<usize> = lines
        .iter()
        .enumerate()
        .filter(|(_, line)| !stock.get(&line.menu_item_id).is_some_and(|item| item.on_sale))
        .map(|(position, _)| position)
        .collect();
    if !unknown.is_empty() {
        return Err(Refusal::UnknownItems(unknown));
    }

    let on_hand = |id: &MenuItemId| stock.get(id).and_then(|item| item.stock);
    let mut requested: BTreeMap<MenuItemId, u32> = BTreeMap::new();
    for line in lines.iter().filter(|line| on_hand(&line.menu_item_id).is_some()) {
        // Fifty lines of a hundred each: far from overflowing.
        *requested.entry(line.menu_item_id).or_default() += line.quantity.get();
    }
    let shortages: Vec<Shortage> = requested
        .iter()
        .filter_map(|(&menu_item_id, &requested)| {
            let on_hand = on_hand(&menu_item_id).unwrap_or_default();
            let available = on_hand.saturating_sub(taken.get(&menu_item_id).copied().unwrap_or(0));
            (requested > available).then_some(Shortage { menu_item_id, requested, available })
        })
        .collect();
    if !shortages.is_empty() {
        return Err(Refusal::InsufficientStock(shortages));
    }

    let filled = price(stock, currency, lines).map_err(Refusal::Total)?;
    for (menu_item_id, requested) in requested {
        *taken.entry(menu_item_id).or_default() += requested;
    }
    Ok(filled)
}

fn price(stock: &StockOnHand, currency: Currency, lines: &[BasketLine]) -> Result<Filled, MoneyError> {
    let mut total = Money::zero(currency);
    let mut priced = Vec::with_capacity(lines.len());
    for line in lines {
        let Some(item) = stock.get(&line.menu_item_id) else { continue };
        let line_total = item.price.money().checked_times(line.quantity)?;
        total = total.checked_add(line_total)?;
        priced.push(OrderLine {
            menu_item_id: line.menu_item_id,
            name: item.name.clone(),
            unit_price: item.price.money(),
            quantity: line.quantity,
            line_total,
            note: line.note.clone(),
        });
    }
    Ok(Filled { lines: priced, total })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::{OrderId, OrderLimits, Quantity};

    fn item(n: u128) -> MenuItemId {
        MenuItemId::new(Uuid::from_u128(n))
    }

    fn stock_of<S: Copy + Into<Option<u32>>>(stocks: &[(S, bool)]) -> StockOnHand {
        let item = |(n, &(stock, on_sale)): (usize, &(S, bool))| {
            let stock = stock.into();
            let name = MenuItemName::new(&format!("Item {n}")).expect("a name");
            let price = Price::new(100 + i64::try_from(n).expect("small"), Currency::EUR).expect("a price");
            (item(n as u128), StockedItem { name, price, stock, on_sale })
        };
        stocks.iter().enumerate().map(item).collect()
    }

    fn basket(lines: &[(u128, i64)]) -> Basket {
        let line = |&(n, quantity)| BasketLine {
            menu_item_id: item(n),
            quantity: Quantity::new(quantity).expect("in range"),
            note: None,
        };
        Basket::new(lines.iter().map(line).collect()).expect("1 to 50 lines")
    }

    #[test]
    fn the_same_menu_item_on_several_lines_counts_together() {
        let allocation = allocate(&stock_of(&[(3, true)]), Currency::EUR, &[basket(&[(0, 2), (0, 2)])]);
        let short = Shortage { menu_item_id: item(0), requested: 4, available: 3 };
        assert_eq!(allocation.decisions, [Err(Refusal::InsufficientStock(vec![short]))]);
        assert!(allocation.taken.is_empty());
    }

    #[test]
    fn names_every_shortage_and_every_unknown_line() {
        let stock = stock_of(&[(1, true), (0, true), (5, false)]);
        let allocation =
            allocate(&stock, Currency::EUR, &[basket(&[(0, 2), (1, 1)]), basket(&[(0, 1), (2, 1), (9, 1)])]);
        assert!(matches!(&allocation.decisions[0], Err(Refusal::InsufficientStock(s)) if s.len() == 2));
        assert_eq!(allocation.decisions[1], Err(Refusal::UnknownItems(vec![1, 2])));
    }

    #[test]
    fn a_line_keeps_the_price_and_the_total_is_their_sum() {
        let allocation = allocate(&stock_of(&[(9, true), (9, true)]), Currency::EUR, &[basket(&[(0, 2), (1, 3)])]);
        let filled = allocation.decisions[0].as_ref().expect("enough of both");
        assert_eq!(filled.lines.iter().map(|l| l.line_total.amount()).collect::<Vec<_>>(), [200, 303]);
        assert_eq!(filled.total.amount(), 503);
    }

    #[test]
    fn there_is_always_enough_of_what_is_not_counted() {
        let stock = stock_of(&[(None, true), (Some(1), true), (None, false)]);
        let baskets =
            [basket(&[(0, 100), (1, 1), (0, 100)]), basket(&[(0, 100), (1, 1)]), basket(&[(0, 1)]), basket(&[(2, 1)])];
        let allocation = allocate(&stock, Currency::EUR, &baskets);
        let short = Shortage { menu_item_id: item(1), requested: 1, available: 0 };
        let filled = allocation.decisions[0].as_ref().expect("enough of both");
        assert_eq!((filled.lines.len(), filled.total.amount()), (3, 20_101));
        assert_eq!(allocation.decisions[1], Err(Refusal::InsufficientStock(vec![short])));
        assert!(allocation.decisions[2].is_ok());
        assert_eq!(allocation.decisions[3], Err(Refusal::UnknownItems(vec![0])), "it is switched off all the same");
        assert_eq!(allocation.taken, BTreeMap::from([(item(1), 1)]));
    }

    fn order(customer: u128, limits: OrderLimits, lines: &[(u128, i64)]) -> NewOrder {
        NewOrder {
            id: OrderId::new(Uuid::from_u128(9)),
            customer_id: AccountId::new(Uuid::from_u128(customer)),
            basket: basket(lines),
            note: None,
            placed_at: chrono::DateTime::UNIX_EPOCH,
            idempotency: None,
            limits,
        }
    }

    #[test]
    fn the_orders_of_one_customer_count_together_and_refused_ones_do_not() {
        let limits = OrderLimits { orders: Some(3), quantity: Some(10) };
        let orders = [
            order(1, limits, &[(0, 4)]),
            // More than there is: it takes nothing from the customer's allowance, either.
            order(1, limits, &[(1, 6)]),
            order(1, limits, &[(0, 6)]),
            order(2, limits, &[(0, 6)]),
            order(2, OrderLimits::NONE, &[(0, 50)]),
            order(1, limits, &[(0, 1)]),
        ];
        let unpaid = HashMap::from([(orders[0].customer_id, UnpaidOrders { orders: 1, quantity: 0 })]);
        let allocation = allocate_within_limits(&stock_of(&[(90, true), (5, true)]), Currency::EUR, &orders, unpaid);
        let decided: Vec<_> = allocation.decisions.iter().map(|decision| decision.as_ref().map(|_| ())).collect();
        let short = Refusal::InsufficientStock(vec![Shortage { menu_item_id: item(1), requested: 6, available: 5 }]);
        let full = Refusal::Limit(OrderLimitReached::OpenOrders { limit: 3 });
        assert_eq!(decided, [Ok(()), Err(&short), Ok(()), Ok(()), Ok(()), Err(&full)]);
        assert_eq!(allocation.taken, BTreeMap::from([(item(0), 66)]), "what is refused takes nothing");
    }

    /// One in four is not counted.
    fn stocks() -> impl Strategy<Value = Vec<(Option<u32>, bool)>> {
        let stock = prop::option::weighted(0.75, 0_u32..40);
        prop::collection::vec((stock, prop::bool::weighted(0.9)), 1..6)
    }

    fn baskets() -> impl Strategy<Value = Vec<Basket>> {
        let lines = prop::collection::vec((0_u128..7, 1_i64..=12), 1..6);
        prop::collection::vec(lines.prop_map(|lines| basket(&lines)), 0..30)
    }

    fn quantity(basket: &Basket) -> BTreeMap<MenuItemId, u32> {
        let mut sum = BTreeMap::new();
        for line in basket.lines() {
            *sum.entry(line.menu_item_id).or_insert(0) += line.quantity.get();
        }
        sum
    }

    proptest! {
        #[test]
        fn gives_in_order_of_arrival_exactly_what_there_is(stocks in stocks(), baskets in baskets()) {
            let stock = stock_of(&stocks);
            let allocation = allocate(&stock, Currency::EUR, &baskets);
            prop_assert_eq!(allocation.decisions.len(), baskets.len());

            // The obvious computation: walk the orders and take from a copy of the stock.
            // Of what is not counted there is no end.
            let mut left: BTreeMap<MenuItemId, u64> =
                stock.iter().map(|(&id, item)| (id, item.stock.map_or(u64::MAX, u64::from))).collect();
            for (basket, decision) in baskets.iter().zip(&allocation.decisions) {
                let wanted = quantity(basket);
                let known = wanted.keys().all(|id| stock.get(id).is_some_and(|item| item.on_sale));
                let fits = known && wanted.iter().all(|(id, n)| left[id] >= u64::from(*n));
                prop_assert_eq!(decision.is_ok(), fits, "never refuses what fits, never gives what is not there");
                if fits {
                    for (id, n) in wanted.iter().filter(|(id, _)| stock[id].stock.is_some()) {
                        *left.get_mut(id).expect("known") -= u64::from(*n);
                    }
                } else if known {
                    let is_short = |(id, n): &(&MenuItemId, &u32)| left[*id] < u64::from(**n);
                    let short: BTreeMap<_, _> =
                        wanted.iter().filter(is_short).map(|(id, n)| (*id, (*n, left[id]))).collect();
                    let named: BTreeMap<_, _> = match decision {
                        Err(Refusal::InsufficientStock(s)) => {
                            s.iter().map(|s| (s.menu_item_id, (s.requested, u64::from(s.available)))).collect()
                        }
                        _ => BTreeMap::new(),
                    };
                    prop_assert_eq!(named, short);
                }
            }
            for (id, item) in &stock {
                let taken = allocation.taken.get(id).copied();
                let Some(stock) = item.stock else {
                    prop_assert_eq!(taken, None, "nothing is taken of what is not counted");
                    continue;
                };
                let taken = taken.unwrap_or(0);
                prop_assert!(taken <= stock);
                prop_assert_eq!(u64::from(stock - taken), left[id], "what is taken is what the filled orders hold");
            }
            prop_assert!(allocation.taken.values().all(|&n| n > 0));
        }

        #[test]
        fn refused_orders_have_no_effect(stocks in stocks(), baskets in baskets()) {
            let stock = stock_of(&stocks);
            let with_refused = allocate(&stock, Currency::EUR, &baskets);
            let decided = baskets.iter().zip(&with_refused.decisions);
            let accepted: Vec<_> = decided.filter(|(_, decision)| decision.is_ok()).map(|(basket, _)| basket).collect();
            let without = allocate(&stock, Currency::EUR, accepted);
            prop_assert!(without.decisions.iter().all(Result::is_ok));
            prop_assert_eq!(without.taken, with_refused.taken);
        }

        #[test]
        fn what_is_not_counted_is_as_good_as_a_stock_without_end(stocks in stocks(), baskets in baskets()) {
            let stock = stock_of(&stocks);
            let endless: Vec<(u32, bool)> =
                stocks.iter().map(|&(n, on_sale)| (n.unwrap_or(u32::MAX), on_sale)).collect();
            let counted = allocate(&stock, Currency::EUR, &baskets);
            let mut all = allocate(&stock_of(&endless), Currency::EUR, &baskets);
            all.taken.retain(|id, _| stock[id].stock.is_some());
            prop_assert_eq!(counted, all);
        }
    }
}
