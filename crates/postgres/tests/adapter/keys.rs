//! Idempotency keys and locks, with two servers at a time.

use std::{pin::pin, time::Duration};

use comanda_domain::{
    Idempotency, KeyRefusal, NewOrder, NewPayment, Note, OrderId, OrderLimits, OrderScope, PaymentId, PaymentMethod,
    RequestFingerprint,
    ports::{BeginPaymentError, BegunPayment, CancelOrderError, Cancellation, Checkout, Orders, PlaceOrderError},
};
use comanda_postgres::PostgresPayments;
use futures_util::{future::join_all, poll};
use tokio_postgres::Client;
use uuid::Uuid;

use crate::{
    cancelling::cancellation,
    shop::{DEADLINE, Shop, connect, now, orders},
};

pub fn other_request(idempotency: Idempotency) -> Idempotency {
    Idempotency { fingerprint: RequestFingerprint::new([8; 16]), ..idempotency }
}

pub fn at_the_counter(order_id: OrderId, idempotency: Idempotency) -> NewPayment {
    NewPayment {
        id: PaymentId::new(Uuid::now_v7()),
        order_id,
        scope: OrderScope::All,
        method: PaymentMethod::Counter,
        begun_at: now(),
        expires_at: now(),
        chargeable: None,
        idempotency: Some(idempotency),
    }
}

/// Places an order under a key, as another server does, and does not commit it yet.
async fn placing_under(shop: &Shop, key: &str) -> Client {
    let client = shop.database.client().await;
    client.batch_execute("BEGIN").await.unwrap();
    let insert = "INSERT INTO orders \
        (id, customer_id, total, line_count, created_at, updated_at, idempotency_key, request_fingerprint) \
        VALUES ($1, $2, 0, 1, now(), now(), $3, $1)";
    client.execute(insert, &[&Uuid::now_v7(), &shop.customer.id.as_uuid(), &key]).await.unwrap();
    client
}

/// Records that a request about the order succeeded under the key a day and an hour ago.
async fn expired_key(shop: &Shop, key: &str, order_id: OrderId) {
    let insert = "INSERT INTO idempotency_keys (caller_id, order_id, request_fingerprint, recorded_at, key) \
        VALUES ($1, $2, $2, now() - interval '25 hours', $3)";
    let client = shop.database.client().await;
    client.execute(insert, &[&shop.customer.id.as_uuid(), &order_id.as_uuid(), &key]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_key_hides_no_fresh_order() {
    let shop = Shop::open().await;
    let item = shop.item(10).await;
    let first = shop.orders.place(shop.order(&[(&item, 1)])).await.unwrap().outcome.order.id;
    expired_key(&shop, "key", first).await;
    let place = || shop.orders.place(shop.keyed("key", shop.order(&[(&item, 1)])));
    let placed = place().await.unwrap();
    assert!(!placed.replayed);
    for _ in 0..2 {
        let again = place().await.unwrap();
        assert!(again.replayed);
        assert_eq!(again.outcome, placed.outcome);
    }
    shop.assert_sound().await;
}

/// Each server comes upon its first key, and then has to wait until somebody else has ended.
#[tokio::test(flavor = "multi_thread")]
async fn two_servers_with_crossed_keys_place_every_order() {
    let shop = Shop::open().await;
    let one = orders(&connect(&shop.database, DEADLINE).await, DEADLINE);
    let two = orders(&connect(&shop.database, DEADLINE).await, DEADLINE);
    let (a, b) = (shop.item(100).await, shop.item(100).await);
    let held = [shop.hold(&a).await, shop.hold(&b).await];
    let first = [pin!(one.place(shop.order(&[(&a, 1)]))), pin!(two.place(shop.order(&[(&b, 1)])))];
    let [mut first_of_one, mut first_of_two] = first;
    assert!(poll!(&mut first_of_one).is_pending() && poll!(&mut first_of_two).is_pending());
    shop.until_waiting(2).await;

    let others = [placing_under(&shop, "m-1").await, placing_under(&shop, "m-2").await];
    let batch = |keys: [&str; 3], item| keys.map(|key| shop.keyed(key, shop.order(&[(item, 1)])));
    let mut of_one = batch(["j", "m-1", "k"], &a).map(|order| Box::pin(one.place(order)));
    let mut of_two = batch(["k", "m-2", "j"], &b).map(|order| Box::pin(two.place(order)));
    for waiting in &mut of_one {
        assert!(poll!(waiting).is_pending());
    }
    for waiting in &mut of_two {
        assert!(poll!(waiting).is_pending());
    }
    drop(held);
    first_of_one.await.unwrap();
    first_of_two.await.unwrap();
    shop.until_waiting(2).await;
    for other in others {
        other.batch_execute("ROLLBACK").await.unwrap();
    }
    let placed = futures_util::future::join(join_all(of_one), join_all(of_two)).await;
    let placed: Vec<_> = placed.0.into_iter().chain(placed.1).collect();
    assert!(placed.iter().all(Result::is_ok), "{placed:#?}");
    assert_eq!(placed.iter().filter(|placed| placed.as_ref().unwrap().replayed).count(), 2);
    shop.assert_sound().await;
}

/// A key that is also of an expired request, whose row somebody holds.
#[tokio::test(flavor = "multi_thread")]
async fn paying_and_cancelling_under_one_expired_key_do_not_wait_for_each_other() {
    for pays_first in [false, true] {
        let shop = Shop::open().await;
        let payments = PostgresPayments::new(shop.pool.clone());
        let item = shop.item(10).await;
        let id = shop.orders.place(shop.order(&[(&item, 1)])).await.unwrap().outcome.order.id;
        expired_key(&shop, "key", id).await;
        let held = shop.database.client().await;
        held.batch_execute("BEGIN; SELECT FROM idempotency_keys FOR UPDATE").await.unwrap();

        let pay = || payments.begin(at_the_counter(id, other_request(shop.idempotency("key"))));
        let keyed = || Cancellation { idempotency: Some(shop.idempotency("key")), ..cancellation(id) };
        if pays_first {
            let mut paying = pin!(pay());
            assert!(poll!(&mut paying).is_pending());
            shop.until_waiting(1).await;
            let cancelled = shop.orders.cancel(keyed()).await;
            assert!(matches!(cancelled, Err(CancelOrderError::Key(KeyRefusal::InProgress))), "{cancelled:?}");
            held.batch_execute("ROLLBACK").await.unwrap();
            paying.await.unwrap();
            let cancelled = shop.orders.cancel(keyed()).await;
            assert!(matches!(cancelled, Err(CancelOrderError::Key(KeyRefusal::Reused))), "{cancelled:?}");
        } else {
            let mut cancelling = pin!(shop.orders.cancel(keyed()));
            assert!(poll!(&mut cancelling).is_pending());
            shop.until_waiting(1).await;
            let paid = pay().await;
            assert!(matches!(paid, Err(BeginPaymentError::Key(KeyRefusal::InProgress))), "{paid:?}");
            held.batch_execute("ROLLBACK").await.unwrap();
            cancelling.await.unwrap();
            let paid = pay().await;
            assert!(matches!(paid, Err(BeginPaymentError::Key(KeyRefusal::Reused))), "{paid:?}");
        }
        shop.assert_sound().await;
    }
}

/// The pool has fewer connections than there are repetitions.
#[tokio::test(flavor = "multi_thread")]
async fn repetitions_of_a_request_that_waits_keep_nobody_from_writing() {
    let shop = Shop::open().await;
    let item = shop.item(10).await;
    let place = || shop.orders.place(shop.order(&[(&item, 1)]));
    let (one, two) = (place().await.unwrap().outcome.order.id, place().await.unwrap().outcome.order.id);
    let held = shop.database.client().await;
    held.batch_execute(&format!("BEGIN; SELECT FROM orders WHERE id = '{one}' FOR UPDATE")).await.unwrap();
    let cancel =
        || shop.orders.cancel(Cancellation { idempotency: Some(shop.idempotency("key")), ..cancellation(one) });
    let mut first = pin!(cancel());
    assert!(poll!(&mut first).is_pending());
    shop.until_waiting(1).await;

    for repeated in join_all((0..20).map(|_| cancel())).await {
        assert!(matches!(repeated, Err(CancelOrderError::Key(KeyRefusal::InProgress))), "{repeated:?}");
    }
    shop.orders.cancel(cancellation(two)).await.unwrap();
    held.batch_execute("ROLLBACK").await.unwrap();
    let first = first.await.unwrap();
    for repeated in join_all((0..20).map(|_| cancel())).await {
        let repeated = repeated.unwrap();
        assert!(repeated.replayed);
        assert_eq!(repeated.outcome, first.outcome);
    }
    shop.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_key_for_two_kinds_of_requests_at_once_is_used_once() {
    let shop = Shop::open().await;
    let item = shop.item(10).await;
    let id = shop.orders.place(shop.order(&[(&item, 1)])).await.unwrap().outcome.order.id;
    let place = |key| shop.orders.place(shop.keyed(key, shop.order(&[(&item, 1)])));
    let cancel = |key| {
        let idempotency = Some(other_request(shop.idempotency(key)));
        shop.orders.cancel(Cancellation { idempotency, ..cancellation(id) })
    };

    // The placement comes first, and waits for the stock.
    let held = shop.hold(&item).await;
    let mut placing = pin!(place("placement"));
    assert!(poll!(&mut placing).is_pending());
    shop.until_waiting(1).await;
    let cancelled = cancel("placement").await;
    assert!(matches!(cancelled, Err(CancelOrderError::Key(KeyRefusal::InProgress))), "{cancelled:?}");
    drop(held);
    placing.await.unwrap();
    let cancelled = cancel("placement").await;
    assert!(matches!(cancelled, Err(CancelOrderError::Key(KeyRefusal::Reused))), "{cancelled:?}");

    // The cancellation comes first, and waits for the order.
    let held = shop.database.client().await;
    held.batch_execute(&format!("BEGIN; SELECT FROM orders WHERE id = '{id}' FOR UPDATE")).await.unwrap();
    let mut cancelling = pin!(cancel("cancellation"));
    assert!(poll!(&mut cancelling).is_pending());
    shop.until_waiting(1).await;
    let refused = place("cancellation").await;
    assert!(matches!(refused, Err(PlaceOrderError::Key(KeyRefusal::InProgress))), "{refused:?}");
    held.batch_execute("ROLLBACK").await.unwrap();
    cancelling.await.unwrap();
    let refused = place("cancellation").await;
    assert!(matches!(refused, Err(PlaceOrderError::Key(KeyRefusal::Reused))), "{refused:?}");
    shop.assert_sound().await;
}

/// One connection of the orders' pool does not tell; the transactions that wrote orders do.
#[tokio::test(flavor = "multi_thread")]
async fn a_storm_of_repetitions_takes_one_place_in_the_queue_and_in_a_batch() {
    let shop = Shop::open().await;
    let item = shop.item(1000).await;
    let held = shop.hold(&item).await;
    let mut first = pin!(shop.orders.place(shop.order(&[(&item, 1)])));
    assert!(poll!(&mut first).is_pending());
    shop.until_waiting(1).await;

    // Twice as many as may wait, and then fifty others.
    let repeated = shop.keyed("key", shop.order(&[(&item, 1)]));
    let storm = (0..2000).map(|_| NewOrder { id: OrderId::new(Uuid::now_v7()), ..repeated.clone() });
    let mut storm: Vec<_> = storm.map(|order| Box::pin(shop.orders.place(order))).collect();
    for repetition in &mut storm {
        assert!(poll!(repetition).is_pending());
    }
    let mut others: Vec<_> = (0..50).map(|_| Box::pin(shop.orders.place(shop.order(&[(&item, 1)])))).collect();
    for other in &mut others {
        assert!(poll!(other).is_pending());
    }
    // Of the same key, but another request.
    let other_basket =
        NewOrder { idempotency: Some(other_request(shop.idempotency("key"))), ..shop.order(&[(&item, 2)]) };
    let mut reusing = pin!(shop.orders.place(other_basket));
    assert!(poll!(&mut reusing).is_pending());
    drop(held);

    first.await.unwrap();
    let stormed = join_all(storm).await;
    let original = stormed[0].as_ref().unwrap();
    assert!(!original.replayed);
    let replays = stormed[1..].iter().map(|placed| placed.as_ref().unwrap());
    assert!(replays.clone().all(|placed| placed.replayed && placed.outcome == original.outcome));
    assert!(join_all(others).await.iter().all(Result::is_ok));
    let reused = reusing.await;
    assert!(matches!(reused, Err(PlaceOrderError::Key(KeyRefusal::Reused))), "{reused:?}");

    let batches = "SELECT count(DISTINCT xmin::text), count(*) FROM orders";
    let row = shop.database.client().await.query_one(batches, &[]).await.unwrap();
    assert_eq!((row.get::<_, i64>(0), row.get::<_, i64>(1)), (2, 52));
    shop.assert_sound().await;
}

/// The first asks for too much; what another one asks for under the key is decided after it.
#[tokio::test(flavor = "multi_thread")]
async fn a_refused_request_leaves_its_key_to_the_next_one_that_waits() {
    let shop = Shop::open().await;
    let item = shop.item(5).await;
    let held = shop.hold(&item).await;
    let mut first = pin!(shop.orders.place(shop.order(&[(&item, 1)])));
    assert!(poll!(&mut first).is_pending());
    shop.until_waiting(1).await;
    let too_much = || shop.orders.place(shop.keyed("key", shop.order(&[(&item, 9)])));
    let enough = || {
        let idempotency = Some(other_request(shop.idempotency("key")));
        shop.orders.place(NewOrder { idempotency, ..shop.order(&[(&item, 2)]) })
    };
    let (mut refused, mut again) = (pin!(too_much()), pin!(too_much()));
    let (mut placed, mut repeated) = (pin!(enough()), pin!(enough()));
    assert!(poll!(&mut refused).is_pending() && poll!(&mut again).is_pending());
    assert!(poll!(&mut placed).is_pending() && poll!(&mut repeated).is_pending());
    drop(held);
    first.await.unwrap();
    let (refused, again, placed, repeated) = tokio::join!(refused, again, placed, repeated);
    for refused in [refused, again] {
        assert!(matches!(refused, Err(PlaceOrderError::InsufficientStock(_))), "{refused:?}");
    }
    let (placed, repeated) = (placed.unwrap(), repeated.unwrap());
    assert!(!placed.replayed && repeated.replayed);
    assert_eq!(placed.outcome, repeated.outcome);
    assert_eq!(shop.stock(&item).await, 2);
    shop.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_whose_time_runs_out_does_not_take_the_others_with_it() {
    let shop = Shop::open().await;
    let item = shop.item(10).await;
    let held = shop.hold(&item).await;
    let mut first = pin!(shop.orders.place(shop.order(&[(&item, 1)])));
    assert!(poll!(&mut first).is_pending());
    shop.until_waiting(1).await;
    let place = || shop.orders.place(shop.order(&[(&item, 1)]));
    let mut hasty = pin!(comanda_deadline::within(Duration::from_secs(2), place()));
    let mut patient = pin!(place());
    assert!(poll!(&mut hasty).is_pending() && poll!(&mut patient).is_pending());
    // The next batch waits, too. Whoever waits for a table has it in turn; a row may go to whoever comes later.
    let next = shop.database.client().await;
    let mut holding = pin!(next.batch_execute("BEGIN; LOCK TABLE menu_items IN EXCLUSIVE MODE"));
    assert!(poll!(&mut holding).is_pending());
    shop.until_waiting(2).await;
    drop(held);
    first.await.unwrap();
    holding.await.unwrap();

    let late = hasty.await.expect("an answer comes in time");
    assert!(matches!(late, Err(PlaceOrderError::Unavailable(_))), "{late:?}");
    next.batch_execute("ROLLBACK").await.unwrap();
    patient.await.unwrap();
    assert_eq!(shop.stock(&item).await, 8);
    shop.assert_sound().await;
}

/// Makes a transaction of ours that waits for `held` the one that PostgreSQL ends.
async fn deadlock(shop: &Shop, held: Client, wanted: String) {
    shop.until_waiting(1).await;
    held.batch_execute(&wanted).await.unwrap();
    held.batch_execute("COMMIT").await.unwrap();
}

/// Another program locks in an order of its own.
#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_ends_in_a_deadlock_runs_again() {
    let shop = Shop::open().await;
    let (one, two) = (shop.item(10).await, shop.item(10).await);
    let place = || shop.orders.place(shop.order(&[(&one, 1), (&two, 1)]));
    let id = place().await.unwrap().outcome.order.id;
    let holder = |item: Uuid| {
        let shop = &shop;
        async move {
            let held = shop.database.client().await;
            held.batch_execute("SET deadlock_timeout = '1min'").await.unwrap();
            held.batch_execute(&format!("BEGIN; SELECT FROM menu_items WHERE id = '{item}' FOR UPDATE")).await.unwrap();
            held
        }
    };

    // With a key, and with limits: statements that come before and after the one which fails.
    let limits = OrderLimits { orders: Some(100), quantity: None };
    let keyed = |key| shop.orders.place(NewOrder { limits, ..shop.keyed(key, shop.order(&[(&one, 1), (&two, 1)])) });
    keyed("before").await.unwrap();
    let held = holder(two.id.as_uuid()).await;
    let wanted = format!("SELECT FROM menu_items WHERE id = '{}' FOR UPDATE", one.id);
    let (placed, ()) = tokio::join!(keyed("deadlock"), deadlock(&shop, held, wanted));
    placed.unwrap();

    let held = holder(one.id.as_uuid()).await;
    let wanted = format!("SELECT FROM orders WHERE id = '{id}' FOR UPDATE");
    let (cancelled, ()) = tokio::join!(shop.orders.cancel(cancellation(id)), deadlock(&shop, held, wanted));
    cancelled.unwrap();
    assert_eq!((shop.stock(&one).await, shop.stock(&two).await), (8, 8));
    shop.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_payments_under_one_key_are_one() {
    let shop = Shop::open().await;
    let payments = PostgresPayments::new(shop.pool.clone());
    let item = shop.item(10).await;
    let place = || shop.orders.place(shop.order(&[(&item, 1)]));
    let (one, two) = (place().await.unwrap().outcome.order.id, place().await.unwrap().outcome.order.id);
    let (paid, other) = tokio::join!(
        payments.begin(at_the_counter(one, shop.idempotency("key"))),
        payments.begin(at_the_counter(two, other_request(shop.idempotency("key")))),
    );
    assert_eq!(i32::from(paid.is_ok()) + i32::from(other.is_ok()), 1, "{paid:?} {other:?}");
    let (paid, id, key) = if paid.is_ok() {
        (paid, one, shop.idempotency("key"))
    } else {
        (other, two, other_request(shop.idempotency("key")))
    };
    // However often it is asked, and whatever becomes of the payment.
    let sql = "UPDATE payments SET status = 'refunded', refunded = amount, version = version + 1";
    shop.database.client().await.execute(sql, &[]).await.unwrap();
    let BegunPayment::Complete(first) = paid.unwrap() else { panic!("nothing is to be done") };
    let again = payments.begin(at_the_counter(id, key)).await.unwrap();
    let BegunPayment::Complete(again) = again else { panic!("nothing is to be done") };
    assert!(again.replayed);
    assert_eq!(again.outcome, first.outcome);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outcome_that_cannot_be_read_is_an_unreadable_record() {
    let shop = Shop::open().await;
    let item = shop.item(10).await;
    let id = shop.orders.place(shop.order(&[(&item, 1)])).await.unwrap().outcome.order.id;
    let cancel = || shop.orders.cancel(Cancellation { idempotency: Some(shop.idempotency("key")), ..cancellation(id) });
    cancel().await.unwrap();
    let tables = shop.database.client().await;
    tables.batch_execute("UPDATE idempotency_keys SET outcome = '{\"id\": 7}'").await.unwrap();
    let error = cancel().await.unwrap_err();
    let CancelOrderError::Unavailable(cause) = &error else { panic!("{error:?}") };
    let record = cause.unreadable().expect("a record");
    assert_eq!((record.table, record.column, record.id.as_str()), ("idempotency_keys", "outcome", "key"));
    shop.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_violates_a_constraint_is_no_request_in_progress() {
    let shop = Shop::open().await;
    let item = shop.item(10).await;
    let rule = "ALTER TABLE orders ADD CONSTRAINT no_notes CHECK (note IS NULL)";
    shop.database.client().await.batch_execute(rule).await.unwrap();
    let noted = NewOrder { note: Some(Note::new("no onions").unwrap()), ..shop.order(&[(&item, 1)]) };
    let refused = shop.orders.place(shop.keyed("key", noted)).await;
    assert!(matches!(refused, Err(PlaceOrderError::Unavailable(_))), "{refused:?}");
    shop.assert_sound().await;
}
