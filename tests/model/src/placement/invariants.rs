//! What holds in every state that can be reached, and what has to be reachable so that this means something.

use stateright::{Model, Property};

use super::{Change, Commit, Customer, Decision, Phase, Placement, State, Work, is_cancelled_in, orders_of};

/// The names, by which counterexamples are asked for.
pub mod names {
    /// Nothing is sold twice, and nothing is lost.
    pub const STOCK: &str = "the stock is what there was, less what open orders hold";
    /// It is on disk, too.
    pub const PLACED: &str = "what a customer was told to be placed is placed for good";
    /// Whatever was repeated, and whenever.
    pub const ONCE: &str = "a key places one order, and every response to it names that one";
    /// No order has a price that nobody asked for any more.
    pub const PRICE: &str = "an order is sold for the price of its moment";
    /// The editor and whoever cancels were told the truth.
    pub const DONE: &str = "what was told to be edited or cancelled is so for good";
    /// No step is possible only when nothing is left to do.
    pub const ENDS: &str = "nobody waits for ever";
}

pub(super) fn all() -> Vec<Property<Placement>> {
    vec![
        Property::always(names::STOCK, |model, state: &State| {
            adds_up(model, &state.log) && adds_up(model, &state.log[..state.flushed])
        }),
        Property::always(names::PLACED, |_, state: &State| {
            let on_disk = &state.log[..state.flushed];
            state.told.iter().flatten().all(|told| match *told {
                Decision::Placed(order) => orders_of(on_disk).any(|placed| placed.order == order),
                Decision::Refused { .. } => true,
            })
        }),
        Property::always(names::ONCE, |_, state: &State| {
            Customer::ALL.into_iter().all(|customer| {
                let placed = orders_of(&state.log).filter(|placed| placed.order.customer == customer).count();
                let told = state.told[customer as usize].iter().filter(|told| matches!(told, Decision::Placed(_)));
                placed <= 1 && told.count() <= 1
            })
        }),
        Property::always(names::PRICE, |_, state: &State| {
            let prices = |commit: &Commit| match &commit.change {
                Change::Orders(orders) => orders.iter().all(|placed| placed.price == commit.before.price),
                Change::Cancellation(_) | Change::Edit { .. } => true,
            };
            state.log.iter().all(prices)
        }),
        Property::always(names::DONE, |_, state: &State| {
            let on_disk = &state.log[..state.flushed];
            let has = |change: fn(&Change) -> bool| on_disk.iter().any(|commit| change(&commit.change));
            (state.editor != Work::Told || has(|change| matches!(change, Change::Edit { .. })))
                && (state.canceller != Work::Told || has(|change| matches!(change, Change::Cancellation(_))))
        }),
        Property::always(names::ENDS, |model, state: &State| {
            let is_at_rest = state.holder.is_none()
                && state
                    .servers
                    .iter()
                    .all(|server| server.phase == Phase::Idle && server.waiting.is_empty() && server.untold.is_empty());
            is_at_rest || {
                let mut steps = Vec::new();
                model.actions(state, &mut steps);
                !steps.is_empty()
            }
        }),
        Property::sometimes("both customers are told that their orders are placed", |_, state: &State| {
            state.told.iter().all(|told| told.iter().any(|told| matches!(told, Decision::Placed(_))))
        }),
        Property::sometimes("a customer is refused, and served after a cancellation", |_, state: &State| {
            let told = &state.told[Customer::Impatient as usize];
            told.len() == 2 && state.canceller == Work::Told
        }),
        Property::sometimes("a repetition finds an order that nobody was told of", |_, state: &State| {
            let of = |told: &Decision| matches!(told, Decision::Placed(order) if order.sending < state.sent[0]);
            state.kills > 0 && state.sent[0] > 1 && state.told[Customer::Impatient as usize].iter().any(of)
        }),
        Property::sometimes("one batch decides about both", |_, state: &State| {
            state.servers.iter().flat_map(|server| &server.untold).any(|untold| untold.decided.len() == 2)
        }),
        Property::sometimes("somebody dies between what was sent and its commit", |_, state: &State| {
            state.servers.iter().any(|server| matches!(server.phase, Phase::Orphaned { .. }))
        }),
    ]
}

/// Whether the row says what the ledger and the open orders come to.
fn adds_up(model: &Placement, log: &[Commit]) -> bool {
    let stock = log.last().map_or(model.item, |commit| commit.after).stock;
    let entered: i64 = log
        .iter()
        .map(|commit| match commit.change {
            Change::Edit { delta } => delta,
            Change::Orders(_) | Change::Cancellation(_) => 0,
        })
        .sum();
    let open = orders_of(log).filter(|placed| !is_cancelled_in(log, placed.order));
    let held: i64 = open.map(|placed| i64::from(placed.order.customer.asks_for())).sum();
    i64::from(stock) == i64::from(model.item.stock) + entered - held
}
