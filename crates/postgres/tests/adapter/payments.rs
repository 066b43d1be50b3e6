use std::time::Duration;

use comanda_domain::{
    Actor, ChargeableAmounts, ClientSecret, Currency, Intent, IntentId, IntentState, Money, NewPayment, NewRefund,
    OrderId, OrderScope, OrderStatus, Page, PageLimit, PaymentId, PaymentMethod, PaymentStatus, PaymentTerms, Reason,
    Refund, RefundId, RefundStatus, Role, SessionId,
    ports::{
        BegunPayment, Checkout, GatewayInbox, InboxEvent, IntentReport, MalformedEvent, Orders, OverdueOrders,
        PaymentIntents, Payments, Recorded, RefundReport, Refunds,
    },
};
use comanda_postgres::PostgresPayments;
use futures_util::{StreamExt, stream};
use uuid::Uuid;

use crate::shop::{Shop, now};

const TERMS: PaymentTerms = PaymentTerms { card: Duration::from_mins(15), unpaid: Duration::from_hours(1) };

pub async fn placed(shop: &Shop) -> OrderId {
    let item = shop.item(5).await;
    shop.orders.place(shop.order(&[(&item, 1)])).await.unwrap().outcome.order.id
}

pub fn by_card(order_id: OrderId) -> NewPayment {
    NewPayment {
        id: PaymentId::new(Uuid::now_v7()),
        order_id,
        scope: OrderScope::All,
        method: PaymentMethod::Card,
        begun_at: now(),
        expires_at: now() + Duration::from_mins(15),
        chargeable: Some(ChargeableAmounts::all(Currency::EUR)),
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
    let report = IntentReport {
        intent: intent.clone(),
        payment_id: Some(new.id),
        state: IntentState::Succeeded,
        received: None,
        at: now(),
    };
    assert_eq!(payments.record_intent(report.clone(), refund_id()).await.unwrap(), Recorded::Changed);
    assert_eq!(payments.record_intent(report, refund_id()).await.unwrap(), Recorded::Known);

    let session_id = SessionId::new(Uuid::now_v7());
    let staff = Actor { account_id: shop.customer.id, role: Role::Staff, session_id }.as_staff().unwrap();
    let refund = NewRefund {
        id: refund_id(),
        order_id,
        payment_id: new.id,
        amount: None,
        chargeable: None,
        reason: Reason::new("the soup was cold").unwrap(),
        requested_by: staff,
        requested_at: now(),
    };
    payments.refund(refund.clone(), None).await.unwrap();
    let due = payments.take_due_refunds(10).await.unwrap();
    assert_eq!(due.iter().map(|due| (due.id, &due.intent)).collect::<Vec<_>>(), [(refund.id, &intent)]);
    shop.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_that_failed_is_listed_with_those_that_did_not() {
    let shop = Shop::open().await;
    let payments = PostgresPayments::new(shop.pool.clone());
    let order_id = placed(&shop).await;
    let new = by_card(order_id);
    payments.begin(new.clone()).await.unwrap();
    let list = async |order_id, after, limit| {
        let limit = PageLimit::new(limit).unwrap();
        payments.of_payment(order_id, new.id, after, limit).await.unwrap()
    };
    let none = Page { entries: Vec::new(), next: None, unreadable: Vec::new() };
    assert_eq!(list(order_id, None, 1).await, Some(none));
    assert_eq!(list(placed(&shop).await, None, 1).await, None);

    let report = IntentReport {
        intent: IntentId("pi_1".to_owned()),
        payment_id: Some(new.id),
        state: IntentState::Succeeded,
        received: None,
        at: now(),
    };
    payments.record_intent(report, refund_id()).await.unwrap();
    let session_id = SessionId::new(Uuid::now_v7());
    let staff = Actor { account_id: shop.customer.id, role: Role::Staff, session_id }.as_staff().unwrap();
    let refund = || NewRefund {
        id: refund_id(),
        order_id,
        payment_id: new.id,
        amount: None,
        chargeable: None,
        reason: Reason::new("the soup was cold").unwrap(),
        requested_by: staff,
        requested_at: now(),
    };
    let failed = payments.refund(refund(), None).await.unwrap().outcome;
    let report = RefundReport { refund: failed.id, status: RefundStatus::Failed, made: None };
    payments.record_refund(report, now()).await.unwrap();
    let pending = payments.refund(refund(), None).await.unwrap().outcome;

    let failed = Refund { status: RefundStatus::Failed, ..failed };
    let first = list(order_id, None, 1).await.unwrap();
    assert_eq!((first.entries, first.next), (vec![failed.clone()], Some(failed.id)));
    let second = list(order_id, first.next, 1).await.unwrap();
    assert_eq!((second.entries, second.next), (vec![pending], None));
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
        received: None,
        at: now(),
    };
    payments.record_intent(report, refund_id()).await.unwrap();

    assert_eq!(shop.orders.cancel_overdue(TERMS, now(), refund_id()).await.unwrap(), Some(unpaid));
    assert_eq!(shop.orders.cancel_overdue(TERMS, now(), refund_id()).await.unwrap(), None);
    let of_orders = payments.of_orders(&[unpaid]).await.unwrap();
    assert_eq!(of_orders[&unpaid].as_ref().unwrap()[0].payment.status, PaymentStatus::Cancelled);
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
    assert_eq!(payments.take_events(&[], 10).await.unwrap(), [event]);
    payments.mark_malformed("evt_1", MalformedEvent("the body is no event"), now()).await.unwrap();

    // As if the half minute for which it was taken had passed.
    let tables = shop.database.client().await;
    tables.execute("UPDATE gateway_events SET taken_until = NULL", &[]).await.unwrap();
    assert!(payments.take_events(&[], 10).await.unwrap().is_empty());
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

#[tokio::test(flavor = "multi_thread")]
async fn an_intent_that_comes_after_its_payment_was_cancelled_is_cancelled_too() {
    let shop = Shop::open().await;
    let payments = PostgresPayments::new(shop.pool.clone());
    let order_id = placed(&shop).await;
    let new = NewPayment { expires_at: now() - Duration::from_secs(1), ..by_card(order_id) };
    payments.begin(new.clone()).await.unwrap();
    assert_eq!(shop.orders.cancel_overdue(TERMS, now(), refund_id()).await.unwrap(), Some(order_id));
    assert_eq!(payments.take_cancellations(10).await.unwrap().len(), 1);
    payments.mark_cancelled(new.id).await.unwrap();
    assert!(payments.take_cancellations(10).await.unwrap().is_empty());

    // The customer's request was on its way to the gateway all the time.
    let intent = Intent {
        id: IntentId("pi_1".to_owned()),
        client_secret: Some(ClientSecret("secret".to_owned())),
        state: IntentState::Pending,
        amount: Money::new(990, Currency::EUR),
        received: None,
        refunds: Vec::new(),
        payment_id: Some(new.id),
    };
    let receipt = payments.attach(new.id, intent.clone(), None, now()).await.unwrap().outcome;
    assert_eq!((receipt.payment.status, receipt.client_secret), (PaymentStatus::Cancelled, None));
    let due = payments.take_cancellations(10).await.unwrap();
    assert_eq!(due.into_iter().map(|due| due.intent).collect::<Vec<_>>(), [Some(intent.id)]);
    shop.assert_sound().await;
}

/// Orders of two days and more ago that the kitchen has served, and whose card payments were left open.
const HISTORY: &str = "\
    CREATE TEMPORARY TABLE history AS \
      SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '70008000' \
              || lpad(to_hex(n), 12, '0'))::uuid AS id, at \
      FROM (SELECT n, now() - interval '2 days' - n * interval '1 second' AS at \
            FROM generate_series(1, 20000) n) moments; \
    INSERT INTO orders (id, customer_id, total, created_at, updated_at, line_count, status) \
      SELECT id, (SELECT id FROM users LIMIT 1), 900, at, at, 1, 'completed' FROM history; \
    INSERT INTO payments (id, order_id, amount, begun_at, updated_at, expires_at, method, status) \
      SELECT id, id, 900, at, at, at + interval '15 minutes', 'card', 'pending' FROM history; \
    ANALYZE orders, payments";

/// How many blocks a statement reads.
async fn blocks(tables: &tokio_postgres::Client, sql: &str) -> i64 {
    let plan = tables.query(&format!("EXPLAIN (ANALYZE, BUFFERS) {sql}"), &[]).await.unwrap();
    let plan: Vec<String> = plan.iter().map(|line| line.get(0)).collect();
    let buffers = plan.iter().find(|line| line.trim_start().starts_with("Buffers:")).expect("buffers");
    let count = |name: &str| -> i64 {
        let count = buffers.split_once(name).map_or("0", |(_, rest)| rest.split(' ').next().unwrap());
        count.parse().unwrap()
    };
    count("hit=") + count("read=")
}

#[tokio::test(flavor = "multi_thread")]
async fn payments_that_were_left_open_cost_the_search_for_overdue_orders_nothing() {
    let shop = Shop::open().await;
    let tables = shop.database.client().await;
    tables.batch_execute(HISTORY).await.unwrap();
    for _ in 0..40 {
        assert_eq!(shop.orders.cancel_overdue(TERMS, now(), refund_id()).await.unwrap(), None);
    }
    tables.batch_execute("VACUUM payments").await.unwrap();
    let find = include_str!("../../src/orders/find_overdue.sql").replace("$1", "now()").replace("$2", "'{}'::uuid[]");
    assert!(blocks(&tables, &find).await < 40);
    let forget = include_str!("../../src/orders/forget_expiry.sql").replace("$1", "now()");
    assert!(blocks(&tables, &forget).await < 40);

    // What is overdue is found at once.
    let payments = PostgresPayments::new(shop.pool.clone());
    let order_id = placed(&shop).await;
    payments.begin(NewPayment { expires_at: now() - Duration::from_secs(1), ..by_card(order_id) }).await.unwrap();
    assert_eq!(shop.orders.cancel_overdue(TERMS, now(), refund_id()).await.unwrap(), Some(order_id));
}

#[tokio::test(flavor = "multi_thread")]
async fn reconciling_recent_payments_does_not_look_at_older_ones() {
    let shop = Shop::open().await;
    let tables = shop.database.client().await;
    tables.batch_execute(HISTORY).await.unwrap();
    let payments = PostgresPayments::new(shop.pool.clone());
    let order_id = placed(&shop).await;
    let new = by_card(order_id);
    payments.begin(new.clone()).await.unwrap();
    let since = now() - Duration::from_hours(24);
    let found = payments.card_payments(since, None, 100).await.unwrap();
    assert_eq!(found.iter().map(|found| found.payment.id).collect::<Vec<_>>(), [new.id]);
    let all = payments.card_payments(since - Duration::from_hours(24 * 30), None, 100).await.unwrap();
    let next =
        payments.card_payments(since - Duration::from_hours(24 * 30), Some(all[99].payment.id), 100).await.unwrap();
    assert_eq!((all.len(), next.len()), (100, 100));
    assert!(all[99].payment.id < next[0].payment.id);

    let lowest = format!(
        "'{}'::uuid",
        Uuid::from_u128(u128::from((since.timestamp_millis() - 3_600_000).cast_unsigned()) << 80)
    );
    let list = include_str!("../../src/payments/card_payments.sql");
    let list = list.replace("$1", &lowest).replace("$2", "now() - interval '1 day'").replace("$3", "100");
    assert!(blocks(&tables, &list).await < 20);
}
