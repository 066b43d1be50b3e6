use comanda_domain::{OrderStatus, TicketState};
use comanda_proof::{Property::Boards, Request, Shown, StreamMessage, TicketShown};

use crate::story::{Story, done, ok, order, shown_at, ticket_row, ticket_shown};

fn hear(story: &mut Story, at: u64, message: StreamMessage) -> u64 {
    story.call(7, at..at, Request::Stream { stream: 1, of: None, message }, done()).sequence
}

fn ticket(version: u32, state: TicketState) -> TicketShown {
    ticket_shown(1, 1, version, state)
}

/// A ticket that cooks, and a board that heard of it.
fn cooking() -> Story {
    let mut story = Story::new();
    story.place(1, 1, 1, 1..5);
    let row = &mut story.tables.orders[0];
    (row.version, row.status, row.accepted_on_placement) = (2, OrderStatus::Preparing, true);
    let event = crate::story::event(2, order(1).as_uuid(), 2, "order.status_changed", Some(OrderStatus::Preparing));
    story.tables.events.push(event);
    let Shown::Order(shown) = (match &mut story.records[0].outcome {
        comanda_proof::Outcome::Response(response) => &mut response.shown,
        comanda_proof::Outcome::Unknown(_) => unreachable!(),
    }) else {
        unreachable!()
    };
    shown.status = OrderStatus::Accepted;
    story.keep_ticket(ticket_row(1, 1, 2, TicketState::Cooking));
    hear(&mut story, 10, StreamMessage::Opened { resumed: false });
    hear(&mut story, 11, StreamMessage::Snapshot(Shown::Tickets(vec![ticket(1, TicketState::Queued)])));
    hear(&mut story, 12, StreamMessage::Changed(Shown::Ticket(ticket(2, TicketState::Cooking))));
    story
}

#[test]
fn a_board_that_comes_to_what_the_tables_say_is_good() {
    let mut story = cooking();
    story.is_good();
    let list = Shown::Tickets(vec![ticket(2, TicketState::Cooking)]);
    story.call(8, 20..30, Request::ReadTickets { open: true }, ok(200, list));
    story.is_good();
    // Of a stream that has ended, nothing is known.
    story.records.remove(3);
    hear(&mut story, 15, StreamMessage::Closed);
    story.is_good();
}

#[test]
fn a_board_that_missed_something_is_found() {
    let mut story = cooking();
    story.records.remove(3);
    story.is_found(Boards, "is cooking at version 2, and a board knows version 1", &[2]);
    let mut story = cooking();
    story.records.truncate(2);
    story.is_found(Boards, "a board knows version 0", &[1]);
}

#[test]
fn a_stream_that_goes_back_is_found() {
    let mut story = cooking();
    let back = hear(&mut story, 13, StreamMessage::Changed(Shown::Ticket(ticket(1, TicketState::Queued))));
    story.is_found(Boards, "went from version 2 of ticket", &[3, back]);
}

#[test]
fn a_last_list_that_is_not_what_the_tables_say_is_found() {
    let mut story = cooking();
    let list = Shown::Tickets(vec![ticket(1, TicketState::Queued)]);
    let list = story.call(8, 20..30, Request::ReadTickets { open: true }, ok(200, list)).sequence;
    story.is_found(Boards, "the last list shows 1 open tickets of 1", &[list]);
}

#[test]
fn the_watcher_of_an_order_must_know_its_last_version() {
    let mut story = cooking();
    let of = Some(order(1));
    let mut hear = |at, message| story.call(1, at..at, Request::Stream { stream: 2, of, message }, done()).sequence;
    hear(10, StreamMessage::Opened { resumed: false });
    let first = hear(11, StreamMessage::Snapshot(shown_at(1, 1, 1, OrderStatus::Accepted)));
    story.is_found(Boards, "is at version 2, and its watcher knows 1", &[first]);
    let message = StreamMessage::Changed(shown_at(1, 1, 2, OrderStatus::Preparing));
    let last = story.call(1, 13..13, Request::Stream { stream: 2, of, message }, done()).sequence;
    story.is_good();
    let message = StreamMessage::Changed(shown_at(1, 1, 1, OrderStatus::Accepted));
    let back = story.call(1, 14..14, Request::Stream { stream: 2, of, message }, done()).sequence;
    story.is_found(Boards, "went from version 2 of order", &[last, back]);
}
