//! Menu items alone; `choices` adds what is chosen with them, and supplies.

mod choices;

use proptest::prelude::*;
use std::sync::Arc;

use uuid::Uuid;

use super::*;
use crate::{MenuItemId, MenuItemName, OrderId, OrderLimits, Price, Quantity, Selections, Shortage};

fn item(n: u128) -> MenuItemId {
    MenuItemId::new(Uuid::from_u128(n))
}

fn stock_of<S: Copy + Into<Option<u32>>>(stocks: &[(S, bool)]) -> StockOnHand {
    let item = |(n, &(stock, on_sale)): (usize, &(S, bool))| {
        let stock = stock.into();
        let name = MenuItemName::new(&format!("Item {n}")).expect("a name");
        let price = Price::new(100 + i64::try_from(n).expect("small"), Currency::EUR).expect("a price");
        (item(n as u128), StockedItem { name, price, stock, on_sale, definition: Arc::default() })
    };
    StockOnHand { items: stocks.iter().enumerate().map(item).collect(), supplies: HashMap::new() }
}

fn basket(lines: &[(u128, i64)]) -> Basket {
    let line = |&(n, quantity)| BasketLine {
        menu_item_id: item(n),
        quantity: Quantity::new(quantity).expect("in range"),
        selections: Selections::default(),
        note: None,
    };
    Basket::new(lines.iter().map(line).collect()).expect("1 to 50 lines")
}

#[test]
fn the_same_menu_item_on_several_lines_counts_together() {
    let allocation = allocate(&stock_of(&[(3, true)]), Currency::EUR, &[basket(&[(0, 2), (0, 2)])]);
    let short = Shortage { menu_item_id: item(0), requested: 4, available: 3 };
    assert_eq!(
        allocation.decisions,
        [Err(Refusal::InsufficientStock(Shortages { items: vec![short], supplies: vec![] }))]
    );
    assert!(allocation.taken.items.is_empty());
}

#[test]
fn names_every_shortage_and_every_unknown_line() {
    let stock = stock_of(&[(1, true), (0, true), (5, false)]);
    let allocation = allocate(&stock, Currency::EUR, &[basket(&[(0, 2), (1, 1)]), basket(&[(0, 1), (2, 1), (9, 1)])]);
    assert!(matches!(&allocation.decisions[0], Err(Refusal::InsufficientStock(s)) if s.items.len() == 2));
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
    let short = Shortages { items: vec![short], supplies: vec![] };
    let filled = allocation.decisions[0].as_ref().expect("enough of both");
    assert_eq!((filled.lines.len(), filled.total.amount()), (3, 20_101));
    assert_eq!(allocation.decisions[1], Err(Refusal::InsufficientStock(short)));
    assert!(allocation.decisions[2].is_ok());
    assert_eq!(allocation.decisions[3], Err(Refusal::UnknownItems(vec![0])), "it is switched off all the same");
    assert_eq!(allocation.taken.items, BTreeMap::from([(item(1), 1)]));
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
    let short = Shortage { menu_item_id: item(1), requested: 6, available: 5 };
    let short = Refusal::InsufficientStock(Shortages { items: vec![short], supplies: vec![] });
    let full = Refusal::Limit(OrderLimitReached::OpenOrders { limit: 3 });
    assert_eq!(decided, [Ok(()), Err(&short), Ok(()), Ok(()), Ok(()), Err(&full)]);
    assert_eq!(allocation.taken.items, BTreeMap::from([(item(0), 66)]), "what is refused takes nothing");
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
            stock.items.iter().map(|(&id, item)| (id, item.stock.map_or(u64::MAX, u64::from))).collect();
        for (basket, decision) in baskets.iter().zip(&allocation.decisions) {
            let wanted = quantity(basket);
            let known = wanted.keys().all(|id| stock.items.get(id).is_some_and(|item| item.on_sale));
            let fits = known && wanted.iter().all(|(id, n)| left[id] >= u64::from(*n));
            prop_assert_eq!(decision.is_ok(), fits, "never refuses what fits, never gives what is not there");
            if fits {
                for (id, n) in wanted.iter().filter(|(id, _)| stock.items[id].stock.is_some()) {
                    *left.get_mut(id).expect("known") -= u64::from(*n);
                }
            } else if known {
                let is_short = |(id, n): &(&MenuItemId, &u32)| left[*id] < u64::from(**n);
                let short: BTreeMap<_, _> =
                    wanted.iter().filter(is_short).map(|(id, n)| (*id, (*n, left[id]))).collect();
                let named: BTreeMap<_, _> = match decision {
                    Err(Refusal::InsufficientStock(s)) => {
                        s.items.iter().map(|s| (s.menu_item_id, (s.requested, u64::from(s.available)))).collect()
                    }
                    _ => BTreeMap::new(),
                };
                prop_assert_eq!(named, short);
            }
        }
        for (id, item) in &stock.items {
            let taken = allocation.taken.items.get(id).copied();
            let Some(stock) = item.stock else {
                prop_assert_eq!(taken, None, "nothing is taken of what is not counted");
                continue;
            };
            let taken = taken.unwrap_or(0);
            prop_assert!(taken <= stock);
            prop_assert_eq!(u64::from(stock - taken), left[id], "what is taken is what the filled orders hold");
        }
        prop_assert!(allocation.taken.items.values().all(|&n| n > 0));
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
        let endless: Vec<(u32, bool)> = stocks.iter().map(|&(n, on_sale)| (n.unwrap_or(u32::MAX), on_sale)).collect();
        let counted = allocate(&stock, Currency::EUR, &baskets);
        let mut all = allocate(&stock_of(&endless), Currency::EUR, &baskets);
        all.taken.items.retain(|id, _| stock.items[id].stock.is_some());
        prop_assert_eq!(counted, all);
    }
}
