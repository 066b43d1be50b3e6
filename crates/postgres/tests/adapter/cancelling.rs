use comanda_domain::{
    AccountId, CancelledBy, OrderId, OrderScope, OrderStatus, Reason, RefundId,
    ports::{AdvanceOrderError, CancelOrderError, Cancellation, Orders},
};
use comanda_tests::seeded;
use futures_util::future::join_all;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use uuid::Uuid;

use crate::shop::{Shop, now};

pub fn cancellation(order_id: OrderId) -> Cancellation {
    Cancellation {
        actor: None,
        order_id,
        by: CancelledBy::Customer,
        scope: OrderScope::All,
        reason: Some(Reason::new("changed my mind").unwrap()),
        cancelled_at: now(),
        refund_id: RefundId::new(Uuid::now_v7()),
        idempotency: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stock_comes_back_exactly_once() {
    let shop = Shop::open().await;
    let (soup, bread) = (shop.item(5).await, shop.item(5).await);
    let id = shop.orders.place(shop.order(&[(&soup, 2), (&bread, 3), (&soup, 1)])).await.unwrap().outcome.order.id;
    let results = join_all((0..12).map(|_| shop.orders.cancel(cancellation(id)))).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    let too_late = |result: &Result<_, CancelOrderError>| {
        matches!(result, Err(CancelOrderError::InvalidTransition { from: OrderStatus::Cancelled }))
    };
    assert_eq!(results.iter().filter(|result| too_late(result)).count(), 11);
    assert_eq!((shop.stock(&soup).await, shop.stock(&bread).await), (5, 5));
    shop.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_outside_the_scope_is_none() {
    let shop = Shop::open().await;
    let item = shop.item(5).await;
    let id = shop.orders.place(shop.order(&[(&item, 2)])).await.unwrap().outcome.order.id;
    let somebody = OrderScope::OwnedBy(AccountId::new(Uuid::now_v7()));
    for wrong in [Cancellation { scope: somebody, ..cancellation(id) }, cancellation(OrderId::new(Uuid::now_v7()))] {
        for idempotency in [None, Some(shop.idempotency("key"))] {
            let result = shop.orders.cancel(Cancellation { idempotency, ..wrong.clone() }).await;
            assert!(matches!(result, Err(CancelOrderError::NotFound)), "{result:?}");
        }
    }
    // The refusals left the key free.
    let keyed = Cancellation { idempotency: Some(shop.idempotency("key")), ..cancellation(id) };
    assert!(!shop.orders.cancel(keyed.clone()).await.unwrap().replayed);
    assert!(shop.orders.cancel(keyed).await.unwrap().replayed);
    assert_eq!(shop.stock(&item).await, 5);
    shop.assert_sound().await;
}

/// The customer's request has the number of its transaction before it waits, the kitchen's only once it has the order.
#[tokio::test(flavor = "multi_thread")]
async fn events_of_an_order_have_the_order_of_its_versions_whoever_began_first() {
    let shop = Shop::open().await;
    let item = shop.item(5).await;
    let id = shop.orders.place(shop.order(&[(&item, 2)])).await.unwrap().outcome.order.id;
    let holder = shop.database.client().await;
    holder.batch_execute(&format!("BEGIN; SELECT FROM orders WHERE id = '{id}' FOR UPDATE")).await.unwrap();
    let kitchen = shop.orders.advance(id, OrderStatus::Accepted, now(), None);
    let customer = async {
        shop.until_waiting(1).await;
        let idempotency = Some(shop.idempotency("key"));
        shop.orders.cancel(Cancellation { idempotency, ..cancellation(id) }).await
    };
    let releasing = async {
        shop.until_waiting(2).await;
        holder.batch_execute("COMMIT").await.unwrap();
    };
    let (accepted, cancelled, ()) = tokio::join!(kitchen, customer, releasing);
    assert_eq!(accepted.unwrap().outcome.order.version, 2);
    assert_eq!(cancelled.unwrap().outcome.order.version, 3);
    let sql = "SELECT subject_version FROM outbox_events WHERE subject_id = $1 ORDER BY transaction_id, id";
    let events = holder.query(sql, &[&id.as_uuid()]).await.unwrap();
    let versions: Vec<i32> = events.iter().map(|event| event.get(0)).collect();
    assert_eq!(versions, [1, 2, 3]);
    shop.assert_sound().await;
}

/// Whatever the kitchen and the customer do at once, an order ends either completed or with its stock back.
#[tokio::test(flavor = "multi_thread")]
async fn advancing_and_cancelling_at_once_agree() {
    let mut random = seeded();
    let shop = Shop::open().await;
    let item = shop.item(1000).await;
    let mut held = 0;
    for _ in 0..25 {
        let id = shop.orders.place(shop.order(&[(&item, 3)])).await.unwrap().outcome.order.id;
        let mut turns = StdRng::from_rng(&mut random);
        let kitchen = async {
            for to in [OrderStatus::Accepted, OrderStatus::Preparing, OrderStatus::Ready, OrderStatus::Completed] {
                match shop.orders.advance(id, to, now(), None).await {
                    Ok(_) => {}
                    Err(AdvanceOrderError::InvalidTransition { from: OrderStatus::Cancelled, .. }) => return false,
                    Err(other) => panic!("{other}"),
                }
            }
            true
        };
        let customer = async {
            for _ in 0..turns.random_range(0..200) {
                tokio::task::yield_now().await;
            }
            shop.orders.cancel(cancellation(id)).await.is_ok()
        };
        let (completed, cancelled) = tokio::join!(kitchen, customer);
        assert_ne!(completed, cancelled);
        held += if completed { 3 } else { 0 };
    }
    assert_eq!(shop.stock(&item).await, 1000 - held);
    shop.assert_sound().await;
}

/// Cancelling locks the order before its menu items, and placing locks menu items. With menu items in opposite orders
/// and expired keys besides, a cycle of waits would show as an error.
#[tokio::test(flavor = "multi_thread")]
async fn placing_and_cancelling_in_opposite_orders_do_not_wait_for_each_other() {
    let shop = Shop::open().await;
    let (one, two) = (shop.item(1000).await, shop.item(1000).await);
    let client = shop.database.client().await;
    for round in 0..15 {
        let keyed = |n: i32| shop.keyed(&format!("key-{round}-{n}"), shop.order(&[(&two, 1), (&one, 1)]));
        let placed = join_all((0..8).map(|n| shop.orders.place(keyed(n)))).await;
        client.batch_execute("UPDATE orders SET created_at = created_at - interval '25 hours'").await.unwrap();
        let cancelling = join_all(
            placed.iter().map(|placed| shop.orders.cancel(cancellation(placed.as_ref().unwrap().outcome.order.id))),
        );
        let again = join_all((0..8).map(|n| shop.orders.place(keyed(n))));
        let (cancelled, again) = tokio::join!(cancelling, again);
        assert!(cancelled.iter().all(Result::is_ok), "{cancelled:?}");
        assert!(again.iter().all(|result| result.as_ref().is_ok_and(|result| !result.replayed)), "{again:?}");
    }
    shop.assert_sound().await;
}
