use std::{sync::Arc, time::Duration};

use comanda_domain::{
    AccountId, Idempotency, KeyRefusal, NewOrder, OrderId, OrderLimitReached, OrderLimits, OrderScope,
    RequestFingerprint,
    ports::{LiveMenu, MenuObserver, Orders, PlaceOrderError},
};
use comanda_tests::seeded;
use futures_util::future::join_all;
use rand::RngExt;
use uuid::Uuid;

use crate::shop::{DEADLINE, Shop, connect, orders, orders_observed_by};

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_found_as_it_was_placed() {
    let shop = Shop::open().await;
    let (soup, bread) = (shop.item(5).await, shop.item(5).await);
    let placed = shop.orders.place(shop.order(&[(&soup, 2), (&bread, 1), (&soup, 1)])).await.unwrap();
    assert!(!placed.replayed);
    let found = shop.orders.find(placed.outcome.order.id, OrderScope::OwnedBy(shop.customer.id)).await.unwrap();
    assert_eq!(found, Some(placed.outcome));
    assert_eq!((shop.stock(&soup).await, shop.stock(&bread).await), (2, 4));
    shop.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_that_wait_together_share_a_transaction_and_are_served_in_order_of_arrival() {
    let shop = Shop::open().await;
    let item = shop.item(12).await;
    let holder = shop.hold(&item).await;
    let mut attempts: Vec<_> = (0..20).map(|_| Box::pin(shop.orders.place(shop.order(&[(&item, 1)])))).collect();
    // The first is being decided while the others arrive.
    for attempt in &mut attempts {
        assert!(futures_util::poll!(attempt.as_mut()).is_pending());
    }
    shop.until_waiting(1).await;
    drop(holder);
    let results = join_all(attempts).await;

    let placed: Vec<bool> = results.iter().map(Result::is_ok).collect();
    assert_eq!(placed, [[true; 12].as_slice(), &[false; 8]].concat());
    for (result, nth) in results.iter().skip(12).zip(13..) {
        let short = matches!(result, Err(PlaceOrderError::InsufficientStock(s)) if s.items[0].available == 0);
        assert!(short, "the {nth}th: {result:?}");
    }
    let version = shop.menu.item(item.id).await.unwrap().unwrap().version;
    assert!(version <= 4, "{version} writes for 12 orders: they did not share");
    shop.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_bad_order_never_costs_another() {
    let shop = Shop::open().await;
    let item = shop.item(10).await;
    let holder = shop.hold(&item).await;
    // A customer that violates the foreign key, which no check before the database can find out.
    let nobody = NewOrder { customer_id: AccountId::new(Uuid::now_v7()), ..shop.order(&[(&item, 1)]) };
    let orders = [shop.order(&[(&item, 1)]), shop.order(&[(&item, 1)]), nobody, shop.order(&[(&item, 1)])];
    let mut attempts: Vec<_> = orders.into_iter().map(|order| Box::pin(shop.orders.place(order))).collect();
    for attempt in &mut attempts {
        assert!(futures_util::poll!(attempt.as_mut()).is_pending());
    }
    shop.until_waiting(1).await;
    drop(holder);
    let results = join_all(attempts).await;
    assert_eq!(results.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, true, false, true]);
    assert_eq!(shop.stock(&item).await, 7);
    shop.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_key_at_two_servers_is_one_order() {
    let shop = Shop::open().await;
    let item = shop.item(100).await;
    let other_pool = connect(&shop.database, DEADLINE).await;
    let other = orders(&other_pool, DEADLINE);
    let servers = [&shop.orders, &other];
    let attempts = (0..24).map(|n| servers[n % 2].place(shop.keyed("key", shop.order(&[(&item, 1)]))));
    let results: Vec<_> = join_all(attempts).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(results.iter().filter(|result| !result.replayed).count(), 1);
    assert!(results.iter().all(|result| result.outcome == results[0].outcome));
    assert_eq!(shop.stock(&item).await, 99);
    shop.assert_sound().await;
}

/// The items differ, so that nothing but the customer keeps the two servers apart.
#[tokio::test(flavor = "multi_thread")]
async fn one_customer_at_two_servers_holds_no_more_than_allowed() {
    let shop = Shop::open().await;
    let other_pool = connect(&shop.database, DEADLINE).await;
    let other = orders(&other_pool, DEADLINE);
    let servers = [&shop.orders, &other];
    let mut items = Vec::new();
    for _ in 0..8 {
        items.push(shop.item(1000).await);
    }
    let limits = OrderLimits { orders: Some(30), quantity: Some(50) };
    for round in 0..6 {
        let holder = shop.database.client().await;
        // Cancelled orders hold nothing, so that every round begins with the whole allowance.
        holder.batch_execute("UPDATE orders SET status = 'cancelled'").await.unwrap();
        let attempts = (0..60).map(|n| {
            let quantity = 1 + i64::from(round % 2 == 1);
            let order = NewOrder { limits, ..shop.order(&[(&items[n % 8], quantity)]) };
            servers[n % 2].place(order)
        });
        let mut placed = 0;
        for answer in join_all(attempts).await {
            match answer {
                Ok(_) => placed += 1,
                Err(PlaceOrderError::LimitReached(OrderLimitReached::OpenOrders { limit: 30 })) if round % 2 == 0 => {}
                Err(PlaceOrderError::LimitReached(OrderLimitReached::Portions { limit: 50, .. })) if round % 2 == 1 => {
                }
                Err(other) => panic!("{other:?}"),
            }
        }
        assert_eq!(placed, if round % 2 == 0 { 30 } else { 25 }, "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_order_is_answered_though_its_customer_has_reached_a_limit() {
    let shop = Shop::open().await;
    let item = shop.item(100).await;
    let limits = OrderLimits { orders: Some(1), quantity: None };
    let order = |key: &str| NewOrder { limits, ..shop.keyed(key, shop.order(&[(&item, 1)])) };
    let first = shop.orders.place(order("first")).await.unwrap();
    let (again, another) = tokio::join!(shop.orders.place(order("first")), shop.orders.place(order("another")));
    assert_eq!(again.unwrap().outcome, first.outcome);
    assert!(matches!(another, Err(PlaceOrderError::LimitReached(_))), "{another:?}");
    assert_eq!(shop.stock(&item).await, 99, "what is refused takes nothing");
    shop.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_repeats_a_request_without_end_keeps_no_batch_waiting() {
    let shop = Shop::open().await;
    let item = shop.item(100).await;
    let order = |quantity| {
        let fingerprint = RequestFingerprint::new([u8::try_from(quantity).unwrap(); 16]);
        let request = Idempotency { fingerprint, ..shop.idempotency("again") };
        NewOrder { idempotency: Some(request), ..shop.order(&[(&item, quantity)]) }
    };
    let first = shop.orders.place(order(1)).await.unwrap();
    assert!(!first.replayed);
    let again = shop.orders.place(order(1)).await.unwrap();
    assert_eq!((&again.outcome, again.replayed), (&first.outcome, true));
    // From now on no table is asked, which would say that the key stands for another request.
    let tables = shop.database.client().await;
    let changed = tables.execute("UPDATE orders SET request_fingerprint = $1", &[&Uuid::now_v7()]).await.unwrap();
    assert_eq!(changed, 1);
    let once_more = shop.orders.place(order(1)).await.unwrap();
    assert_eq!((&once_more.outcome, once_more.replayed), (&first.outcome, true));
    let other = shop.orders.place(order(2)).await;
    assert!(matches!(other, Err(PlaceOrderError::Key(KeyRefusal::Reused))), "{other:?}");
    let tomorrow = first.outcome.order.created_at + Duration::from_hours(25);
    let new = shop.orders.place(NewOrder { placed_at: tomorrow, ..order(1) }).await.unwrap();
    assert!(!new.replayed, "a key is forgotten after a day");
    assert_eq!(shop.stock(&item).await, 98);
    shop.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_stops_waiting_changes_nothing_about_the_outcome() {
    let mut random = seeded();
    let shop = Arc::new(Shop::open().await);
    let item = shop.item(1000).await;
    let mut ids = Vec::new();
    let mut leaving = tokio::task::JoinSet::new();
    for _ in 0..200 {
        let (shop, order) = (Arc::clone(&shop), shop.order(&[(&item, 1)]));
        ids.push(order.id);
        let patience = Duration::from_micros(random.random_range(0..4000));
        leaving.spawn(async move { tokio::time::timeout(patience, shop.orders.place(order)).await.is_ok() });
    }
    let answered = leaving.join_all().await.into_iter().filter(|answered| *answered).count();
    // The queue is served in order, so after this one all others have been.
    shop.orders.place(shop.order(&[(&item, 1)])).await.unwrap();
    let mut stands = 0;
    for id in ids {
        stands += usize::from(shop.orders.find(id, OrderScope::All).await.unwrap().is_some());
    }
    assert!(stands >= answered, "{answered} orders were confirmed, {stands} are there");
    assert_eq!(usize::try_from(shop.stock(&item).await).unwrap(), 1000 - 1 - stands);
    shop.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_placed_after_its_deadline() {
    let shop = Shop::with_deadline(Duration::from_millis(400)).await;
    let item = shop.item(10).await;
    let holder = shop.hold(&item).await;
    let order = shop.order(&[(&item, 1)]);
    let id = order.id;
    let result = shop.orders.place(order).await;
    assert!(matches!(result, Err(PlaceOrderError::Unavailable(_))), "{result:?}");
    drop(holder);
    shop.orders.place(shop.order(&[(&item, 1)])).await.unwrap();
    assert_eq!(shop.orders.find(id, OrderScope::All).await.unwrap(), None);
    assert_eq!(shop.stock(&item).await, 9);
    shop.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_cut_is_replaced() {
    let shop = Shop::open().await;
    let item = shop.item(10).await;
    shop.orders.place(shop.order(&[(&item, 1)])).await.unwrap();
    let cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
               WHERE datname = current_database() AND pid <> pg_backend_pid()";
    assert!(shop.database.number(cut).await > 0);
    shop.orders.place(shop.keyed("key", shop.order(&[(&item, 1)]))).await.unwrap();
    assert_eq!(shop.stock(&item).await, 8);
    shop.assert_sound().await;
}

/// The commit is sent along with the writes, which must not come after it. The first batch of a connection prepares.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_batch_writes_is_written_in_one_transaction() {
    let shop = Shop::open().await;
    let item = shop.item(20).await;
    for batch in [2, 1, 17] {
        let placed = join_all((0..batch).map(|_| shop.orders.place(shop.order(&[(&item, 1)])))).await;
        assert!(placed.iter().all(Result::is_ok), "{placed:?}");
        let cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
                   WHERE datname = current_database() AND pid <> pg_backend_pid()";
        assert!(shop.database.number(cut).await > 0);
    }
    let apart = "SELECT count(*) FROM orders o JOIN order_lines l ON l.order_id = o.id \
                 JOIN outbox_events e ON e.subject_id = o.id WHERE o.xmin <> l.xmin OR o.xmin <> e.xmin";
    assert_eq!(shop.database.number(apart).await, 0);
    let last = "SELECT count(*) FROM menu_items i JOIN menu_version v ON v.xmin = i.xmin \
                JOIN outbox_events e ON e.kind = 'item.sold_out' AND e.xmin = i.xmin \
                JOIN orders o ON o.xmin = i.xmin JOIN order_lines l ON l.order_id = o.id WHERE i.stock = 0";
    assert!(shop.database.number(last).await > 0, "it was sold out in the transaction that says so");
    shop.assert_sound().await;
}

/// As a trigger of another program may do.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_committed_of_a_batch_if_a_row_of_it_is_not_written() {
    for (table, change) in
        [("orders", "INSERT"), ("order_lines", "INSERT"), ("outbox_events", "INSERT"), ("menu_items", "UPDATE")]
    {
        let shop = Shop::with_deadline(Duration::from_secs(1)).await;
        let item = shop.item(10).await;
        shop.orders.place(shop.order(&[(&item, 1)])).await.unwrap();
        let client = shop.database.client().await;
        let skip = format!(
            "CREATE FUNCTION skip() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; \
             CREATE TRIGGER skip BEFORE {change} ON {table} FOR EACH ROW EXECUTE FUNCTION skip()"
        );
        client.batch_execute(&skip).await.unwrap();
        let refused = shop.orders.place(shop.order(&[(&item, 2)])).await;
        assert!(refused.is_err(), "{table}: {refused:?}");
        assert_eq!(shop.stock(&item).await, 9, "{table}");
        for written in ["orders", "outbox_events"] {
            assert_eq!(shop.database.number(&format!("SELECT count(*) FROM {written}")).await, 1, "{table}");
        }
        shop.assert_sound().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_that_is_drained_answers_whoever_waits_and_takes_no_more() {
    let shop = Shop::open().await;
    let item = shop.item(10).await;
    let holder = shop.hold(&item).await;
    let mut attempts: Vec<_> = (0..5).map(|_| Box::pin(shop.orders.place(shop.order(&[(&item, 1)])))).collect();
    for attempt in &mut attempts {
        assert!(futures_util::poll!(attempt.as_mut()).is_pending());
    }
    shop.until_waiting(1).await;
    let mut drained = Box::pin(shop.orders.drain());
    assert!(futures_util::poll!(drained.as_mut()).is_pending());
    drop(holder);
    drained.await;
    assert!(join_all(attempts).await.iter().all(Result::is_ok));
    let late = shop.orders.place(shop.order(&[(&item, 1)])).await;
    assert!(matches!(late, Err(PlaceOrderError::Unavailable(_))));
    assert_eq!(shop.stock(&item).await, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_are_counted_on() {
    let shop = Shop::open().await;
    let item = shop.item(10).await;
    let mut numbers = Vec::new();
    for _ in 0..3 {
        let placed = shop.orders.place(shop.order(&[(&item, 1)])).await.unwrap();
        numbers.push(placed.outcome.order.number.to_string());
    }
    assert_eq!(numbers, ["A000", "A001", "A002"]);
    assert_eq!(shop.orders.find(OrderId::new(Uuid::now_v7()), OrderScope::All).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_waits_for_a_batch_that_panics_panics_with_it() {
    struct Panicking;
    impl MenuObserver for Panicking {
        fn menu_changed(&self) {
            panic!("in this test")
        }
    }

    let shop = Shop::open().await;
    let item = shop.item(1).await;
    let orders = Arc::new(orders_observed_by(Arc::new(Panicking), &shop.pool, DEADLINE));
    let order = shop.order(&[(&item, 1)]);
    let placing = tokio::spawn(async move { orders.place(order).await });
    assert!(placing.await.unwrap_err().is_panic(), "it is no failure of PostgreSQL");
    assert_eq!(shop.stock(&item).await, 0, "the order may have been placed, as here");
}
