use std::time::Duration;

use comanda_domain::{
    Actor, IntentId, IntentState, NewPayment, NewRefund, OrderId, OrderScope, OrderStatus, PaymentId, PaymentMethod,
    PaymentStatus, PaymentTerms, Reason, RefundId, Role, SessionId,
    ports::{
        BegunPayment, Checkout, GatewayInbox, InboxEvent, IntentReport, MalformedEvent, Orders, OverdueOrders,
        PaymentIntents, Payments, Recorded, Refunds,
    },
};
use comanda_postgres::PostgresPayments;
use futures_util::{StreamExt, stream};
use uuid::Uuid;

use crate::shop::{Shop, now};

const TERMS: PaymentTerms = PaymentTerms { card: Duration::from_mins(15), unpaid: Duration::from_hours(1) };

async fn placed(shop: &Shop) -> OrderId {
    let item = shop.item(5).await;
    shop.orders.place(shop.order(&[(&item, 1)])).await.unwrap().outcome.order.id
}

fn by_card(order_id: OrderId) -> NewPayment {
    NewPayment {
        id: PaymentId::new(Uuid::now_v7()),
        order_id,
        scope: OrderScope::All,
        method: PaymentMethod::Card,
        begun_at: now(),
        expires_at: now() + Duration::from_mins(15),
        idempotency: None,
    }
}

fn refund_id() -> RefundId {
    RefundId::new(Uuid::now_v7())
}

#[tokio::test(flavor = "multi_thread")]
async fn money_whose_intent_was_not_recorded_can_be_refunded() {
    let shop = Shop::open().await;
    let payments = PostgresPayments::new(shop.pool.clone());
    let order_id = placed(&shop).await;
    let new = by_card(order_id);
    assert!(matches!(payments.begin(new.clone()).await.unwrap(), BegunPayment::NeedsIntent(_)));

    // The server died before it recorded the intent, and the customer has paid all the same.
    let intent = IntentId("pi_1".to_owned());
    let report =
        IntentReport { intent: intent.clone(), payment_id: Some(new.id), state: IntentState::Succeeded, at: now() };
    assert_eq!(payments.record_intent(report.clone(), refund_id()).await.unwrap(), Recorded::Changed);
    assert_eq!(payments.record_intent(report, refund_id()).await.unwrap(), Recorded::Known);

    let session_id = SessionId::new(Uuid::now_v7());
    let staff = Actor { account_id: shop.customer.id, role: Role::Staff, session_id }.as_staff().unwrap();
    let refund = NewRefund {
        id: refund_id(),
        order_id,
        payment_id: new.id,
        amount: None,
        reason: Reason::new("the soup was cold").unwrap(),
        requested_by: staff,
        requested_at: now(),
    };
    payments.refund(refund.clone()).await.unwrap();
    let due = payments.take_due_refunds(10).await.unwrap();
    assert_eq!(due.iter().map(|due| (due.id, &due.intent)).collect::<Vec<_>>(), [(refund.id, &intent)]);
    shop.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_cancelled_as_overdue_once_and_only_while_it_is_unpaid() {
    let shop = Shop::open().await;
    let payments = PostgresPayments::new(shop.pool.clone());
    let (unpaid, paid, waiting) = (placed(&shop).await, placed(&shop).await, placed(&shop).await);
    let expired = |order_id| NewPayment { expires_at: now() - Duration::from_secs(1), ..by_card(order_id) };
    let new = expired(paid);
    payments.begin(expired(unpaid)).await.unwrap();
    payments.begin(new.clone()).await.unwrap();
    payments.begin(by_card(waiting)).await.unwrap();
    let report = IntentReport {
        intent: IntentId("pi_1".to_owned()),
        payment_id: Some(new.id),
        state: IntentState::Succeeded,
        at: now(),
    };
    payments.record_intent(report, refund_id()).await.unwrap();

    assert_eq!(shop.orders.cancel_overdue(TERMS, now(), refund_id()).await.unwrap(), Some(unpaid));
    assert_eq!(shop.orders.cancel_overdue(TERMS, now(), refund_id()).await.unwrap(), None);
    let of_orders = payments.of_orders(&[unpaid]).await.unwrap();
    assert_eq!(of_orders[&unpaid].as_ref().unwrap()[0].status, PaymentStatus::Cancelled);
    for order_id in [paid, waiting] {
        let found = shop.orders.find(order_id, OrderScope::All).await.unwrap().unwrap();
        assert_eq!(found.order.status, OrderStatus::Pending);
    }
    shop.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_of_free_dishes_that_nobody_accepts_is_cancelled() {
    let shop = Shop::open().await;
    let tables = shop.database.client().await;
    let payments = PostgresPayments::new(shop.pool.clone());
    let free = shop.item_at(10, 0).await;
    let mut orders = Vec::new();
    for _ in 0..2 {
        let id = shop.orders.place(shop.order(&[(&free, 1)])).await.unwrap().outcome.order.id;
        let begun = payments.begin(NewPayment { method: PaymentMethod::Counter, ..by_card(id) }).await.unwrap();
        assert!(matches!(begun, BegunPayment::Complete(_)));
        orders.push(id);
    }
    tables.execute("UPDATE orders SET created_at = created_at - interval '90 minutes'", &[]).await.unwrap();
    let accept = "UPDATE orders SET status = 'accepted' WHERE id = $1";
    tables.execute(accept, &[&orders[0].as_uuid()]).await.unwrap();
    assert_eq!(shop.orders.cancel_overdue(TERMS, now(), refund_id()).await.unwrap(), Some(orders[1]));
    assert_eq!(shop.orders.cancel_overdue(TERMS, now(), refund_id()).await.unwrap(), None);
}

/// More orders than one call looks at are paid, and older than one that is not.
#[tokio::test(flavor = "multi_thread")]
async fn an_unpaid_order_is_found_behind_any_number_of_paid_ones() {
    let shop = Shop::open().await;
    let tables = shop.database.client().await;
    let payments = PostgresPayments::new(shop.pool.clone());
    let item = shop.item_at(2000, 100).await;
    let order = || async { shop.orders.place(shop.order(&[(&item, 1)])).await.unwrap().outcome.order.id };
    let placed: Vec<_> = stream::iter((0..1010).map(|_| order())).buffer_unordered(100).collect().await;
    for id in placed {
        payments.begin(NewPayment { method: PaymentMethod::Counter, ..by_card(id) }).await.unwrap();
    }
    tables.execute("UPDATE payments SET status = 'succeeded', paid_at = begun_at", &[]).await.unwrap();
    tables.execute("UPDATE orders SET created_at = created_at - interval '90 minutes'", &[]).await.unwrap();
    let unpaid = order().await;
    tables
        .execute(
            "UPDATE orders SET created_at = created_at - interval '80 minutes' WHERE id = $1",
            &[&unpaid.as_uuid()],
        )
        .await
        .unwrap();
    let young = order().await;

    let mut cancelled = Vec::new();
    for _ in 0..8 {
        cancelled.extend(shop.orders.cancel_overdue(TERMS, now(), refund_id()).await.unwrap());
    }
    assert_eq!(cancelled, [unpaid]);
    let young = shop.orders.find(young, OrderScope::All).await.unwrap().unwrap();
    assert_eq!(young.order.status, OrderStatus::Pending);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_kept_once_and_a_malformed_one_is_not_taken_again() {
    let shop = Shop::open().await;
    let payments = PostgresPayments::new(shop.pool.clone());
    let event = InboxEvent { id: "evt_1".to_owned(), body: "not json".to_owned() };
    assert!(payments.receive(event.clone(), now()).await.unwrap());
    assert!(!payments.receive(event.clone(), now()).await.unwrap());
    assert_eq!(payments.take_events(10).await.unwrap(), [event]);
    payments.mark_malformed("evt_1", MalformedEvent("the body is no event"), now()).await.unwrap();

    // What was handled is deleted when it is old; what somebody has to inspect stays.
    for id in ["evt_2", "evt_3"] {
        assert!(payments.receive(InboxEvent { id: id.to_owned(), body: "{}".to_owned() }, now()).await.unwrap());
        payments.mark_handled(id, now()).await.unwrap();
    }
    assert_eq!(payments.delete_handled(now() - Duration::from_hours(1), 10).await.unwrap(), 0);
    assert_eq!(payments.delete_handled(now() + Duration::from_hours(1), 1).await.unwrap(), 1);
    assert_eq!(payments.delete_handled(now() + Duration::from_hours(1), 10).await.unwrap(), 1);

    // As if the half minute for which it was taken had passed.
    let tables = shop.database.client().await;
    tables.execute("UPDATE gateway_events SET taken_until = NULL", &[]).await.unwrap();
    assert!(payments.take_events(10).await.unwrap().is_empty());
    let row = tables.query_one("SELECT malformed, body FROM gateway_events", &[]).await.unwrap();
    assert_eq!((row.get::<_, &str>(0), row.get::<_, &str>(1)), ("the body is no event", "not json"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_that_cannot_be_read_keeps_no_worker_from_the_others() {
    let shop = Shop::open().await;
    let tables = shop.database.client().await;
    let payments = PostgresPayments::new(shop.pool.clone());
    let mut orders = Vec::new();
    for _ in 0..3 {
        let id = placed(&shop).await;
        let expired = NewPayment { expires_at: now() - Duration::from_secs(1), ..by_card(id) };
        payments.begin(expired).await.unwrap();
        orders.push(id);
    }
    tables.batch_execute("ALTER TABLE payments DROP CONSTRAINT payments_status_check").await.unwrap();
    // The oldest has a second payment of a status that no version knows.
    tables
        .execute(
            "INSERT INTO payments (id, order_id, amount, begun_at, updated_at, method, status) \
             SELECT $1, order_id, amount, begun_at, updated_at, method, 'lost' FROM payments WHERE order_id = $2",
            &[&Uuid::now_v7(), &orders[0].as_uuid()],
        )
        .await
        .unwrap();

    let mut cancelled = Vec::new();
    for _ in 0..3 {
        cancelled.extend(shop.orders.cancel_overdue(TERMS, now(), refund_id()).await.unwrap());
    }
    assert_eq!(cancelled, orders[1..]);
    let left = shop.orders.find(orders[0], OrderScope::All).await.unwrap().unwrap();
    assert_eq!(left.order.status, OrderStatus::Pending);

    tables.execute("UPDATE payments SET status = 'lost' WHERE order_id = $1", &[&orders[1].as_uuid()]).await.unwrap();
    let to_cancel = payments.take_cancellations(10).await.unwrap();
    assert_eq!(to_cancel.iter().map(|due| due.payment.order_id).collect::<Vec<_>>(), orders[2..]);
    // One at a time, so that some pages hold nothing but what cannot be read.
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = payments.card_payments(now() - Duration::from_mins(1), after, 1).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.payment.id);
        found.extend(page.iter().map(|card| card.payment.order_id));
    }
    assert_eq!(found, [orders[0], orders[2]]);
}
