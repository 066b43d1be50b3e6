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

#[test]
fn a_stream_that_goes_on_knows_what_the_one_before_told() {
    let again = |resumed| {
        let mut story = cooking();
        hear(&mut story, 13, StreamMessage::Closed);
        let message = StreamMessage::Opened { resumed };
        let opened = story.call(7, 20..20, Request::Stream { stream: 2, of: None, message }, done()).sequence;
        (story, opened)
    };
    let (mut story, _) = again(true);
    story.is_good();
    let told = [(21, 1, TicketState::Queued), (22, 2, TicketState::Cooking)].map(|(at, version, state)| {
        let message = StreamMessage::Changed(Shown::Ticket(ticket(version, state)));
        story.call(7, at..at, Request::Stream { stream: 2, of: None, message }, done()).sequence
    });
    story.is_found(Boards, "a stream went from version 2 of ticket", &[3, told[0]]);
    // One that begins anew knows nothing yet, nor does one that is told to forget.
    let (story, opened) = again(false);
    story.is_found(Boards, "a board knows version 0", &[opened]);
    let mut story = cooking();
    hear(&mut story, 13, StreamMessage::Reset);
    story.is_found(Boards, "a board knows version 0", &[1]);
}

#[test]
fn a_board_that_was_left_when_the_tables_were_read_was_there_until_the_end() {
    let mut story = cooking();
    story.records.remove(3);
    story.tables.read_at = 20;
    hear(&mut story, 30, StreamMessage::Closed);
    story.is_found(Boards, "is cooking at version 2, and a board knows version 1", &[2]);
    // What it was told by then, the tables need not have.
    let mut story = cooking();
    story.tables.read_at = 20;
    hear(&mut story, 30, StreamMessage::Changed(Shown::Ticket(ticket(3, TicketState::Ready))));
    assert!(story.findings().iter().all(|finding| finding.property != Boards));
}

#[test]
fn a_snapshot_is_all_that_there_is_and_leaves_out_what_is_over() {
    let mut story = cooking();
    let kept = &mut story.tables.tickets[0];
    (kept.version, kept.state) = (3, TicketState::Ready);
    story.is_found(Boards, "is ready at version 3, and a board knows version 2", &[3]);
    hear(&mut story, 13, StreamMessage::Snapshot(Shown::Tickets(Vec::new())));
    assert!(story.findings().iter().all(|finding| finding.property != Boards));
}

#[test]
fn a_board_that_knows_another_state_or_that_others_have_told_is_found() {
    let mut story = cooking();
    story.tables.tickets[0].state = TicketState::Ready;
    story.is_found(Boards, "is ready at version 2, and a board knows version 2", &[3]);
    // What another board was told is of no use.
    let mut story = cooking();
    story.records[3].client = comanda_proof::ClientId(8);
    story.is_found(Boards, "a board knows version 1", &[2]);
}

#[test]
fn a_list_from_before_the_last_change_may_be_otherwise() {
    let mut story = cooking();
    let list = |state, version| ok(200, Shown::Tickets(vec![ticket(version, state)]));
    let open = Request::ReadTickets { open: true };
    let old = list(TicketState::Queued, 1);
    story.call(8, 20..30, open.clone(), old.clone());
    story.call(8, 25..40, Request::SignOut, done());
    story.is_good();
    let stale = story.call(8, 50..60, open.clone(), old).sequence;
    story.call(8, 70..80, open, list(TicketState::Cooking, 2));
    story.is_found(Boards, "the last list shows 1 open tickets of 1", &[stale]);
}
