use comanda_proof::{Property::Placed, Request, Shown};

use crate::story::{Story, account, key, lines, ok, order, refused, row, shown, unknown};

fn place(quantity: u32) -> Request {
    Request::PlaceOrder { lines: lines(1, quantity) }
}

#[test]
fn confirmed_orders_that_are_there_and_lost_responses_are_good() {
    let mut story = Story::new();
    story.place(1, 1, 2, 10..20);
    // One that happened, one that did not, one that did without a key, and a refusal.
    let mut kept = row(2, 1, 3);
    kept.key = Some("a".to_owned());
    story.keep(kept);
    story.call(1, 30..40, place(3), unknown()).key = Some(key("a", "3"));
    story.call(1, 50..60, place(4), unknown()).key = Some(key("b", "4"));
    story.keep(row(3, 1, 5));
    story.call(1, 70..80, place(5), unknown());
    story.call(1, 90..99, place(6), refused(422, "validation-failed"));
    story.is_good();
}

#[test]
fn a_confirmed_order_that_is_missing_is_found() {
    let mut story = Story::new();
    story.place(1, 1, 2, 10..20);
    story.call(1, 30..40, place(1), ok(201, Shown::Order(shown(2, 1, 1))));
    story.is_found(Placed, "is not in the tables", &[1]);
}

#[test]
fn an_order_with_another_total_or_other_lines_is_found() {
    let mut story = Story::new();
    story.place(1, 1, 2, 10..20);
    story.tables.orders[0].total += 1;
    story.is_found(Placed, "its total was 1000 and is 1001", &[0]);

    let mut story = Story::new();
    story.place(1, 1, 2, 10..20);
    story.records[0].request = place(3);
    story.is_found(Placed, "other lines than were asked for", &[0]);

    let mut story = Story::new();
    story.place(1, 1, 2, 10..20);
    story.tables.orders[0].lines[0].unit_price += 1;
    story.tables.orders[0].lines[0].extras -= 1;
    story.is_found(Placed, "its line 0 is another one", &[0]);

    let mut story = Story::new();
    story.place(1, 1, 2, 10..20);
    story.tables.orders[0].lines[0].unit_price += 1;
    story.is_found(Placed, "its lines come to 1002, and it to 1000", &[0]);

    // Under the key of a call without a response.
    let mut story = Story::new();
    let mut kept = row(1, 1, 3);
    kept.key = Some("a".to_owned());
    story.keep(kept);
    story.call(1, 10..20, place(2), unknown()).key = Some(key("a", "2"));
    story.is_found(Placed, "has other lines than were asked for under its key", &[0]);
}

#[test]
fn an_order_that_nobody_asked_for_or_that_was_refused_is_found() {
    let mut story = Story::new();
    story.place(1, 1, 2, 10..20);
    let mut kept = row(2, 1, 1);
    kept.key = Some("a".to_owned());
    story.keep(kept);
    story.is_found(Placed, "nobody has placed it", &[]);
    story.call(1, 30..40, place(1), refused(409, "stock-changed")).key = Some(key("a", "1"));
    story.is_found(Placed, "was refused it", &[1]);
}

#[test]
fn an_order_that_is_there_twice_is_found() {
    let mut story = Story::new();
    for n in [1, 2] {
        let mut kept = row(n, 1, 1);
        kept.key = Some("a".to_owned());
        story.keep(kept);
    }
    story.call(1, 10..20, place(1), unknown()).key = Some(key("a", "1"));
    story.is_found(Placed, "were placed under one key", &[0]);

    let mut story = Story::new();
    story.place(1, 1, 1, 10..20);
    story.call(1, 30..40, place(1), ok(201, Shown::Order(shown(1, 1, 1))));
    story.is_found(Placed, &format!("two calls have placed order {}", order(1)), &[0, 1]);
}

#[test]
fn an_order_of_somebody_else_or_under_another_key_is_found() {
    let is_found = |reason: &str, change: fn(&mut Story)| {
        let mut story = Story::new();
        story.place(1, 1, 2, 10..20);
        change(&mut story);
        story.is_found(Placed, reason, &[0]);
    };
    is_found("it is of customer", |story| story.records[0].account = Some(account(2)));
    is_found("it is of customer", |story| story.order_shown(0).customer = account(2));
    is_found("it is under the key None", |story| story.records[0].key = Some(key("a", "2")));
    is_found("it had 2 lines and has 1", |story| story.order_shown(0).line_count = 2);
    is_found("it had 1 lines and has 1", |story| story.order_shown(0).lines = Some(Vec::new()));
    is_found("its line 0 is another one", |story| story.line_shown(0).quantity = 1);
    is_found("its line 0 is another one", |story| story.line_shown(0).line_total = 1);
    is_found("its line 0 is another one", |story| {
        let option = comanda_domain::OptionId::new(uuid::Uuid::from_u128(1));
        story.line_shown(0).selections.push(comanda_proof::SelectionShown { option, quantity: 1, unit_price: 0 });
    });
}

#[test]
fn an_order_without_a_key_is_there_as_often_as_it_was_asked_for() {
    let mut story = Story::new();
    story.keep(row(1, 1, 5));
    story.call(1, 10..20, place(5), unknown());
    story.is_good();
    story.keep(row(2, 1, 5));
    story.is_found(Placed, "more often than it was asked for", &[]);
    // Of those whom no record names, nothing is expected.
    story.tables.orders[1].customer = account(2);
    story.is_good();
}
