use comanda_domain::{Availability, OrderStatus};
use comanda_proof::{
    Change, Counter, ItemShortage, LedgerRow, MenuItemShown, Outcome, Property,
    Property::{Refusals, Stock},
    Request, Shown, StockShown, SupplyRow, SupplyShortage,
};

use crate::story::{Story, item, lines, ok, order, shown_at, supply, unknown};

fn shortage(requested: i64, available: i64) -> Outcome {
    let items = vec![ItemShortage { item: item(1), requested, available }];
    let mut outcome = ok(409, Shown::Shortages { items, supplies: Vec::new() });
    if let Outcome::Response(response) = &mut outcome {
        response.code = Some("insufficient-stock".to_owned());
    }
    outcome
}

fn refuse(story: &mut Story, quantity: u32, available: i64, time: std::ops::Range<u64>) -> u64 {
    let request = Request::PlaceOrder { lines: lines(1, quantity) };
    story.call(9, time, request, shortage(i64::from(quantity), available)).sequence
}

fn adjust(story: &mut Story, change: Change, reason: &str, time: std::ops::Range<u64>) -> u64 {
    let request = Request::AdjustStock { of: Counter::Item(item(1)), change, reason: reason.to_owned() };
    story.call(8, time, request, ok(200, Shown::Nothing)).sequence
}

fn enter(story: &mut Story, delta: i64, reason: &str) {
    story.tables.ledger.push(LedgerRow { of: Counter::Item(item(1)), delta, reason: reason.to_owned() });
    *story.tables.items[0].stock.as_mut().unwrap() += delta;
}

#[test]
fn selling_all_of_it_is_good_and_so_is_a_true_refusal() {
    let mut story = Story::with_stock(5);
    story.place(1, 1, 2, 10..20);
    story.place(2, 2, 3, 10..20);
    refuse(&mut story, 4, 3, 15..25);
    refuse(&mut story, 1, 0, 30..40);
    // What is delivered, given back or counted can be sold again.
    enter(&mut story, 4, "delivery");
    adjust(&mut story, Change::Delta(4), "delivery", 50..60);
    enter(&mut story, -1, "count");
    adjust(&mut story, Change::Counted(3), "count", 62..64);
    adjust(&mut story, Change::Counted(3), "again", 64..65);
    story.place(3, 1, 3, 70..80);
    story.is_good();
}

#[test]
fn what_a_cancellation_gives_back_can_be_sold_and_not_before() {
    let mut story = Story::with_stock(2);
    story.place(1, 1, 2, 10..20);
    let cancelled = &mut story.tables.orders[0];
    (cancelled.status, cancelled.version) = (OrderStatus::Cancelled, 2);
    *story.tables.items[0].stock.as_mut().unwrap() += 2;
    let order_id = order(1).as_uuid();
    let cancelled = Some(OrderStatus::Cancelled);
    story.tables.events.push(crate::story::event(9, order_id, 2, "order.status_changed", cancelled));
    let back = shown_at(1, 1, 2, OrderStatus::Cancelled);
    story.call(1, 30..40, Request::Cancel { order: order(1) }, ok(200, back));
    story.place(2, 2, 2, 35..50);
    story.is_good();
    story.records[2].begin = 22;
    story.records[2].end = 28;
    story.is_found(Stock, "2 more were sold than there were", &[0, 2]);
}

#[test]
fn an_oversold_moment_is_found_by_the_fewest_orders_that_show_it() {
    let mut story = Story::with_stock(5);
    story.place(1, 1, 1, 10..20);
    story.place(2, 1, 4, 20..30);
    story.place(3, 1, 2, 30..40);
    enter(&mut story, 2, "delivery");
    adjust(&mut story, Change::Delta(2), "delivery", 41..50);
    story.is_found(Stock, "2 more were sold than there were", &[1, 2]);
    // It may have been there before they had it.
    story.records[3].begin = 39;
    story.is_good();
}

#[test]
fn a_stock_that_its_ledger_does_not_come_to_is_found() {
    let mut story = Story::with_stock(5);
    story.place(1, 1, 1, 10..20);
    story.tables.items[0].stock = Some(5);
    story.is_found(Stock, "5 are left, and its ledger and orders come to 4", &[]);
}

#[test]
fn an_adjustment_that_is_missing_or_there_twice_is_found() {
    let mut story = Story::with_stock(5);
    adjust(&mut story, Change::Delta(2), "delivery", 10..20);
    story.is_found(Stock, "was confirmed, and is missing", &[0]);
    enter(&mut story, 3, "delivery");
    story.is_found(Stock, "is another one than was asked for", &[0]);
    story.tables.ledger.pop();
    story.tables.items[0].stock = Some(5);
    enter(&mut story, 2, "delivery");
    story.is_good();
    enter(&mut story, 2, "delivery");
    story.is_found(Stock, "is in the ledger more than once", &[0]);
    let mut refused = Story::with_stock(5);
    adjust(&mut refused, Change::Delta(2), "delivery", 10..20);
    refused.records[0].outcome = crate::story::refused(409, "insufficient-stock");
    enter(&mut refused, 2, "delivery");
    refused.is_found(Stock, "is there, and was refused", &[0]);
}

#[test]
fn a_refusal_that_was_true_at_no_moment_of_the_call_is_found() {
    // Nothing was taken, and none is said to be left.
    let mut story = Story::with_stock(5);
    let vain = refuse(&mut story, 1, 0, 10..20);
    story.is_found(Refusals, "between 5 and 5", &[vain]);

    // More is said to be left than what was sold before leaves.
    let mut story = Story::with_stock(5);
    story.place(1, 1, 1, 1..2);
    story.place(2, 1, 3, 3..4);
    let late = refuse(&mut story, 6, 4, 10..20);
    story.is_found(Refusals, "between 1 and 1", &[1, late]);

    // It was delivered before.
    let mut story = Story::with_stock(0);
    enter(&mut story, 2, "delivery");
    let delivery = adjust(&mut story, Change::Delta(2), "delivery", 1..2);
    let stale = refuse(&mut story, 1, 0, 10..20);
    story.is_found(Refusals, "between 2 and 2", &[delivery, stale]);

    let mut story = Story::with_stock(5);
    let contradiction = refuse(&mut story, 1, 5, 10..20);
    story.is_found(Refusals, "1 were refused though 5", &[contradiction]);

    // Less is said to be asked for than was.
    let mut story = Story::with_stock(1);
    let request = Request::PlaceOrder { lines: lines(1, 3) };
    let other = story.call(9, 10..20, request, shortage(2, 1)).sequence;
    story.is_found(Refusals, "are said to be asked for, not 3", &[other]);
}

#[test]
fn an_order_nobody_knows_of_may_have_been_taken_before_a_refusal_or_after() {
    for available in [0, 5] {
        let mut story = Story::with_stock(5);
        let mut kept = crate::story::row(1, 1, 5);
        kept.key = Some("a".to_owned());
        story.keep(kept);
        let request = Request::PlaceOrder { lines: lines(1, 5) };
        story.call(1, 10..20, request, unknown()).key = Some(crate::story::key("a", "5"));
        refuse(&mut story, 6, available, 30..40);
        story.is_good();
    }
}

#[test]
fn a_stock_that_a_response_shows_and_that_never_was_is_found() {
    let mut story = Story::with_stock(5);
    story.place(1, 1, 1, 10..20);
    story.tables.items[0].version = 9;
    let of = Counter::Item(item(1));
    let seen = StockShown { of, stock: 5, version: 1, revision: 1 };
    let request = Request::AdjustStock { of, change: Change::Counted(5), reason: "count".to_owned() };
    story.call(8, 15..25, request, ok(200, Shown::Stock(seen)));
    story.is_good();
    story.records[1].begin = 21;
    story.is_found(Property::Refusals, "was said that 5", &[0, 1]);
}

#[test]
fn a_supply_that_is_said_to_be_short_and_is_not_is_found() {
    let short = |requested, available| {
        let mut story = Story::new();
        let id = supply(1);
        story.tables.supplies.push(SupplyRow { id, version: 1, revision: 1, stock: 5 });
        let of = Counter::Supply(id);
        story.tables.ledger.push(LedgerRow { of, delta: 5, reason: "first".to_owned() });
        let supplies = vec![SupplyShortage { supply: id, requested, available }];
        let shown = Shown::Shortages { items: Vec::new(), supplies };
        story.call(9, 10..20, Request::PlaceOrder { lines: lines(1, 1) }, ok(409, shown));
        story
    };
    short(6, 5).is_good();
    short(6, 4).is_found(Refusals, "between 5 and 5", &[0]);
    short(5, 5).is_found(Refusals, "5 were refused though 5", &[0]);
}

#[test]
fn what_is_left_without_a_ledger_or_below_nothing_is_found_and_what_is_not_counted_takes_nothing() {
    let mut story = Story::with_stock(5);
    story.tables.ledger.clear();
    story.is_found(Stock, "5 are left", &[]);
    let mut story = Story::with_stock(-1);
    story.tables.ledger[0].delta = -1;
    story.is_found(Stock, "-1 are left", &[]);
    let mut story = Story::with_stock(5);
    story.place(1, 1, 1, 10..20);
    story.tables.orders[0].lines[0].counted = false;
    story.tables.items[0].stock = Some(5);
    story.is_good();
}

#[test]
fn staff_are_shown_what_is_there_unless_a_response_is_repeated() {
    let shown = |stock| MenuItemShown {
        id: item(1),
        revision: 1,
        price: crate::story::PRICE,
        availability: Availability::InStock,
        stock: Some(stock),
        version: Some(1),
    };
    for (stock, is_true) in [(4, true), (5, false)] {
        let mut story = Story::with_stock(5);
        story.place(1, 1, 1, 1..5);
        story.tables.items[0].version = 9;
        let read = Request::ReadItem { item: item(1) };
        let read = story.call(8, 10..20, read, ok(200, Shown::Item(shown(stock)))).sequence;
        match is_true {
            true => story.is_good(),
            false => story.is_found(Refusals, "was said that 5", &[0, read]),
        }
    }
    let mut story = Story::with_stock(5);
    story.tables.items[0].version = 9;
    let of = Counter::Item(item(1));
    let count = Request::AdjustStock { of, change: Change::Counted(5), reason: "count".to_owned() };
    let seen = Shown::Stock(StockShown { of, stock: 5, version: 1, revision: 1 });
    story.call(8, 1..5, count.clone(), ok(200, seen.clone()));
    story.place(1, 1, 1, 10..20);
    let again = story.call(8, 30..40, count, ok(200, seen));
    let Outcome::Response(response) = &mut again.outcome else { unreachable!() };
    response.replayed = true;
    story.is_good();
}

#[test]
fn an_adjustment_may_have_been_made_by_the_first_call_of_which_no_response_came() {
    let mut story = Story::with_stock(0);
    adjust(&mut story, Change::Delta(2), "delivery", 1..5);
    story.records[0].outcome = unknown();
    // It is not there, and need not be.
    story.is_good();
    enter(&mut story, 2, "delivery");
    story.place(1, 1, 2, 10..20);
    adjust(&mut story, Change::Delta(2), "delivery", 30..40);
    story.is_good();
    // What is confirmed again must be there as well.
    let mut story = Story::with_stock(0);
    adjust(&mut story, Change::Delta(2), "delivery", 1..5);
    let Outcome::Response(response) = &mut story.records[0].outcome else { unreachable!() };
    response.replayed = true;
    story.is_found(Stock, "was confirmed, and is missing", &[0]);
    let mut story = Story::with_stock(0);
    adjust(&mut story, Change::Counted(2), "count", 1..5);
    story.tables.supplies.push(SupplyRow { id: supply(1), version: 1, revision: 1, stock: 2 });
    let of = Counter::Supply(supply(1));
    story.tables.ledger.push(LedgerRow { of, delta: 2, reason: "count".to_owned() });
    story.is_found(Stock, "is another one than was asked for", &[0]);
}

#[test]
fn an_import_may_come_again_under_its_reason() {
    let mut story = Story::with_stock(0);
    let import = Request::Import { reason: "import".to_owned() };
    story.call(8, 1..5, import.clone(), ok(200, Shown::Nothing));
    refuse(&mut story, 1, 0, 10..20);
    story.call(8, 30..40, import, ok(200, Shown::Nothing));
    enter(&mut story, 2, "import");
    story.place(1, 1, 2, 50..60);
    story.is_good();
    story.records[3].begin = 0;
    story.records[3].end = 0;
    story.is_found(Stock, "2 more were sold than there were", &[3]);
}

#[test]
fn an_order_that_was_confirmed_late_may_have_been_there_from_its_first_call_on() {
    let mut story = Story::with_stock(5);
    story.place(1, 1, 2, 1..5);
    let mut again = story.records[0].clone();
    story.records[0].outcome = unknown();
    story.tables.orders[0].key = Some("a".to_owned());
    refuse(&mut story, 4, 3, 10..20);
    (again.sequence, again.begin, again.end) = (2, 30, 40);
    let Outcome::Response(response) = &mut again.outcome else { unreachable!() };
    response.replayed = true;
    story.records.push(again);
    for call in [0, 2] {
        story.records[call].key = Some(crate::story::key("a", "2"));
    }
    story.is_good();
    // But not before that one.
    story.records[0].begin = 3;
    let early = refuse(&mut story, 4, 3, 1..2);
    story.is_found(Refusals, "between 5 and 5", &[early]);
}

#[test]
fn what_a_read_shows_as_cancelled_was_given_back_by_then() {
    let mut story = Story::with_stock(2);
    story.place(1, 1, 2, 10..20);
    let kept = &mut story.tables.orders[0];
    (kept.status, kept.version) = (OrderStatus::Cancelled, 2);
    story.tables.items[0].stock = Some(2);
    let cancelled = Some(OrderStatus::Cancelled);
    story.tables.events.push(crate::story::event(9, order(1).as_uuid(), 2, "order.status_changed", cancelled));
    let shown = shown_at(1, 1, 2, OrderStatus::Cancelled);
    refuse(&mut story, 1, 0, 22..24);
    story.call(1, 30..40, Request::ReadOrder { order: order(1) }, ok(200, shown));
    story.is_good();
    let late = refuse(&mut story, 1, 0, 50..60);
    let found = story.findings();
    assert!(found.iter().any(|finding| finding.records.iter().any(|record| record.sequence == late)));
}
