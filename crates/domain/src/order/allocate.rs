//! Stock allocation: which of the orders that arrived can be filled from the stock on hand.

use std::{
    collections::{BTreeMap, HashMap},
    hash::BuildHasher,
};

use super::shelf::Demand;
use crate::{
    AccountId, Basket, BasketLine, Currency, Money, MoneyError, NewOrder, OrderLimitReached, OrderLine, QuoteRefused,
    SelectionFault, Shortages, StockOnHand, StockedItem, SupplyId, Taken, UnpaidOrders,
    menu::{Chosen, selected},
};

/// Why an order was not filled.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum Refusal {
    /// Lines (counted from 0) that name a menu item which does not exist or is not on sale.
    UnknownItems(Vec<usize>),
    /// Everything that is chosen, or not chosen, although the menu items do not offer it so.
    InvalidSelections(Vec<SelectionFault>),
    /// Every menu item and every supply there is not enough of.
    InsufficientStock(Shortages),
    /// The total cannot be computed.
    Total(MoneyError),
    /// The customer's unpaid orders would hold too much.
    Limit(OrderLimitReached),
}

impl From<QuoteRefused> for Refusal {
    fn from(refused: QuoteRefused) -> Self {
        match refused {
            QuoteRefused::UnknownItems(lines) => Self::UnknownItems(lines),
            QuoteRefused::InvalidSelections(faults) => Self::InvalidSelections(faults),
            QuoteRefused::Total(error) => Self::Total(error),
        }
    }
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
    /// What the filled orders take.
    pub taken: Taken,
}

/// Fills orders in order of arrival. Each is filled completely or refused on its own, and a refused order takes
/// nothing. Several lines of the same menu item count together, and so does what different menu items and options take
/// of the same supply. Nothing is taken of menu items that are not counted.
pub fn allocate<'a>(
    stock: &StockOnHand,
    currency: Currency,
    baskets: impl IntoIterator<Item = &'a Basket>,
) -> Allocation {
    let mut taken = Taken::default();
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
    let mut taken = Taken::default();
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

/// A line with what it names.
pub(super) struct KnownLine<'a> {
    pub(super) line: &'a BasketLine,
    pub(super) item: &'a StockedItem,
    chosen: Chosen<'a>,
    /// What it takes of each supply.
    pub(super) takes: BTreeMap<SupplyId, u64>,
}

fn fill(stock: &StockOnHand, currency: Currency, taken: &mut Taken, lines: &[BasketLine]) -> Result<Filled, Refusal> {
    let lines = known(stock, lines)?;
    let demand = Demand::of(&lines);
    let shortages = demand.shortages(stock, taken);
    if !shortages.is_empty() {
        return Err(Refusal::InsufficientStock(shortages));
    }
    let filled = price(currency, lines).map_err(Refusal::Total)?;
    demand.take(taken);
    Ok(filled)
}

pub(super) fn known<'a>(stock: &'a StockOnHand, lines: &'a [BasketLine]) -> Result<Vec<KnownLine<'a>>, QuoteRefused> {
    let mut unknown = Vec::new();
    let mut faults = Vec::new();
    let mut known = Vec::with_capacity(lines.len());
    for (position, line) in lines.iter().enumerate() {
        let Some(item) = stock.items.get(&line.menu_item_id).filter(|item| item.on_sale) else {
            unknown.push(position);
            continue;
        };
        match item.definition.choose(position, &line.selections) {
            Ok(chosen) => {
                let takes = item.definition.takes(line.quantity, &chosen);
                known.push(KnownLine { line, item, chosen, takes });
            }
            Err(misfits) => faults.extend(misfits),
        }
    }
    if !unknown.is_empty() {
        Err(QuoteRefused::UnknownItems(unknown))
    } else if !faults.is_empty() {
        Err(QuoteRefused::InvalidSelections(faults))
    } else {
        Ok(known)
    }
}

pub(super) fn price(currency: Currency, lines: Vec<KnownLine<'_>>) -> Result<Filled, MoneyError> {
    let mut total = Money::zero(currency);
    let mut priced = Vec::with_capacity(lines.len());
    for KnownLine { line, item, chosen, takes } in lines {
        let selections = selected(&chosen);
        let line_total = OrderLine::total(item.price.money(), &selections, line.quantity)?;
        total = total.checked_add(line_total)?;
        priced.push(OrderLine {
            menu_item_id: line.menu_item_id,
            name: item.name.clone(),
            unit_price: item.price.money(),
            quantity: line.quantity,
            selections,
            line_total,
            note: line.note.clone(),
            // An order takes no more than there is. A quote may exceed that, and shows nothing of this.
            taken: takes.into_iter().map(|(id, amount)| (id, u32::try_from(amount).unwrap_or(u32::MAX))).collect(),
        });
    }
    Ok(Filled { lines: priced, total })
}

#[cfg(test)]
mod tests;
