use comanda_domain::Availability;
use comanda_proof::{
    ClientId, Digest, Fault, MenuChange, MenuItemShown, MenuShown, Property::Menu, Request, ServerId, Shown,
};

use crate::story::{PRICE, SECOND, Story, done, item, ok};

fn read(story: &mut Story, version: u64, text: &str, revision: u32, time: std::ops::Range<u64>) -> u64 {
    let items = vec![shown(revision)];
    let menu = MenuShown { version, text: Digest::of(text.as_bytes()), items: Some(items) };
    story.call(1, time, Request::ReadMenu, ok(200, Shown::Menu(menu))).sequence
}

fn shown(revision: u32) -> MenuItemShown {
    let (availability, price) = (Availability::InStock, PRICE + i64::from(revision) - 1);
    MenuItemShown { id: item(1), revision, price, availability, stock: None, version: None }
}

/// With an edit that makes revision 2.
fn edited() -> Story {
    let mut story = Story::new();
    (story.tables.items[0].revision, story.tables.items[0].price) = (2, PRICE + 1);
    let change = MenuChange { price: Some(PRICE + 1), ..MenuChange::default() };
    let request = Request::EditItem { item: item(1), if_match: Some(1), change };
    story.call(2, 20..30, request, ok(200, Shown::Item(shown(2))));
    story
}

#[test]
fn a_menu_that_goes_forwards_is_good() {
    let mut story = edited();
    read(&mut story, 1, "a", 1, 5..10);
    read(&mut story, 2, "b", 2, 21..25);
    // Reads at once may be answered in any order, and another process may lag.
    read(&mut story, 1, "a", 1, 22..40);
    let behind = read(&mut story, 1, "a", 1, 50..60);
    story.records[usize::try_from(behind).unwrap()].server = Some(ServerId(2));
    story.is_good();
}

#[test]
fn a_menu_that_goes_back_is_found_unless_the_database_did() {
    let mut story = edited();
    let newer = read(&mut story, 2, "b", 2, 31..35);
    let older = read(&mut story, 1, "a", 1, 40..45);
    story.is_found(Menu, "went from version 2 back to 1", &[newer, older]);
    story.call(9, 36..38, Request::Fault { fault: Fault::Failover }, done());
    story.is_good();
}

#[test]
fn a_server_that_stays_behind_the_others_is_found_unless_something_is_broken() {
    // Another client asks another process.
    let read_there = |story: &mut Story, time| {
        let sequence = read(story, 1, "a", 1, time);
        let there = story.records.last_mut().unwrap();
        (there.client, there.server) = (ClientId(5), Some(ServerId(2)));
        sequence
    };
    let mut story = edited();
    let newer = read(&mut story, 2, "b", 2, 31..35);
    read_there(&mut story, 40..45);
    read_there(&mut story, 15 * SECOND..16 * SECOND);
    story.is_good();
    let older = read_there(&mut story, 16 * SECOND..17 * SECOND);
    story.is_found(Menu, "went from version 2 back to 1", &[newer, older]);
    story.call(9, 2 * SECOND..3 * SECOND, Request::Fault { fault: Fault::Redis }, done());
    story.is_good();
    let older = read_there(&mut story, 19 * SECOND..20 * SECOND);
    story.is_found(Menu, "went from version 2 back to 1", &[newer, older]);
}

#[test]
fn a_version_that_is_two_menus_is_found() {
    let mut story = edited();
    let one = read(&mut story, 2, "b", 2, 31..35);
    let other = read(&mut story, 2, "c", 2, 40..45);
    story.is_found(Menu, "version 2 of the menu was two menus", &[one, other]);
}

#[test]
fn a_revision_that_is_shown_before_its_edit_or_without_one_is_found() {
    let mut story = edited();
    let early = read(&mut story, 2, "b", 2, 5..10);
    story.is_found(Menu, "10 ns before it was asked for", &[0, early]);
    let mut story = edited();
    let never = read(&mut story, 3, "c", 3, 40..45);
    story.is_found(Menu, "was shown, and never committed", &[never]);
}

#[test]
fn a_failover_excuses_only_what_it_may_have_undone() {
    // One that was over before, or had not begun, undid nothing.
    for fault in [1..2, 50..60] {
        let mut story = edited();
        let newer = read(&mut story, 2, "b", 2, 31..35);
        let older = read(&mut story, 1, "a", 1, 40..45);
        story.call(9, fault, Request::Fault { fault: Fault::Failover }, done());
        story.is_found(Menu, "went from version 2 back to 1", &[newer, older]);
    }
    // Afterwards a version may be another menu, and what was committed may be gone.
    let mut story = edited();
    read(&mut story, 2, "b", 2, 31..35);
    story.call(9, 36..38, Request::Fault { fault: Fault::Failover }, done());
    read(&mut story, 2, "c", 2, 40..45);
    (story.tables.items[0].revision, story.tables.items[0].price) = (1, PRICE);
    assert!(story.findings().iter().all(|finding| finding.property != Menu));
}

#[test]
fn a_failover_blinds_nobody_to_what_comes_before_it_or_after() {
    for (one, other, failover) in [(31..35, 40..45, 50..60), (61..65, 70..75, 50..60)] {
        let mut story = edited();
        let one = read(&mut story, 2, "b", 2, one);
        let other = read(&mut story, 2, "c", 2, other);
        story.call(9, failover, Request::Fault { fault: Fault::Failover }, done());
        story.is_found(Menu, "version 2 of the menu was two menus", &[one, other]);
    }
    let mut story = edited();
    story.call(9, 36..38, Request::Fault { fault: Fault::Failover }, done());
    let never = read(&mut story, 3, "c", 3, 40..45);
    story.is_found(Menu, "was shown, and never committed", &[never]);
    // One that was read across it says nothing about those that were read before.
    let mut story = edited();
    let one = read(&mut story, 2, "b", 2, 31..35);
    read(&mut story, 2, "d", 2, 32..55);
    let other = read(&mut story, 2, "c", 2, 36..40);
    story.call(9, 50..60, Request::Fault { fault: Fault::Failover }, done());
    story.is_found(Menu, "version 2 of the menu was two menus", &[one, other]);
    // And what it shows may have been lost.
    let mut story = edited();
    story.call(9, 50..60, Request::Fault { fault: Fault::Failover }, done());
    read(&mut story, 3, "c", 3, 55..65);
    assert!(story.findings().iter().all(|finding| finding.property != Menu));
    // What was read after it is not forgotten for the same version of before.
    let mut story = edited();
    read(&mut story, 2, "b", 2, 31..35);
    story.call(9, 36..38, Request::Fault { fault: Fault::Failover }, done());
    let after = read(&mut story, 2, "c", 2, 40..45);
    let older = read(&mut story, 1, "a", 1, 46..50);
    story.is_found(Menu, "went from version 2 back to 1", &[after, older]);
    // Below a version of before, versions still go forwards.
    let mut story = edited();
    read(&mut story, 9, "i", 2, 31..35);
    story.call(9, 36..38, Request::Fault { fault: Fault::Failover }, done());
    read(&mut story, 2, "b", 2, 40..45);
    let ahead = read(&mut story, 4, "d", 2, 50..55);
    let older = read(&mut story, 3, "c", 2, 60..65);
    story.is_found(Menu, "went from version 4 back to 3", &[ahead, older]);
}

#[test]
fn an_older_menu_beside_a_newer_one_does_not_make_it_forgotten() {
    let mut story = edited();
    let newer = read(&mut story, 2, "b", 2, 31..35);
    read(&mut story, 1, "a", 1, 31..36);
    let older = read(&mut story, 1, "a", 1, 40..45);
    story.is_found(Menu, "went from version 2 back to 1", &[newer, older]);
    // Behind a proxy it may have been another process.
    for record in &mut story.records {
        record.server = None;
    }
    story.is_good();
}

#[test]
fn an_edit_that_changed_nothing_or_was_repeated_did_not_make_the_revision() {
    let mut story = edited();
    let edit = story.records[0].clone();
    story.records[0].outcome = crate::story::unknown();
    read(&mut story, 2, "b", 2, 25..35);
    let again = story.call(2, 40..50, edit.request.clone(), edit.outcome.clone());
    let comanda_proof::Outcome::Response(response) = &mut again.outcome else { unreachable!() };
    response.replayed = true;
    let change = MenuChange { price: Some(PRICE + 1), ..MenuChange::default() };
    let request = Request::EditItem { item: item(1), if_match: Some(2), change };
    story.call(2, 60..70, request, ok(200, Shown::Item(shown(2))));
    story.is_good();
}

#[test]
fn a_revision_that_is_shown_early_is_found_wherever_it_stands_in_the_history() {
    let mut story = edited();
    read(&mut story, 2, "b", 2, 40..45);
    let early = read(&mut story, 2, "b", 2, 5..10);
    story.is_found(Menu, "10 ns before it was asked for", &[0, early]);
    let mut story = edited();
    let early = story.call(1, 5..10, Request::ReadItem { item: item(1) }, ok(200, Shown::Item(shown(2)))).sequence;
    story.is_found(Menu, "10 ns before it was asked for", &[0, early]);
}
