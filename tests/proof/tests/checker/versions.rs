use comanda_domain::{Availability, OrderStatus, TicketState};
use comanda_proof::{
    Caller, Change, Counter, Digest, MenuChange, MenuItemShown, MenuShown, Property::Versions, Request, Shown,
    StockShown, StreamMessage,
};

use crate::story::{PRICE, Story, item, ok, order, shown_at};

fn read(story: &mut Story, version: u32, status: OrderStatus, time: std::ops::Range<u64>) -> u64 {
    story.call(2, time, Request::ReadOrder { order: order(1) }, ok(200, shown_at(1, 1, version, status))).sequence
}

fn accept(story: &mut Story, time: std::ops::Range<u64>) -> u64 {
    let request = Request::ChangeStatus { order: order(1), to: OrderStatus::Accepted };
    story.call(3, time, request, ok(200, shown_at(1, 1, 2, OrderStatus::Accepted))).sequence
}

/// An order that was accepted.
fn accepted() -> Story {
    let mut story = Story::new();
    story.place(1, 1, 1, 1..5);
    story.tables.events.clear();
    let mut row = story.tables.orders.remove(0);
    (row.version, row.status) = (2, OrderStatus::Accepted);
    story.tables.items[0].stock = Some(1000);
    story.keep(row);
    accept(&mut story, 10..20);
    story
}

#[test]
fn a_read_during_a_change_may_see_either_and_a_list_may_be_old() {
    let mut story = accepted();
    read(&mut story, 1, OrderStatus::Pending, 15..30);
    read(&mut story, 2, OrderStatus::Accepted, 11..12);
    let old = shown_at(1, 1, 1, OrderStatus::Pending);
    let Shown::Order(old) = old else { unreachable!() };
    story.call(2, 40..50, Request::ListOrders, ok(200, Shown::Orders(vec![old])));
    // The first reader had not seen the second's version before it began.
    story.records[2].begin = 11;
    story.is_good();
}

#[test]
fn a_read_of_what_is_over_is_found() {
    let mut story = accepted();
    let stale = read(&mut story, 1, OrderStatus::Pending, 21..30);
    story.is_found(Versions, "was at version 2, and later at version 1", &[1, stale]);
}

#[test]
fn a_version_that_is_two_things_or_is_written_twice_is_found() {
    let mut story = accepted();
    let other = read(&mut story, 2, OrderStatus::Cancelled, 21..30);
    story.is_found(Versions, "was shown as two different things", &[1, other]);
    let mut story = accepted();
    let second = accept(&mut story, 12..22);
    story.is_found(Versions, "was written by two calls", &[1, second]);
}

#[test]
fn a_version_that_the_tables_do_not_have_is_found() {
    let mut story = accepted();
    let lost = read(&mut story, 3, OrderStatus::Preparing, 30..40);
    story.is_found(Versions, "was shown, and the tables have version 2", &[lost]);
    let mut story = accepted();
    story.tables.orders[0].status = OrderStatus::Cancelled;
    story.is_found(Versions, "as something else than the tables have", &[1]);
}

#[test]
fn two_adjustments_that_write_one_version_are_found() {
    let mut story = Story::with_stock(5);
    for n in 0..2 {
        let of = Counter::Item(item(1));
        let reason = format!("delivery {n}");
        story.tables.ledger.push(comanda_proof::LedgerRow { of, delta: 1, reason: reason.clone() });
        let request = Request::AdjustStock { of, change: Change::Delta(1), reason };
        let stock = StockShown { of, stock: 6, version: 2, revision: 1 };
        story.call(8, 10..20, request, ok(200, Shown::Stock(stock)));
    }
    story.is_found(Versions, "was written by two calls", &[0, 1]);
}

fn shown_item(revision: u32, price: i64) -> Shown {
    let availability = Availability::InStock;
    Shown::Item(MenuItemShown { id: item(1), revision, price, availability, stock: None, version: None })
}

fn edit(story: &mut Story, if_match: u32, price: i64, time: std::ops::Range<u64>) -> u64 {
    let change = MenuChange { price: Some(price), ..MenuChange::default() };
    let request = Request::EditItem { item: item(1), if_match: Some(if_match), change };
    story.tables.items[0].revision = if_match + 1;
    story.tables.items[0].price = price;
    story.call(8, time, request, ok(200, shown_item(if_match + 1, price))).sequence
}

#[test]
fn an_order_at_a_price_that_was_over_is_found() {
    let mut story = Story::new();
    let first = Request::ReadItem { item: item(1) };
    story.call(8, 1..2, first, ok(200, shown_item(1, PRICE)));
    edit(&mut story, 1, 777, 10..20);
    story.place(1, 1, 1, 15..30);
    story.is_good();
    story.records[2].begin = 21;
    story.is_found(Versions, "was at version 2, and later at version 1", &[1, 2]);
}

#[test]
fn an_edit_that_is_lost_is_found_and_a_customer_may_see_a_copy() {
    let mut story = Story::new();
    edit(&mut story, 1, 777, 10..20);
    story.call(1, 30..40, Request::ReadItem { item: item(1) }, ok(200, shown_item(1, PRICE))).caller = Caller::Customer;
    story.is_good();
    edit(&mut story, 1, 888, 12..22);
    story.is_found(Versions, "was written by two calls", &[0, 2]);
}

#[test]
fn what_was_told_or_repeated_may_be_old() {
    let mut story = accepted();
    let old = shown_at(1, 1, 1, OrderStatus::Pending);
    let stream = |message| Request::Stream { stream: 1, of: Some(order(1)), message };
    story.call(7, 40..40, stream(StreamMessage::Changed(old)), crate::story::done());
    let list = vec![crate::story::ticket_shown(1, 1, 2, TicketState::Cooking)];
    story.keep_ticket(crate::story::ticket_row(1, 1, 3, TicketState::Ready));
    let ready = Shown::Ticket(crate::story::ticket_shown(1, 1, 3, TicketState::Ready));
    let bump = Request::ChangeTicket { ticket: crate::story::ticket(1), to: TicketState::Ready };
    story.call(8, 40..50, bump, ok(200, ready));
    story.call(8, 60..70, Request::ReadTickets { open: false }, ok(200, Shown::Tickets(list)));
    let found = |story: &Story| story.findings().iter().any(|finding| finding.property == Versions);
    assert!(!found(&story));
    // After the tables were read, they need not have it.
    story.tables.read_at = 90;
    let new = shown_at(1, 1, 3, OrderStatus::Preparing);
    story.call(7, 91..91, stream(StreamMessage::Changed(new)), crate::story::done());
    assert!(!found(&story));
    story.tables.read_at = 95;
    assert!(found(&story));
}

#[test]
fn an_item_is_as_staff_are_shown_it() {
    for caller in [Caller::Anonymous, Caller::Customer, Caller::Staff, Caller::Admin] {
        let mut story = Story::new();
        edit(&mut story, 1, 777, 10..20);
        let read = story.call(1, 30..40, Request::ReadItem { item: item(1) }, ok(200, shown_item(1, PRICE)));
        read.caller = caller;
        match caller {
            Caller::Staff | Caller::Admin => story.is_found(Versions, "later at version 1", &[0, 1]),
            _ => story.is_good(),
        }
    }
    // So is what a menu shows that did not have to be sent again.
    let mut story = Story::new();
    edit(&mut story, 1, 777, 50..60);
    let Shown::Item(item_shown) = shown_item(2, 777) else { unreachable!() };
    let menu = MenuShown { version: 2, text: Digest::of(b"b"), items: Some(vec![item_shown]) };
    story.call(1, 55..57, Request::ReadMenu, ok(304, Shown::Menu(menu)));
    story.call(8, 58..59, Request::ReadItem { item: item(1) }, ok(200, shown_item(1, PRICE)));
    story.is_found(Versions, "later at version 1", &[1, 2]);
}

#[test]
fn an_edit_that_changed_nothing_wrote_nothing() {
    let mut story = Story::new();
    edit(&mut story, 1, 777, 10..20);
    let request = Request::EditItem { item: item(1), if_match: Some(2), change: MenuChange::default() };
    story.call(8, 30..40, request, ok(200, shown_item(2, 777)));
    story.is_good();
}

#[test]
fn an_order_at_a_price_that_came_back_or_that_was_confirmed_late_is_good() {
    let first = || Request::ReadItem { item: item(1) };
    let mut story = Story::new();
    story.call(8, 1..2, first(), ok(200, shown_item(1, PRICE)));
    story.place(1, 1, 1, 3..5);
    edit(&mut story, 1, 777, 10..20);
    edit(&mut story, 2, PRICE, 30..40);
    story.is_good();

    let mut story = Story::new();
    story.call(8, 1..2, first(), ok(200, shown_item(1, PRICE)));
    story.place(1, 1, 1, 3..5);
    let placed = story.records[1].clone();
    story.records[1].outcome = crate::story::unknown();
    edit(&mut story, 1, 777, 10..20);
    let again = story.call(1, 30..40, placed.request, placed.outcome);
    let comanda_proof::Outcome::Response(response) = &mut again.outcome else { unreachable!() };
    response.replayed = true;
    let kept = &mut story.tables.orders[0];
    kept.key = Some("a".to_owned());
    for call in [1, 3] {
        story.records[call].key = Some(crate::story::key("a", "1"));
    }
    story.is_good();
}

#[test]
fn what_the_tables_do_not_have_is_found_if_it_should_be_there() {
    let mut story = accepted();
    story.call(2, 30..40, Request::ReadOrder { order: order(2) }, ok(200, shown_at(2, 1, 1, OrderStatus::Pending)));
    story.is_found(Versions, "was shown, and the tables have version 0", &[2]);
    let mut story = Story::new();
    let of = Counter::Supply(crate::story::supply(1));
    let stock = StockShown { of, stock: 6, version: 2, revision: 1 };
    story.call(2, 30..40, Request::ReadSupply { supply: crate::story::supply(1) }, ok(200, Shown::Stock(stock)));
    story.is_good();
}
