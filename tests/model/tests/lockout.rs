//! Every state of the model of the lockout, with its guards and without.

#![expect(clippy::print_stdout, reason = "what a checker has seen is for people")]

use std::time::Instant;

use comanda_model::lockout::{Lockout, names};
use stateright::{Checker, HasDiscoveries, Model};

/// Finds a way to a state where this does not hold, one of the shortest, and shows it.
fn breaks(model: Lockout, name: &'static str) {
    let sought = HasDiscoveries::AnyOf([name].into());
    let checker = model.checker().finish_when(sought).spawn_bfs().join();
    let path = checker.assert_any_discovery(name);
    println!("not so: {name}, after {} states\n{path}", checker.unique_state_count());
}

#[test]
fn it_holds() {
    let begin = Instant::now();
    let checker = Lockout::new().checker().threads(2).spawn_bfs().join();
    println!("{} states, {} deep, {:?}", checker.unique_state_count(), checker.max_depth(), begin.elapsed());
    checker.assert_properties();
    assert_eq!(checker.unique_state_count(), 244_687, "docs/proof.md has another number");
}

#[test]
fn attempts_that_are_not_announced_guess_more_often() {
    breaks(Lockout { announces: false, ..Lockout::new() }, names::GUESSES);
}

#[test]
fn a_server_whose_death_is_forgiven_guesses_more_often() {
    breaks(Lockout { counts_the_dead: false, ..Lockout::new() }, names::GUESSES);
}
