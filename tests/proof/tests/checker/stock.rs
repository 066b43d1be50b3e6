use comanda_domain::OrderStatus;
use comanda_proof::{
    Change, Counter, ItemShortage, LedgerRow, Outcome, Property,
    Property::{Refusals, Stock},
    Request, Shown, StockShown,
};

use crate::story::{Story, item, lines, ok, order, shown_at, unknown};

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
