//! Imports of the menu, which change prices and stocks without a call.

use comanda_domain::Availability;
use comanda_proof::{
    Counter, LedgerRow, MenuItemShown,
    Property::{Menu, Stock, Versions},
    Request, Shown,
};

use crate::story::{PRICE, Story, done, item, ok, unknown};

const REASON: &str = "menu import";

/// Five are there, and an import makes it eight, at another price.
fn imported() -> Story {
    let mut story = Story::with_stock(5);
    let row = &mut story.tables.items[0];
    (row.version, row.revision, row.price, row.stock) = (2, 2, PRICE + 1, Some(8));
    story.tables.ledger.push(LedgerRow { of: Counter::Item(item(1)), delta: 3, reason: REASON.to_owned() });
    story.call(9, 10..20, Request::Import { reason: REASON.to_owned() }, done());
    story
}

fn read(story: &mut Story, version: u64, revision: u32, stock: i64, time: std::ops::Range<u64>) -> u64 {
    let (availability, price) = (Availability::InStock, PRICE + i64::from(revision) - 1);
    let (stock, version) = (Some(stock), Some(version));
    let shown = MenuItemShown { id: item(1), revision, price, availability, stock, version };
    story.call(2, time, Request::ReadItem { item: item(1) }, ok(200, Shown::Item(shown))).sequence
}

#[test]
fn an_import_that_raises_versions_and_is_in_the_ledger_is_good_whether_or_not_it_said_so() {
    let mut story = imported();
    read(&mut story, 1, 1, 5, 1..5);
    read(&mut story, 1, 1, 5, 11..15);
    read(&mut story, 2, 2, 8, 21..25);
    story.is_good();
    // It may have been done later, or in part of the time that nobody knows of.
    story.records[0].outcome = unknown();
    story.is_good();
}

#[test]
fn what_an_import_has_brought_can_be_sold_and_not_before_it_began() {
    let mut story = imported();
    story.tables.items[0].price = PRICE;
    story.place(1, 1, 8, 15..25);
    story.is_good();
    (story.records[1].begin, story.records[1].end) = (1, 9);
    story.is_found(Stock, "3 more were sold than there were", &[1]);
}

#[test]
fn an_import_that_is_missing_in_the_ledger_is_found() {
    let mut story = imported();
    story.tables.ledger.pop();
    story.is_found(Stock, "8 are left, and its ledger and orders come to 5", &[]);
}

#[test]
fn an_import_whose_versions_go_back_or_were_never_there_is_found() {
    let mut story = imported();
    let newer = read(&mut story, 2, 2, 8, 21..25);
    let older = read(&mut story, 1, 2, 5, 31..35);
    story.is_found(Versions, "was at version 2, and later at version 1", &[newer, older]);
    let unwritten = read(&mut story, 2, 3, 8, 41..45);
    story.is_found(Menu, "was shown, and never committed", &[unwritten]);
}

#[test]
fn an_import_that_changes_a_price_and_raises_no_revision_is_found() {
    let mut story = imported();
    story.tables.items[0].revision = 1;
    let before = read(&mut story, 1, 1, 5, 1..5);
    story.is_found(Versions, "was shown as something else than the tables have", &[before]);
}
