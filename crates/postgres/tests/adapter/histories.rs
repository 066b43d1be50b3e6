//! The database in another cluster than before: the numbers of transactions in its tables say nothing there.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use chrono::TimeDelta;
use comanda_domain::{
    MenuItem, Period,
    ports::{MenuSource, MenuVersion, Orders, Outbox, SalesFigures},
};
use comanda_postgres::{Database, PostgresOutbox, PostgresSalesFigures};

use crate::shop::{Committed, DEADLINE, Shop, connect, now, orders};

const MAIL: &str = "mail";
const KITCHEN: &str = "kitchen";

/// What the numbers in the tables look like in the new cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moved {
    /// The cluster has not reached them.
    Ahead,
    /// It passed them before it got the database.
    Behind,
    /// They are ahead, but nothing says that the cluster is another one.
    AheadUnnoticed,
    /// Somebody has set the positions, and only these, ahead.
    PositionsAhead,
}

impl Moved {
    const ALL: [Self; 4] = [Self::Ahead, Self::Behind, Self::AheadUnnoticed, Self::PositionsAhead];

    const fn sql(self) -> &'static str {
        match self {
            Self::Ahead => {
                "UPDATE database_histories SET system_identifier = 1; \
                 UPDATE outbox_events SET transaction_id = transaction_id + 1000000000; \
                 UPDATE outbox_subscribers SET transaction_id = transaction_id + 1000000000; \
                 UPDATE sales_summarized SET transaction_id = transaction_id + 1000000000"
            }
            Self::Behind => "UPDATE database_histories SET system_identifier = 1",
            Self::AheadUnnoticed => {
                "UPDATE outbox_events SET transaction_id = transaction_id + 1000000000; \
                 UPDATE outbox_subscribers SET transaction_id = transaction_id + 1000000000; \
                 UPDATE sales_summarized SET transaction_id = transaction_id + 1000000000"
            }
            Self::PositionsAhead => {
                "UPDATE outbox_subscribers SET transaction_id = 500000000; \
                 UPDATE sales_summarized SET transaction_id = 500000000"
            }
        }
    }
}

async fn place(orders: &Committed, shop: &Shop, item: &MenuItem, count: usize) {
    for _ in 0..count {
        drop(orders.place(shop.order(&[(item, 1)])).await.unwrap());
    }
}

/// Delivers until nothing is left; returns the ids. Transactions of other tests, in other databases, delay it.
async fn deliver(outbox: &PostgresOutbox, subscriber: &str, limit: u32, events: usize) -> Vec<i64> {
    let (mut delivered, begin) = (Vec::new(), Instant::now());
    while delivered.len() < events {
        assert!(begin.elapsed() < Duration::from_secs(20), "only {delivered:?}");
        let batch = outbox.next(subscriber, limit).await.unwrap().expect("nobody else has the lease");
        delivered.extend(batch.events.iter().map(|event| event.id));
        if let Some(position) = batch.position {
            outbox.advance(subscriber, position, vec![]).await.unwrap();
        }
    }
    delivered
}

async fn sold(figures: &PostgresSalesFigures) -> u64 {
    let period = Period::new(now() - TimeDelta::days(1), now() + TimeDelta::days(1)).unwrap();
    figures.sales(&[period]).await.unwrap()[0].orders
}

async fn summarized(shop: &Shop) -> i64 {
    shop.database.number("SELECT coalesce(sum(orders), 0)::bigint FROM sales_by_quarter_hour").await
}

async fn summarize(shop: &Shop, figures: &PostgresSalesFigures, orders: i64) {
    let begin = Instant::now();
    while summarized(shop).await != orders {
        assert!(begin.elapsed() < Duration::from_secs(20), "only {} of {orders}", summarized(shop).await);
        figures.summarize().await.unwrap();
    }
}

/// New connections, as after a restart: those of before have found out where they are.
async fn connect_anew(shop: &Shop) -> (Database, Committed) {
    let pool = connect(&shop.database, DEADLINE).await;
    let orders = orders(&pool, DEADLINE);
    (pool, orders)
}

#[tokio::test(flavor = "multi_thread")]
async fn in_another_cluster_every_event_is_delivered_and_summarized_once() {
    for moved in Moved::ALL {
        let shop = Shop::open().await;
        let item = shop.item(1000).await;
        {
            let (outbox, figures) =
                (PostgresOutbox::new(shop.pool.clone()), PostgresSalesFigures::new(shop.pool.clone()));
            for subscriber in [MAIL, KITCHEN] {
                assert_eq!(outbox.next(subscriber, 100).await.unwrap().unwrap().events, vec![]);
            }
            place(&shop.orders, &shop, &item, 5).await;
            // One has got all of it, one has not.
            assert_eq!(deliver(&outbox, MAIL, 100, 5).await.len(), 5);
            assert_eq!(deliver(&outbox, KITCHEN, 2, 2).await.len(), 2);
            summarize(&shop, &figures, 5).await;
            place(&shop.orders, &shop, &item, 3).await;
        }
        shop.orders.drain().await;
        shop.database.client().await.batch_execute(moved.sql()).await.unwrap();

        let (pool, new_orders) = connect_anew(&shop).await;
        let (outbox, figures) = (PostgresOutbox::new(pool.clone()), PostgresSalesFigures::new(pool));
        // Written before anybody else has looked, and afterwards.
        place(&new_orders, &shop, &item, 2).await;
        assert_eq!(sold(&figures).await, 10, "{moved:?}");
        for subscriber in [MAIL, KITCHEN] {
            assert!(!outbox.state(subscriber).await.unwrap().lag.is_zero(), "{moved:?}: {subscriber} is behind");
        }
        assert_eq!(deliver(&outbox, MAIL, 2, 5).await.len(), 5, "{moved:?}");
        place(&new_orders, &shop, &item, 4).await;
        assert_eq!(sold(&figures).await, 14, "{moved:?}");
        assert_eq!(deliver(&outbox, MAIL, 3, 4).await.len(), 4, "{moved:?}");
        let told = deliver(&outbox, KITCHEN, 100, 12).await;
        assert_eq!(told.iter().collect::<HashSet<_>>().len(), 12, "{moved:?}: each once, {told:?}");
        for subscriber in [MAIL, KITCHEN] {
            assert_eq!(outbox.next(subscriber, 100).await.unwrap().unwrap().position, None, "{moved:?}");
            assert!(outbox.state(subscriber).await.unwrap().lag.is_zero(), "{moved:?}: {subscriber}");
        }
        summarize(&shop, &figures, 14).await;
        assert_eq!(sold(&figures).await, 14, "{moved:?}");
        shop.assert_sound().await;
        let histories = if moved == Moved::PositionsAhead { 1 } else { 2 };
        let sql = "SELECT count(*) FROM database_histories";
        assert_eq!(shop.database.number(sql).await, histories, "{moved:?}");
        new_orders.drain().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_writers_at_once_begin_one_history() {
    let shop = Shop::open().await;
    let item = shop.item(1000).await;
    place(&shop.orders, &shop, &item, 3).await;
    shop.database.client().await.batch_execute(Moved::Ahead.sql()).await.unwrap();
    let event = "INSERT INTO outbox_events (kind, subject_id, subject_version, occurred_at) \
                 VALUES ('order.status_changed', gen_random_uuid(), 1, now())";
    let writers = (0..8).map(async |_| shop.database.client().await.execute(event, &[]).await.unwrap());
    futures_util::future::join_all(writers).await;
    let boundary = "SELECT after_event - (SELECT max(id) FROM outbox_events WHERE transaction_id > 1000000000) \
                    FROM database_histories WHERE id = 2";
    assert_eq!(shop.database.number("SELECT count(*) FROM database_histories").await, 2);
    assert_eq!(shop.database.number(boundary).await, 0, "every new event is in the new history");
}

#[tokio::test(flavor = "multi_thread")]
async fn summaries_of_a_long_history_are_made_in_batches_however_short_the_limit() {
    let shop = Shop::open().await;
    let item = shop.item(1000).await;
    place(&shop.orders, &shop, &item, 3).await;
    // More than one statement could read within the limit below, none of them summarized.
    let many = "INSERT INTO outbox_events (kind, subject_id, subject_version, occurred_at) \
                SELECT 'order.status_changed', gen_random_uuid(), 2, now() FROM generate_series(1, 300000)";
    shop.database.client().await.execute(many, &[]).await.unwrap();
    shop.orders.drain().await;
    shop.database.client().await.batch_execute(Moved::Ahead.sql()).await.unwrap();

    let pool = connect(&shop.database, Duration::from_millis(1500)).await;
    let new_orders = orders(&pool, DEADLINE);
    place(&new_orders, &shop, &item, 2).await;
    let figures = PostgresSalesFigures::new(pool);
    summarize(&shop, &figures, 5).await;
    assert_eq!(sold(&figures).await, 5);
    shop.assert_sound().await;
    new_orders.drain().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_epoch_of_the_menu_ends_with_whatever_is_no_change_of_it() {
    let shop = Shop::open().await;
    let tables = shop.database.client().await;
    let mut before = shop.menu.version().await.unwrap();
    assert_eq!(shop.menu.version().await.unwrap(), before);
    shop.item(10).await;
    let changed = shop.menu.version().await.unwrap();
    assert_eq!((changed.epoch, changed.number), (before.epoch, before.number + 1));
    before = changed;
    for (number, end) in [
        // Moved or failed over, with nothing lost.
        (
            changed.number,
            "ALTER TABLE menu_version DISABLE TRIGGER menu_epoch_ends; \
             UPDATE menu_version SET epoch_place = 'elsewhere'; \
             ALTER TABLE menu_version ENABLE TRIGGER menu_epoch_ends",
        ),
        (changed.number - 1, "UPDATE menu_version SET version = version - 1"),
        (changed.number + 5, "UPDATE menu_version SET version = version + 6"),
        (
            changed.number + 5,
            "BEGIN; CREATE TEMPORARY TABLE dump AS TABLE menu_version; TRUNCATE menu_version; \
                              INSERT INTO menu_version SELECT * FROM dump; COMMIT",
        ),
    ] {
        tables.batch_execute(end).await.unwrap();
        let loaded = shop.menu.load().await.unwrap().version;
        let after = shop.menu.version().await.unwrap();
        assert_ne!(after.epoch, before.epoch, "{end}");
        assert_eq!((after.number, after), (number, loaded), "{end}");
        before = after;
    }
    let in_place = "SELECT count(*) FROM menu_version WHERE epoch_place = menu_place(tableoid)";
    assert_eq!(shop.database.number(in_place).await, 1);

    // Above what is lost, and not above what is not.
    let lost = |number| MenuVersion { number, ..changed };
    for (lost, expected) in [
        (lost(before.number), before.number + 1),
        (lost(before.number), before.number + 1),
        (lost(before.number + 3), before.number + 4),
        (MenuVersion { number: 0, ..before }, before.number + 4),
        // No menu's, but what somebody has written to Redis.
        (lost(i64::MAX.unsigned_abs()), before.number + 4),
        (lost(before.number + 5 + MenuVersion::FARTHEST_LOST), before.number + 4),
    ] {
        shop.menu.succeed(lost).await.unwrap();
        assert_eq!(shop.menu.version().await.unwrap().number, expected, "{lost:?}");
    }
    let now = shop.menu.version().await.unwrap();
    shop.menu.succeed(now).await.unwrap();
    assert_eq!(shop.menu.version().await.unwrap(), now, "it is not lost");

    // The greatest number can be put right by hand.
    for by_hand in [i64::MAX, 5] {
        let update = format!("UPDATE menu_version SET version = {by_hand}");
        tables.batch_execute(&update).await.unwrap();
    }
    assert_eq!(shop.menu.version().await.unwrap().number, 5);
}
