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

/// What is found of money alone.
fn reasons(story: &Story) -> Vec<String> {
    let findings = story.findings().into_iter().filter(|finding| finding.property == Money);
    findings.map(|finding| finding.reason).collect()
}

#[track_caller]
fn is_good(change: impl FnOnce(&mut Story)) {
    let mut story = paid(200);
    change(&mut story);
    assert_eq!(reasons(&story), Vec::<String>::new());
}

#[track_caller]
fn is_found(reason: &str, change: impl FnOnce(&mut Story)) {
    let mut story = paid(200);
    change(&mut story);
    assert!(reasons(&story).iter().any(|found| found.contains(reason)), "{:?}", reasons(&story));
}

/// Another payment of the same order, which nobody has paid.
fn unpaid(story: &mut Story) -> &mut PaymentRow {
    let (id, status) = (payment(2), PaymentStatus::Pending);
    let row = PaymentRow { id, status, refunded: 0, paid: false, ..story.tables.payments[0].clone() };
    story.tables.payments.push(row);
    story.tables.payments.last_mut().unwrap()
}

#[test]
fn a_payment_or_a_refund_of_which_no_response_came_may_be_there_or_not() {
    is_good(|story| story.records[3].outcome = crate::story::unknown());
    is_good(|story| {
        story.tables.gateway = None;
        story.records[2].outcome = crate::story::unknown();
    });
    is_good(|story| {
        unpaid(story);
        let paid = Request::PayAtGateway { payment: payment(2), way: PaymentWay::Succeeds };
        story.call(1, 70..80, paid, crate::story::unknown());
    });
}

#[test]
fn what_was_paid_elsewhere_or_not_at_all_is_good() {
    // Beside a payment that was given up; at the counter; without a call that says so, if the gateway does.
    is_good(|story| {
        unpaid(story);
    });
    is_good(|story| {
        story.tables.payments[0].method = PaymentMethod::Counter;
        story.tables.gateway = None;
        story.records.remove(2);
    });
    is_good(|story| {
        story.tables.payments[0].method = PaymentMethod::Counter;
        story.tables.gateway = Some(Vec::new());
    });
    is_good(|story| {
        story.records.remove(2);
    });
    is_good(|story| {
        story.tables.gateway = None;
        unpaid(story).method = PaymentMethod::Card;
    });
    // What came too late went back.
    is_good(|story| {
        unpaid(story);
        let paid = Request::PayAtGateway { payment: payment(2), way: PaymentWay::Succeeds };
        story.call(1, 70..80, paid, done());
        story.tables.refunds.push(RefundRow { payment: payment(2), ..row(2, PRICE, "too late") });
        story.tables.payments[1].refunded = PRICE;
        let late = GatewayRow { payment: Some(payment(2)), refunded: PRICE, ..book(story).clone() };
        story.tables.gateway.as_mut().unwrap().push(late);
    });
    is_good(|story| {
        let lost = GatewayRow { payment: None, received: 70, refunded: 70, ..book(story).clone() };
        story.tables.gateway.as_mut().unwrap().push(lost);
    });
}

#[test]
fn what_is_to_be_given_back_may_be_at_the_gateway_or_not() {
    for refunded in [0, 200] {
        is_good(|story| {
            story.tables.refunds[0].status = RefundStatus::Pending;
            story.tables.payments[0].status = PaymentStatus::Succeeded;
            book(story).refunded = refunded;
        });
    }
    let mut all = paid(PRICE);
    all.tables.refunds[0].status = RefundStatus::Pending;
    all.tables.payments[0].status = PaymentStatus::PartlyRefunded;
    assert_eq!(reasons(&all), Vec::<String>::new());
    is_found("the gateway has given back 100", |story| book(story).refunded = 100);
    // One that failed is for staff to look into, though its order is cancelled.
    let failed = |story: &mut Story| {
        story.tables.refunds[0].status = RefundStatus::Failed;
        story.tables.payments[0].refunded = 0;
        story.tables.payments[0].status = PaymentStatus::Succeeded;
        story.tables.orders[0].status = OrderStatus::Cancelled;
        book(story).refunded = 0;
    };
    is_good(|story| {
        failed(story);
        let rest = PRICE - story.tables.refunds[0].amount;
        story.tables.refunds.push(row(2, rest, "cancelled"));
        story.tables.payments[0].refunded = rest;
        story.tables.payments[0].status = PaymentStatus::PartlyRefunded;
        book(story).refunded = rest;
    });
    // It says nothing of the rest.
    is_found("is cancelled, and 0 of the 500", failed);
}

#[test]
fn a_payment_that_is_not_what_was_begun_ordered_or_given_back_is_found() {
    let settle = Request::Settle { order: order(1), payment: payment(2) };
    is_found("was of 500, and is of 400", |story| story.tables.payments[0].amount = 400);
    is_found("costs 500", |story| story.tables.payments[0].amount = 400);
    is_found("was settled, and is not paid", |story| {
        unpaid(story);
        story.call(1, 70..80, settle, done());
    });
    is_found("and is of 200 of payment", |story| {
        unpaid(story);
        story.tables.refunds[0].payment = payment(2);
    });
    is_found("150 of payment", |story| story.tables.payments[0].refunded = 150);
    is_found("is refunded, and 200 of 500 went back", |story| {
        story.tables.payments[0].status = PaymentStatus::Refunded;
    });
    for status in [PaymentStatus::PartlyRefunded, PaymentStatus::Refunded] {
        is_found("and nothing of it goes back", |story| {
            (story.tables.payments[0].status, story.tables.payments[0].refunded) = (status, 0);
            story.tables.refunds.clear();
        });
    }
    is_found("which is pending", |story| {
        unpaid(story);
        let taken = GatewayRow { payment: Some(payment(2)), refunded: 0, ..book(story).clone() };
        story.tables.gateway.as_mut().unwrap().push(taken);
    });
}
