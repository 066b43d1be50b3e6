use comanda_domain::{OrderStatus, TicketState};
use comanda_proof::{Property::Tickets, Request, Shown};

use crate::story::{Story, event, ok, order, row, shown_at, ticket, ticket_row, ticket_shown};

fn change(story: &mut Story, n: u32, version: u32, to: TicketState, time: std::ops::Range<u64>) -> u64 {
    let request = Request::ChangeTicket { ticket: ticket(n), to };
    story.call(5, time, request, ok(200, Shown::Ticket(ticket_shown(n, 1, version, to)))).sequence
}

fn read(story: &mut Story, version: u32, status: OrderStatus, time: std::ops::Range<u64>) -> u64 {
    story.call(6, time, Request::ReadOrder { order: order(1) }, ok(200, shown_at(1, 1, version, status))).sequence
}

/// Two tickets of one order, each of which was made, and the steps of the order.
fn made(way: &[OrderStatus], by: [TicketState; 2]) -> Story {
    let mut story = Story::new();
    let last = *way.last().unwrap();
    let mut kept = row(1, 1, 1);
    (kept.status, kept.version) = (last, u32::try_from(way.len()).unwrap());
    story.keep(kept);
    for (event, status) in story.tables.events.iter_mut().zip(way).skip(1) {
        event.status = Some(*status);
    }
    let request = Request::PlaceOrder { lines: crate::story::lines(1, 1) };
    story.call(1, 1..5, request, ok(201, Shown::Order(crate::story::shown(1, 1, 1))));
    change(&mut story, 1, 2, TicketState::Ready, 10..20);
    change(&mut story, 2, 2, by[1], 15..30);
    for (n, state) in (1..).zip(by) {
        story.keep_ticket(ticket_row(n, 1, 2, state));
    }
    story
}

const WAY: [OrderStatus; 4] = [OrderStatus::Pending, OrderStatus::Accepted, OrderStatus::Preparing, OrderStatus::Ready];

#[test]
fn an_order_that_is_ready_with_its_last_ticket_is_good() {
    let mut story = made(&WAY, [TicketState::Ready; 2]);
    read(&mut story, 4, OrderStatus::Ready, 21..25);
    read(&mut story, 3, OrderStatus::Preparing, 12..24);
    read(&mut story, 4, OrderStatus::Ready, 40..50);
    story.is_good();
}

#[test]
fn an_order_that_never_gets_ready_is_found() {
    let story = made(&WAY[..3], [TicketState::Ready; 2]);
    story.is_found(Tickets, "is preparing, and all of its tickets are ready", &[1, 2]);
    let mut story = made(&WAY, [TicketState::Ready; 2]);
    let late = read(&mut story, 3, OrderStatus::Preparing, 31..40);
    story.is_found(Tickets, "were ready, and it was preparing", &[1, 2, late]);
}

#[test]
fn an_order_that_is_ready_too_early_or_twice_is_found() {
    let story = made(&WAY, [TicketState::Ready, TicketState::Cooking]);
    story.is_found(Tickets, "is cooking, and its order", &[2]);
    let mut story = made(&WAY, [TicketState::Ready; 2]);
    let early = read(&mut story, 4, OrderStatus::Ready, 11..14);
    story.is_found(Tickets, "was ready before all of its tickets were", &[2, early]);
    let twice = [&WAY[..], &[OrderStatus::Ready]].concat();
    let story = made(&twice, [TicketState::Ready; 2]);
    story.is_found(Tickets, "was ready, and then ready", &[]);
}

#[test]
fn who_asks_for_what_is_so_already_has_not_made_it_so() {
    let mut story = made(&WAY, [TicketState::Ready; 2]);
    read(&mut story, 4, OrderStatus::Ready, 31..40);
    // The same state again, under no key.
    change(&mut story, 2, 2, TicketState::Ready, 50..60);
    story.is_good();
}

#[test]
fn an_order_with_a_ticket_that_nobody_made_is_found_unless_staff_moved_it() {
    let mut story = made(&WAY, [TicketState::Ready; 2]);
    story.records.remove(2);
    let early = read(&mut story, 4, OrderStatus::Ready, 31..40);
    story.is_found(Tickets, "was ready before all of its tickets were", &[early]);
    let request = Request::ChangeStatus { order: order(1), to: OrderStatus::Ready };
    story.call(5, 25..60, request, ok(200, shown_at(1, 1, 4, OrderStatus::Ready)));
    story.is_good();
}

#[test]
fn a_recall_is_a_step_of_an_order_with_tickets_alone() {
    let way = [&WAY[..], &[OrderStatus::Preparing, OrderStatus::Ready]].concat();
    let mut story = made(&way, [TicketState::Ready; 2]);
    story.tables.tickets[1].version = 4;
    for version in [3, 4] {
        story.tables.events.push(event(90, ticket(2).as_uuid(), version, "ticket.changed", None));
    }
    change(&mut story, 2, 3, TicketState::Cooking, 40..50);
    change(&mut story, 2, 4, TicketState::Ready, 60..70);
    story.is_good();
    story.tables.tickets.clear();
    story.is_found(Tickets, "was ready, and then preparing", &[]);
}

#[test]
fn a_step_that_no_ticket_takes_is_found() {
    let mut story = made(&WAY, [TicketState::Ready; 2]);
    let list = vec![ticket_shown(1, 1, 3, TicketState::Queued)];
    let queued = story.call(5, 40..50, Request::ReadTickets { open: false }, ok(200, Shown::Tickets(list))).sequence;
    story.is_found(Tickets, "was ready, and then queued", &[1, queued]);
}

#[test]
fn an_event_that_says_otherwise_than_a_response_is_found() {
    let mut story = made(&WAY, [TicketState::Ready; 2]);
    let other = read(&mut story, 3, OrderStatus::Cancelled, 12..14);
    story.is_found(Tickets, "was shown as cancelled, and its event says preparing", &[other]);
}

#[test]
fn what_was_ready_until_a_recall_or_is_shown_by_a_list_or_again_is_not_held_against_an_order() {
    let way = [&WAY[..], &[OrderStatus::Preparing, OrderStatus::Ready]].concat();
    let mut story = made(&way, [TicketState::Ready; 2]);
    story.tables.tickets[1].version = 4;
    for version in [3, 4] {
        story.tables.events.push(event(90, ticket(2).as_uuid(), version, "ticket.changed", None));
    }
    change(&mut story, 2, 3, TicketState::Cooking, 40..50);
    read(&mut story, 5, OrderStatus::Preparing, 52..55);
    change(&mut story, 2, 4, TicketState::Ready, 60..70);
    let Shown::Order(old) = shown_at(1, 1, 5, OrderStatus::Preparing) else { unreachable!() };
    story.call(6, 80..90, Request::ListOrders, ok(200, Shown::Orders(vec![old.clone()])));
    let mut again = ok(200, Shown::Order(old));
    let comanda_proof::Outcome::Response(response) = &mut again else { unreachable!() };
    response.replayed = true;
    story.call(6, 80..90, Request::ChangeStatus { order: order(1), to: OrderStatus::Preparing }, again);
    story.is_good();
}

#[test]
fn a_ticket_may_have_been_made_by_a_call_of_which_no_response_came() {
    let mut story = made(&WAY, [TicketState::Ready; 2]);
    story.records[2].outcome = crate::story::unknown();
    read(&mut story, 4, OrderStatus::Ready, 31..40);
    story.is_good();
}

#[test]
fn tickets_that_do_not_fit_their_order_in_the_end_are_found() {
    use OrderStatus::{Accepted, Cancelled, Completed, Pending, Preparing, Ready};
    let fitting: [(OrderStatus, &[TicketState]); 6] = [
        (Pending, &[]),
        (Accepted, &[TicketState::Queued]),
        (Preparing, &[TicketState::Queued, TicketState::Cooking, TicketState::Ready]),
        (Ready, &[TicketState::Ready]),
        (Completed, &[TicketState::Ready]),
        (Cancelled, &[TicketState::Ready, TicketState::Void]),
    ];
    for (status, states) in fitting {
        for state in [TicketState::Queued, TicketState::Cooking, TicketState::Ready, TicketState::Void] {
            let mut story = Story::new();
            story.tables.orders.push(comanda_proof::OrderRow { status, ..row(1, 1, 1) });
            story.tables.tickets.push(ticket_row(1, 1, 1, state));
            let what = format!("is {state}, and its order");
            let is_found = story.findings().iter().any(|finding| finding.reason.contains(&what));
            assert_ne!(is_found, states.contains(&state), "{status}: {state}");
        }
    }
}

#[test]
fn steps_of_tickets_are_those_of_a_kitchen() {
    use TicketState::{Cooking, Queued, Ready, Void};
    let good =
        [(Queued, Cooking), (Queued, Ready), (Queued, Void), (Cooking, Ready), (Cooking, Void), (Ready, Cooking)];
    for from in [Queued, Cooking, Ready, Void] {
        for to in [Queued, Cooking, Ready, Void] {
            let mut story = Story::new();
            for (version, state) in [(2, from), (3, to)] {
                let shown = Shown::Tickets(vec![ticket_shown(1, 1, version, state)]);
                story.call(5, 10..20, Request::ReadTickets { open: false }, ok(200, shown));
            }
            let what = format!("was {from}, and then {to}");
            let is_found = story.findings().iter().any(|finding| finding.reason.contains(&what));
            assert_ne!(is_found, good.contains(&(from, to)), "{from}, {to}");
        }
    }
    let mut story = Story::new();
    let shown = Shown::Tickets(vec![ticket_shown(1, 1, 1, Cooking)]);
    story.call(5, 10..20, Request::ReadTickets { open: false }, ok(200, shown));
    story.is_found(Tickets, "was cooking from the beginning", &[0]);
}

#[test]
fn the_last_event_says_what_the_order_is_and_one_that_is_missing_is_no_step() {
    let mut story = made(&WAY, [TicketState::Ready; 2]);
    story.tables.events[3].status = Some(OrderStatus::Cancelled);
    story.is_found(Tickets, "is ready, and its last event says cancelled", &[]);
    let mut story = made(&WAY, [TicketState::Ready; 2]);
    story.tables.events.remove(2);
    assert!(story.findings().iter().all(|finding| finding.property != Tickets));
    let way = [&WAY[..], &[OrderStatus::Completed, OrderStatus::Cancelled]].concat();
    let story = made(&way, [TicketState::Ready; 2]);
    story.is_found(Tickets, "was completed, and then cancelled", &[]);
}
