use comanda_domain::{OrderStatus, PaymentMethod, PaymentStatus, RefundStatus};
use comanda_proof::{
    GatewayRow, PaymentRow, PaymentShown, PaymentWay, Property::Money, RefundRow, RefundShown, Request, Shown,
};

use crate::story::{PRICE, Story, done, ok, order, payment, refund, refused};

/// An order that was paid by card, and of which some was given back.
fn paid(given_back: i64) -> Story {
    let mut story = Story::new();
    story.place(1, 1, 1, 1..5);
    let shown = PaymentShown { id: payment(1), status: PaymentStatus::Pending, amount: PRICE };
    let begin = Request::Pay { order: order(1), method: PaymentMethod::Card };
    story.call(1, 10..20, begin, ok(201, Shown::Payment(shown)));
    story.call(1, 30..40, Request::PayAtGateway { payment: payment(1), way: PaymentWay::Succeeds }, done());
    let shown = RefundShown { id: refund(1), payment: payment(1), amount: given_back, status: RefundStatus::Pending };
    let back =
        Request::Refund { order: order(1), payment: payment(1), amount: Some(given_back), reason: "cold".into() };
    story.call(2, 50..60, back, ok(201, Shown::Refund(shown)));
    let status = if given_back < PRICE { PaymentStatus::PartlyRefunded } else { PaymentStatus::Refunded };
    story.tables.payments.push(PaymentRow {
        id: payment(1),
        order: order(1),
        method: PaymentMethod::Card,
        status,
        amount: PRICE,
        refunded: given_back,
        paid: true,
        intent: Some("pi_1".to_owned()),
    });
    story.tables.refunds.push(row(1, given_back, "cold"));
    story.tables.gateway = Some(vec![GatewayRow {
        intent: "pi_1".to_owned(),
        payment: Some(payment(1)),
        received: PRICE,
        refunded: given_back,
        cancelled: false,
    }]);
    story
}

fn row(n: u32, amount: i64, reason: &str) -> RefundRow {
    RefundRow { id: refund(n), payment: payment(1), amount, status: RefundStatus::Succeeded, reason: reason.to_owned() }
}

fn book(story: &mut Story) -> &mut GatewayRow {
    &mut story.tables.gateway.as_mut().unwrap()[0]
}

#[test]
fn money_that_was_taken_and_given_back_once_is_good() {
    paid(200).is_good();
    paid(PRICE).is_good();
    let mut without_a_book = paid(200);
    without_a_book.tables.gateway = None;
    without_a_book.is_good();
    let mut cancelled = paid(PRICE);
    cancelled.tables.orders[0].status = OrderStatus::Cancelled;
    assert!(cancelled.findings().iter().all(|finding| finding.property != Money));
}

#[test]
fn a_payment_that_was_made_and_is_not_paid_is_found() {
    let mut story = paid(200);
    story.tables.payments[0].paid = false;
    story.is_found(Money, "was paid at the gateway, and is partly_refunded", &[2]);
    story.is_found(Money, "the gateway has taken 500 for payment", &[]);
    let mut story = paid(200);
    story.tables.payments.clear();
    story.is_found(Money, "was begun, and is not in the tables", &[1]);
    story.is_found(Money, "and no payment says what for", &[]);
    let mut story = paid(200);
    story.call(1, 70..80, Request::Settle { order: order(1), payment: payment(2) }, done());
    story.is_found(Money, "was settled, and is not paid", &[4]);
}

#[test]
fn money_that_nobody_paid_is_found() {
    let mut story = paid(200);
    book(&mut story).received = 400;
    story.is_found(Money, "is paid, and the gateway has taken 400", &[]);
    let mut story = paid(200);
    story.tables.gateway = None;
    story.records[2].outcome = refused(404, "not-found");
    story.is_found(Money, "is paid, and nobody has paid it", &[]);
}

#[test]
fn a_refund_that_is_missing_differs_or_was_made_twice_is_found() {
    let mut story = paid(200);
    story.tables.refunds.clear();
    story.is_found(Money, "was confirmed, and is not in the tables", &[3]);
    let mut story = paid(200);
    story.tables.refunds[0].amount = 100;
    story.is_found(Money, "was of 200 of payment", &[3]);
    let mut story = paid(200);
    story.tables.refunds.push(row(2, 200, "cold"));
    story.tables.payments[0].refunded = 400;
    story.is_found(Money, "was asked for once", &[3]);
    story.is_found(Money, "the gateway has given back 200", &[]);
    let mut story = paid(200);
    story.records[3].outcome = refused(422, "validation-failed");
    story.is_found(Money, "is in the tables, and was refused", &[3]);
    let mut story = paid(200);
    story.tables.refunds.push(row(2, 400, "generous"));
    story.is_found(Money, "600 of the 500", &[]);
}

#[test]
fn an_order_that_is_paid_twice_or_cancelled_and_paid_is_found() {
    let mut story = paid(200);
    let again = PaymentRow {
        id: payment(2),
        refunded: 0,
        status: PaymentStatus::Succeeded,
        ..story.tables.payments[0].clone()
    };
    story.tables.payments.push(again);
    story.is_found(Money, "is paid for by payments", &[]);
    let mut story = paid(200);
    story.tables.orders[0].status = OrderStatus::Cancelled;
    story.is_found(Money, "is cancelled, and 200 of the 500", &[]);
}
