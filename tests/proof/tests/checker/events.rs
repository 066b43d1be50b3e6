use comanda_domain::OrderStatus;
use comanda_proof::{EventRow, Property::Events, Request, WebhookEvent};
use uuid::Uuid;

use crate::story::{Story, done, ok, order, payment, refused, shown_at};

/// An order that was accepted, and whose events go to one receiver.
fn accepted() -> Story {
    let mut story = Story::new();
    story.place(1, 1, 1, 1..5);
    let row = &mut story.tables.orders[0];
    (row.version, row.status) = (2, OrderStatus::Accepted);
    let of = order(1).as_uuid();
    let change = crate::story::event(2, of, 2, "order.status_changed", Some(OrderStatus::Accepted));
    story.tables.events.push(change);
    story.tables.settings.receivers = vec!["till".to_owned()];
    let request = Request::ChangeStatus { order: order(1), to: OrderStatus::Accepted };
    story.call(3, 10..20, request, ok(200, shown_at(1, 1, 2, OrderStatus::Accepted)));
    story
}

fn deliver(story: &mut Story, version: u32, begin: u64) -> u64 {
    let (kind, status) = match version {
        1 => ("order.placed", OrderStatus::Pending),
        _ => ("order.status_changed", OrderStatus::Accepted),
    };
    let event = WebhookEvent {
        receiver: "till".to_owned(),
        id: Uuid::from_u128(version.into()),
        kind: kind.to_owned(),
        subject: order(1).as_uuid(),
        time_ms: version.into(),
        status: Some(status),
        version: Some(version),
        payment: None,
    };
    story.call(9, begin..begin + 1, Request::Webhook(event), done()).sequence
}

#[test]
fn events_that_come_in_order_perhaps_again_are_good() {
    let mut story = accepted();
    let first = deliver(&mut story, 1, 30);
    story.records[usize::try_from(first).unwrap()].outcome = refused(500, "internal");
    deliver(&mut story, 1, 40);
    deliver(&mut story, 2, 50);
    deliver(&mut story, 1, 60);
    story.is_good();
    // Dead letters are for admins to resend.
    let mut story = accepted();
    deliver(&mut story, 2, 50);
    story.tables.dead_letters = vec![1];
    story.is_good();
}

#[test]
fn an_event_that_never_came_or_was_never_taken_is_found() {
    let mut story = accepted();
    deliver(&mut story, 1, 30);
    story.is_found(Events, "was never delivered to till", &[1]);
    let refusal = deliver(&mut story, 2, 40);
    story.records[usize::try_from(refusal).unwrap()].outcome = refused(500, "internal");
    story.is_found(Events, "was never delivered to till", &[refusal]);
}

#[test]
fn an_event_that_overtakes_the_one_before_is_found() {
    let mut story = accepted();
    let early = deliver(&mut story, 2, 30);
    let late = deliver(&mut story, 1, 40);
    story.is_found(Events, "before it had taken the one before", &[early, late]);
}

#[test]
fn a_payments_event_comes_where_the_outbox_has_it_among_those_of_its_order() {
    // Between the order's two events.
    let paid = |begin| {
        let mut story = accepted();
        let (of, subject) = (order(1).as_uuid(), payment(1).as_uuid());
        let event = crate::story::event(3, subject, 1, "payment.succeeded", None);
        story.tables.events.push(EventRow { stream: of, transaction: Some(1), ..event });
        let first = deliver(&mut story, 1, 30);
        let second = deliver(&mut story, 2, 50);
        let webhook = WebhookEvent {
            receiver: "till".to_owned(),
            id: Uuid::from_u128(3),
            kind: "payment.succeeded".to_owned(),
            subject: of,
            time_ms: 3,
            status: None,
            version: None,
            payment: Some(payment(1)),
        };
        let paid = story.call(9, begin..begin + 1, Request::Webhook(webhook), done()).sequence;
        (story, [first, second, paid])
    };
    paid(40).0.is_good();
    let (story, [first, _, early]) = paid(20);
    story.is_found(Events, "before it had taken the one before", &[first, early]);
    let (story, [_, early, late]) = paid(60);
    story.is_found(Events, "before it had taken the one before", &[early, late]);
}

#[test]
fn a_version_without_its_event_is_found() {
    let mut story = accepted();
    deliver(&mut story, 1, 30);
    story.tables.events.pop();
    story.is_found(Events, "version 2 of order", &[1]);
}

#[test]
fn an_event_that_is_not_in_the_outbox_or_has_anothers_id_is_found() {
    let mut story = accepted();
    deliver(&mut story, 1, 30);
    deliver(&mut story, 2, 40);
    let other = deliver(&mut story, 2, 50);
    let Request::Webhook(event) = &mut story.records[usize::try_from(other).unwrap()].request else { unreachable!() };
    event.time_ms += 1;
    story.is_found(Events, "and is not in the outbox", &[other]);
    story.is_found(Events, "two events have the id", &[3, other]);
}

#[test]
fn an_event_that_was_refused_first_holds_up_the_next_one() {
    // The first one is refused, the second one comes, and only then the first one is taken.
    let mut story = accepted();
    let refusal = deliver(&mut story, 1, 20);
    story.records[usize::try_from(refusal).unwrap()].outcome = refused(500, "internal");
    let early = deliver(&mut story, 2, 30);
    let late = deliver(&mut story, 1, 40);
    story.is_found(Events, "before it had taken the one before", &[early, late]);
    // That it did not take the second one either is no excuse.
    story.records[usize::try_from(early).unwrap()].outcome = refused(500, "internal");
    deliver(&mut story, 2, 50);
    story.is_found(Events, "before it had taken the one before", &[early, late]);
    // One that was given up holds up nothing.
    story.tables.dead_letters = vec![1];
    story.is_good();
}

#[test]
fn events_of_an_item_that_sells_out_twice_may_come_in_any_order() {
    let mut story = Story::new();
    story.tables.settings.receivers = vec!["till".to_owned()];
    for version in [2, 1] {
        let subject = crate::story::item(1).as_uuid();
        let time = i64::from(version);
        story.tables.events.push(crate::story::event(time, subject, version, "item.sold_out", None));
        let event = WebhookEvent {
            receiver: "till".to_owned(),
            id: Uuid::from_u128(version.into()),
            kind: "item.sold_out".to_owned(),
            subject,
            time_ms: time,
            status: None,
            version: None,
            payment: None,
        };
        story.call(9, 40..41, Request::Webhook(event), done());
    }
    story.records[1].begin = 60;
    story.is_good();
    story.records.pop();
    story.is_found(Events, "item.sold_out of", &[]);
}
