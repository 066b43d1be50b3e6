use std::sync::{Arc, Mutex};

use chrono::DateTime;
use comanda_domain::{
    Category, Currency, Description, MenuItemDetails, MenuItemName, Price, Stock, StockLevel, StockedDefinition,
    ports::{MenuNotification, MenuSubscriber, MenuVersion, WholeMenu},
};
use comanda_tests::redis_url;
use futures_util::future::join_all;
use redis::aio::MultiplexedConnection;

use super::*;

async fn cache() -> (RedisMenuCache, MultiplexedConnection) {
    let url = redis_url().await;
    let connections = RedisConnections::new(&url.parse().unwrap(), None, 4, Duration::from_secs(5)).unwrap();
    let connection = connections.client().unwrap().get_multiplexed_async_connection().await.unwrap();
    (RedisMenuCache::new(connections, Duration::from_mins(5)), connection)
}

const EPOCH: MenuEpoch = MenuEpoch::new(Uuid::from_u128(7));

fn item(n: u128, stock: u32, revision: u32) -> MenuItem {
    MenuItem {
        id: MenuItemId::new(Uuid::from_u128(n)),
        details: MenuItemDetails {
            name: MenuItemName::new(&format!("Item {n} \"with quotes\" 🍝")).unwrap(),
            description: Description::new("Two\nlines").unwrap(),
            category: Category::new("Pasta").unwrap(),
            price: Price::new(1250, Currency::EUR).unwrap(),
            allergens: vec![],
            active: true,
        },
        stock: Some(StockLevel { on_hand: Stock::stored(stock), low_at: Stock::LOW }),
        station: None,
        definition: StockedDefinition::default(),
        revision,
        version: 7,
        created_at: DateTime::from_timestamp_millis(1_790_000_000_123).unwrap(),
        updated_at: DateTime::from_timestamp_millis(1_790_000_000_124).unwrap(),
    }
}

fn copy(number: u64, items: Vec<MenuItem>) -> MenuCopy {
    MenuCopy {
        menu: Arc::new(WholeMenu { version: MenuVersion { epoch: EPOCH, number }, items }),
        loaded_at: DateTime::from_timestamp_millis(1_790_000_000_000).unwrap(),
        load_took: Duration::from_micros(1500),
    }
}

fn partial(changed: &[&MenuItem], gone: &[&MenuItem]) -> ItemChanges {
    let ids = |items: &[&MenuItem]| items.iter().map(|item| item.id).collect();
    ItemChanges::Partial { changed: ids(changed), gone: ids(gone) }
}

#[tokio::test]
async fn what_is_published_is_read_again() {
    let (cache, _) = cache().await;
    assert_eq!((cache.version().await.unwrap(), cache.whole().await.unwrap()), (None, None));
    let uncounted = MenuItem { stock: None, ..item(3, 0, 1) };
    let published = copy(3, vec![item(1, 30, 1), item(2, 0, 4), uncounted.clone()]);
    cache.publish(&published, &ItemChanges::Everything).await.unwrap();
    assert_eq!(cache.version().await.unwrap(), Some(3));
    assert_eq!(cache.whole().await.unwrap(), Some(published));
    assert_eq!(cache.item(item(2, 0, 4).id, EPOCH).await.unwrap(), Some(item(2, 0, 4)));
    assert_eq!(cache.item(uncounted.id, EPOCH).await.unwrap(), Some(uncounted));
    assert_eq!(cache.item(item(9, 0, 1).id, EPOCH).await.unwrap(), None);
}

#[tokio::test]
async fn an_older_writer_replaces_nothing() {
    let (cache, _) = cache().await;
    let newer = copy(5, vec![item(1, 30, 2)]);
    cache.publish(&newer, &ItemChanges::Everything).await.unwrap();
    cache.publish(&copy(4, vec![item(1, 30, 1)]), &ItemChanges::Everything).await.unwrap();
    assert_eq!(cache.version().await.unwrap(), Some(5));
    assert_eq!(cache.whole().await.unwrap(), Some(newer));
    assert_eq!(cache.item(item(1, 0, 0).id, EPOCH).await.unwrap().unwrap().revision, 2);
    // Versions are compared as numbers: ten is newer than nine.
    for version in [9, 10] {
        cache.publish(&copy(version, vec![item(1, 30, 3)]), &ItemChanges::Everything).await.unwrap();
    }
    assert_eq!(cache.version().await.unwrap(), Some(10));
}

#[tokio::test]
async fn what_was_published_in_another_epoch_or_by_an_older_server_is_told_apart() {
    let (cache, mut connection) = cache().await;
    let published = copy(3, vec![item(1, 30, 1)]);
    cache.publish(&published, &ItemChanges::Everything).await.unwrap();
    let other = MenuEpoch::new(Uuid::from_u128(8));
    assert_eq!(cache.item(item(1, 0, 0).id, other).await.unwrap(), None);
    assert!(cache.item(item(1, 0, 0).id, EPOCH).await.unwrap().is_some());
    assert_eq!(cache.whole().await.unwrap().unwrap().menu.version.epoch, EPOCH);

    // As they were before there were epochs.
    let epoch = format!("\"epoch\":\"{}\",", EPOCH.as_uuid());
    for key in [whole_key(3), item_key(item(1, 0, 0).id)] {
        let stored: String = connection.get(&key).await.unwrap();
        assert!(stored.contains(&epoch), "{stored}");
        let () = connection.set(&key, stored.replace(&epoch, "")).await.unwrap();
    }
    assert_eq!(cache.whole().await.unwrap(), None);
    assert_eq!(cache.item(item(1, 0, 0).id, EPOCH).await.unwrap(), None);
    cache.publish(&published, &ItemChanges::Everything).await.unwrap();
    assert_eq!(cache.whole().await.unwrap(), Some(published));
    assert!(cache.item(item(1, 0, 0).id, EPOCH).await.unwrap().is_some());
}

#[tokio::test]
async fn a_version_that_no_menu_can_have_is_discarded_and_makes_room() {
    let (cache, mut connection) = cache().await;
    let impossible = i64::MAX.unsigned_abs();
    cache.publish(&copy(impossible, vec![item(1, 30, 1)]), &ItemChanges::Everything).await.unwrap();
    cache.discard(3).await.unwrap();
    assert_eq!(cache.version().await.unwrap(), Some(impossible), "it is another one");
    cache.discard(impossible).await.unwrap();
    assert_eq!((cache.version().await.unwrap(), cache.whole().await.unwrap()), (None, None));
    assert!(!connection.exists::<_, bool>(whole_key(impossible)).await.unwrap());
    cache.publish(&copy(3, vec![item(1, 20, 2)]), &ItemChanges::Everything).await.unwrap();
    assert_eq!(cache.version().await.unwrap(), Some(3));
    assert_eq!(cache.item(item(1, 0, 0).id, EPOCH).await.unwrap(), Some(item(1, 20, 2)));
}

#[tokio::test]
async fn a_partial_change_writes_only_the_entries_it_names() {
    let (cache, mut connection) = cache().await;
    let (one, two, three) = (item(1, 30, 1), item(2, 30, 1), item(3, 30, 1));
    let all = vec![one.clone(), two.clone(), three.clone()];
    cache.publish(&copy(1, all), &ItemChanges::Everything).await.unwrap();
    let sold_out = item(2, 0, 1);
    let changes = partial(&[&sold_out], &[&three]);
    cache.publish(&copy(2, vec![one.clone(), sold_out.clone()]), &changes).await.unwrap();

    let entry: String = connection.get(item_key(one.id)).await.unwrap();
    assert!(entry.starts_with("1 "), "the entry is still the one of version 1");
    assert_eq!(cache.item(two.id, EPOCH).await.unwrap(), Some(sold_out));
    assert_eq!(cache.item(three.id, EPOCH).await.unwrap(), None);
    let members = async |availability| {
        let mut connection = connection.clone();
        let ids: Vec<String> = connection.smembers(tag_key(&MenuTag::Availability(availability))).await.unwrap();
        ids.contains(&two.id.to_string())
    };
    assert!(members(Availability::SoldOut).await && !members(Availability::InStock).await);
}

#[tokio::test]
async fn publishing_a_whole_menu_removes_items_that_are_not_on_it() {
    let (cache, _) = cache().await;
    cache.publish(&copy(1, vec![item(1, 30, 1), item(2, 0, 1)]), &ItemChanges::Everything).await.unwrap();
    cache.publish(&copy(2, vec![item(1, 30, 1)]), &ItemChanges::Everything).await.unwrap();
    assert_eq!(cache.item(item(2, 0, 1).id, EPOCH).await.unwrap(), None);
    assert!(cache.item(item(1, 30, 1).id, EPOCH).await.unwrap().is_some());
    assert_eq!(cache.invalidate(&MenuTag::Availability(Availability::SoldOut)).await.unwrap(), 0);
}

#[tokio::test]
async fn every_key_expires() {
    let (cache, mut connection) = cache().await;
    for version in 1..4 {
        cache.publish(&copy(version, vec![item(1, 30, 1)]), &ItemChanges::Everything).await.unwrap();
    }
    assert!(cache.take_lease().await.unwrap().is_some());
    let keys: Vec<String> = connection.keys("*").await.unwrap();
    assert!(keys.len() >= 6, "{keys:?}");
    for key in keys {
        let left: i64 = connection.pttl(&key).await.unwrap();
        let most = if key == whole_key(3) || !key.starts_with("cache:menu:items") { 330_000 } else { 10_000 };
        assert!((1..=most).contains(&left), "{key}: {left} ms");
    }
}

#[tokio::test]
async fn one_of_many_gets_the_lease_and_only_it_returns_it() {
    let (cache, _) = cache().await;
    let taken = join_all((0..20).map(|_| cache.take_lease())).await;
    let leases: Vec<LoadLease> = taken.into_iter().filter_map(Result::unwrap).collect();
    assert_eq!(leases.len(), 1);
    cache.return_lease(LoadLease("another".to_owned())).await.unwrap();
    assert_eq!(cache.take_lease().await.unwrap(), None);
    cache.return_lease(leases[0].clone()).await.unwrap();
    assert!(cache.take_lease().await.unwrap().is_some());
}

/// Records the notifications it receives.
#[derive(Default)]
struct Listener(Mutex<Vec<MenuNotification>>);

impl MenuSubscriber for Listener {
    fn on_notification(&self, notification: MenuNotification) {
        self.0.lock().unwrap().push(notification);
    }
}

#[tokio::test]
async fn a_tag_is_invalidated_and_servers_are_notified() {
    let (cache, _) = cache().await;
    let (other, _) = self::cache().await;
    let (cache, listener) = (Arc::new(cache), Arc::new(Listener::default()));
    tokio::spawn({
        let (cache, listener) = (Arc::clone(&cache), Arc::clone(&listener));
        async move { cache.listen(&*listener, || {}).await }
    });
    let until = async |expected: &[MenuNotification]| {
        while *listener.0.lock().unwrap() != expected {
            tokio::task::yield_now().await;
        }
    };
    until(&[MenuNotification::PossiblyMissed]).await;
    // Channels are shared by all numbered databases.
    other.publish(&copy(8, vec![item(1, 30, 1)]), &ItemChanges::Everything).await.unwrap();
    let items = vec![item(1, 30, 1), item(2, 0, 1), item(3, 0, 1)];
    cache.publish(&copy(2, items), &ItemChanges::Everything).await.unwrap();
    assert_eq!(cache.invalidate(&MenuTag::Availability(Availability::SoldOut)).await.unwrap(), 2);
    assert_eq!(cache.item(item(2, 0, 1).id, EPOCH).await.unwrap(), None);
    assert!(cache.item(item(1, 30, 1).id, EPOCH).await.unwrap().is_some());
    assert_eq!(cache.invalidate(&MenuTag::Category(Category::new("Soup").unwrap())).await.unwrap(), 0);
    let invalidated = MenuNotification::Invalidated;
    until(&[MenuNotification::PossiblyMissed, MenuNotification::Version(2), invalidated, invalidated]).await;
}

#[tokio::test]
async fn what_somebody_wrote_by_hand_is_as_good_as_nothing_and_is_replaced() {
    let (cache, mut connection) = cache().await;
    let published = copy(3, vec![item(1, 30, 1)]);
    cache.publish(&published, &ItemChanges::Everything).await.unwrap();
    let negative = serde_json::to_string(&StoredItem::from(&item(1, 30, 1))).unwrap().replace("1250", "-5");
    for odd in ["", "3", "{}", "3 {}", &format!("3 {negative}"), "x \u{1f4a5}"] {
        let () = connection.set(item_key(item(1, 0, 0).id), odd).await.unwrap();
        let () = connection.set(whole_key(3), odd).await.unwrap();
        assert_eq!(cache.item(item(1, 0, 0).id, EPOCH).await.unwrap(), None, "{odd}");
        assert_eq!(cache.whole().await.unwrap(), None, "{odd}");
        cache.publish(&published, &ItemChanges::Everything).await.unwrap();
        assert_eq!(cache.item(item(1, 0, 0).id, EPOCH).await.unwrap(), Some(item(1, 30, 1)), "{odd}");
        assert_eq!(cache.whole().await.unwrap(), Some(published.clone()), "{odd}");
    }
    for odd in ["", "newest", "-1"] {
        let () = connection.set(CURRENT, odd).await.unwrap();
        assert_eq!((cache.version().await.unwrap(), cache.whole().await.unwrap()), (None, None), "{odd}");
        cache.publish(&published, &ItemChanges::Everything).await.unwrap();
        assert_eq!(cache.version().await.unwrap(), Some(3), "{odd}");
    }
    // Keys of another type.
    for key in [CURRENT.to_owned(), whole_key(3), item_key(item(1, 0, 0).id)] {
        let _: i64 = connection.del(&key).await.unwrap();
        let _: i64 = connection.lpush(&key, "x").await.unwrap();
    }
    assert_eq!((cache.version().await.unwrap(), cache.whole().await.unwrap()), (None, None));
    assert_eq!(cache.item(item(1, 0, 0).id, EPOCH).await.unwrap(), None);
    cache.publish(&published, &ItemChanges::Everything).await.unwrap();
    assert_eq!(cache.whole().await.unwrap(), Some(published));
    assert_eq!(cache.item(item(1, 0, 0).id, EPOCH).await.unwrap(), Some(item(1, 30, 1)));
}
