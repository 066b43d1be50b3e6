//! Batches whose locks are released before they are on disk.

use std::{process::Command, sync::Arc};

use comanda_domain::ports::{Orders, PlaceOrderError};
use comanda_postgres::EarlyRelease;
use futures_util::future::join_all;

use crate::shop::{Committed, DEADLINE, Shop, connect, orders_releasing};

/// A shop whose orders have a connection to flush by, and the process id of that.
async fn released_early(shop: &Shop) -> (Committed, i64) {
    let orders = orders_releasing(EarlyRelease::Always, Arc::new(()), &shop.pool, DEADLINE);
    let item = shop.item(1).await;
    orders.place(shop.order(&[(&item, 1)])).await.unwrap();
    // It connects for the next batch.
    let flusher = "SELECT coalesce(max(pid), 0)::bigint FROM pg_stat_activity \
                   WHERE datname = current_database() AND application_name = 'comanda-flush' AND state = 'idle' \
                   AND query LIKE 'SELECT pg_postmaster_start_time%'";
    loop {
        match shop.database.number(flusher).await {
            0 => tokio::task::yield_now().await,
            flusher => return (orders, flusher),
        }
    }
}

fn signal(name: &str, process: i64) {
    assert!(Command::new("kill").args([name, &process.to_string()]).status().unwrap().success());
}

/// Returns once so many orders can be seen.
async fn until_committed(shop: &Shop, orders: i64) {
    while shop.database.number("SELECT count(*) FROM orders").await < orders {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_hears_of_an_order_before_it_is_flushed_and_the_next_does_not_wait_for_that() {
    let shop = Shop::open().await;
    let (orders, flusher) = released_early(&shop).await;
    let item = shop.item(10).await;
    signal("-STOP", flusher);
    let mut answers: Vec<_> = Vec::new();
    for nth in 1..=2 {
        let mut answer = Box::pin(orders.place(shop.order(&[(&item, 1)])));
        assert!(futures_util::poll!(answer.as_mut()).is_pending());
        answers.push(answer);
        until_committed(&shop, 1 + nth).await;
    }
    assert_eq!(shop.stock(&item).await, 8);
    for answer in &mut answers {
        assert!(futures_util::poll!(answer.as_mut()).is_pending());
    }
    signal("-CONT", flusher);
    assert!(join_all(answers).await.iter().all(Result::is_ok));
    shop.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_connection_that_was_there_nobody_vouches_for_an_order() {
    let shop = Shop::open().await;
    let (orders, flusher) = released_early(&shop).await;
    let item = shop.item(10).await;
    signal("-STOP", flusher);
    let mut placing = Box::pin(orders.place(shop.order(&[(&item, 1)])));
    assert!(futures_util::poll!(placing.as_mut()).is_pending());
    until_committed(&shop, 2).await;
    assert_eq!(shop.database.number(&format!("SELECT pg_terminate_backend({flusher})::int::bigint")).await, 1);
    signal("-CONT", flusher);
    let unknown = placing.await;
    assert!(matches!(unknown, Err(PlaceOrderError::Unavailable(_))), "{unknown:?}");
    // The next ones are vouched for again.
    orders.place(shop.order(&[(&item, 1)])).await.unwrap();
    assert_eq!(shop.stock(&item).await, 8);
    shop.assert_sound().await;
}

/// The lock is handed over before the flush: another server may find an order that a crash can still undo.
#[tokio::test(flavor = "multi_thread")]
async fn a_repetition_at_another_server_is_answered_from_what_is_on_disk() {
    let shop = Shop::open().await;
    let (orders, flusher) = released_early(&shop).await;
    let item = shop.item(10).await;
    let other = orders_releasing(EarlyRelease::Never, Arc::new(()), &shop.pool, DEADLINE);
    // Connected, it answers before a repetition is looked up elsewhere.
    other.place(shop.order(&[(&item, 1)])).await.unwrap();
    signal("-STOP", flusher);
    let mut first = Box::pin(orders.place(shop.keyed("key", shop.order(&[(&item, 1)]))));
    assert!(futures_util::poll!(first.as_mut()).is_pending());
    until_committed(&shop, 3).await;
    let repeated = other.place(shop.keyed("key", shop.order(&[(&item, 1)]))).await.unwrap();
    assert!(repeated.replayed);
    let last = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> {flusher} \
         AND query LIKE 'SELECT pg_logical_emit_message%' AND state = 'idle'"
    );
    assert_eq!(shop.database.number(&last).await, 1, "the other committer has flushed last");
    signal("-CONT", flusher);
    assert_eq!(first.await.unwrap().outcome, repeated.outcome);
    shop.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_that_release_early_sell_what_there_is() {
    let shop = Shop::open().await;
    let (first, _) = released_early(&shop).await;
    let other_pool = connect(&shop.database, DEADLINE).await;
    let second = orders_releasing(EarlyRelease::Always, Arc::new(()), &other_pool, DEADLINE);
    let third = orders_releasing(EarlyRelease::Auto, Arc::new(()), &other_pool, DEADLINE);
    let item = shop.item(70).await;
    let servers = [&first, &second, &third];
    let attempts = (0..240).map(|n| {
        let order = shop.keyed(&format!("key-{}", n / 2), shop.order(&[(&item, 1)]));
        servers[n % 3].place(order)
    });
    let results = join_all(attempts).await;
    let new = results.iter().filter(|result| result.as_ref().is_ok_and(|placed| !placed.replayed)).count();
    assert_eq!((new, shop.stock(&item).await), (70, 0));
    for pair in results.chunks(2) {
        let ids: Vec<_> = pair.iter().filter_map(|result| Some(result.as_ref().ok()?.outcome.order.id)).collect();
        assert!(ids.windows(2).all(|ids| ids[0] == ids[1]), "{pair:?}");
    }
    assert_eq!(shop.database.number("SELECT count(*) FROM orders").await, 71);
    shop.assert_sound().await;
}
