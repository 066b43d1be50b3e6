//! Every state of the model of placing orders, with its guards and without.

#![expect(clippy::print_stdout, reason = "what a checker has seen is for people")]
#![expect(clippy::unwrap_used, reason = "a failed step is a failed test")]

use std::time::Instant;

use comanda_domain::{StockChange, StockDelta};
use comanda_model::placement::{Edit, Keys, Placement, Response, Write, invariants::names};
use stateright::{Checker, HasDiscoveries, Model};

/// Looks at every state. There are as many as `docs/proof.md` says.
fn holds(model: Placement, states: usize) {
    let (begin, what) = (Instant::now(), format!("{:?}, early release: {}", model.edit, model.releases_early));
    let checker = model.checker().threads(2).spawn_bfs().join();
    println!("{what}: {} states, {} deep, {:?}", checker.unique_state_count(), checker.max_depth(), begin.elapsed());
    checker.assert_properties();
    assert_eq!(checker.unique_state_count(), states, "docs/proof.md has another number");
}

/// Finds a way to a state where this does not hold, one of the shortest, and shows it.
fn breaks(model: Placement, name: &'static str) {
    let sought = HasDiscoveries::AnyOf([name].into());
    let checker = model.checker().finish_when(sought).spawn_bfs().join();
    let path = checker.assert_any_discovery(name);
    println!("not so: {name}, after {} states\n{path}", checker.unique_state_count());
}

fn one_more() -> Edit {
    Edit::Stock(StockChange::By(StockDelta::new(1).unwrap()))
}

#[test]
fn it_holds_while_the_price_changes() {
    holds(Placement::new(Edit::Price(2)), 420_293);
}

#[test]
fn it_holds_while_the_stock_is_adjusted() {
    holds(Placement::new(one_more()), 535_813);
}

#[test]
fn it_holds_with_locks_that_are_released_before_the_flush() {
    holds(Placement { releases_early: true, ..Placement::new(one_more()) }, 1_631_618);
}

#[test]
fn it_holds_with_the_lock_alone() {
    holds(Placement { compares_version: false, ..Placement::new(Edit::Price(2)) }, 420_293);
}

#[test]
fn it_holds_with_the_version_alone() {
    holds(Placement { locks_row: false, ..Placement::new(Edit::Price(2)) }, 947_515);
}

#[test]
fn without_lock_and_version_an_order_has_an_old_price() {
    let unguarded = Placement { locks_row: false, compares_version: false, ..Placement::new(Edit::Price(2)) };
    breaks(unguarded, names::PRICE);
}

#[test]
fn without_lock_and_version_a_computed_stock_forgets_orders() {
    let unguarded = Placement { locks_row: false, compares_version: false, ..Placement::new(one_more()) };
    breaks(Placement { write: Write::Computed, ..unguarded }, names::STOCK);
}

#[test]
fn a_response_before_the_flush_tells_of_an_order_that_is_not_on_disk() {
    for releases_early in [false, true] {
        let early = Placement { releases_early, response: Response::BeforeFlush, ..Placement::new(one_more()) };
        breaks(early, names::PLACED);
    }
}

#[test]
fn a_key_that_is_not_looked_up_orders_twice() {
    breaks(Placement { keys: Keys::Ignored, ..Placement::new(one_more()) }, names::ONCE);
}
