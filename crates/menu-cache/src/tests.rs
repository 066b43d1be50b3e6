use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use chrono::DateTime;
use comanda_domain::{
    AccountId, Category, Currency, Description, FeatureFlag, MenuItem, MenuItemDetails, MenuItemEdit, MenuItemId,
    MenuItemName, Price, Stock, Timestamp,
    ports::{
        EditMenuItemError, FeatureFlags, ItemChanges, LoadLease, Menu, MenuCopy, MenuNotification, MenuObserver,
        MenuSubscriber, MockClock, MockLiveMenu, MockMenu, MockMenuCache, MockMenuSource, PublicMenu, Unavailable,
        WholeMenu,
    },
};
use tokio::sync::{Notify, mpsc};
use uuid::Uuid;

use crate::{
    CacheTerms, CachedMenu,
    current::{Current, Installed, Origin, Snapshot},
};

const TERMS: CacheTerms = CacheTerms { lifetime: Duration::from_mins(5), stale: Duration::from_hours(1) };

fn now() -> Timestamp {
    DateTime::from_timestamp_millis(1_790_000_000_000).unwrap()
}

fn item(n: u128, revision: u32, stock: u32) -> MenuItem {
    MenuItem {
        id: MenuItemId::new(Uuid::from_u128(n)),
        details: MenuItemDetails {
            name: MenuItemName::new("Carbonara").unwrap(),
            description: Description::new("").unwrap(),
            category: Category::new("Pasta").unwrap(),
            price: Price::new(1250, Currency::EUR).unwrap(),
            low_stock_at: Stock::new(5).unwrap(),
            active: true,
        },
        stock,
        revision,
        version: 1,
        created_at: now(),
        updated_at: now(),
    }
}

fn whole(version: u64) -> WholeMenu {
    WholeMenu { version, items: vec![item(1, u32::try_from(version).unwrap(), 30)] }
}

fn copy(version: u64, loaded_at: Timestamp, items: Vec<MenuItem>) -> MenuCopy {
    MenuCopy { menu: Arc::new(WholeMenu { version, items }), loaded_at, load_took: Duration::from_millis(1) }
}

struct AllOn;

#[async_trait]
impl FeatureFlags for AllOn {
    async fn is_on(&self, _: FeatureFlag, _: &str) -> bool {
        true
    }
}

/// A cache in which nothing has been published yet; each publication is sent to the receiver.
fn empty_cache() -> (MockMenuCache, mpsc::UnboundedReceiver<(u64, ItemChanges)>) {
    let (sender, published) = mpsc::unbounded_channel();
    let mut cache = MockMenuCache::new();
    cache.expect_whole().returning(|| Ok(None));
    cache.expect_item().returning(|_| Ok(None));
    cache.expect_version().returning(|| Ok(Some(u64::MAX / 2)));
    cache.expect_take_lease().returning(|| Ok(Some(LoadLease("lease".to_owned()))));
    cache.expect_return_lease().returning(|_| Ok(()));
    cache.expect_publish().returning(move |copy, changes| {
        let _ = sender.send((copy.menu.version, changes.clone()));
        Ok(())
    });
    (cache, published)
}

fn start(menu: MockMenu, source: MockMenuSource, cache: MockMenuCache) -> CachedMenu {
    let mut clock = MockClock::new();
    clock.expect_now().returning(now);
    let menu = CachedMenu::new(
        Arc::new(menu),
        Arc::new(MockLiveMenu::new()),
        Arc::new(source),
        Arc::new(cache),
        Arc::new(AllOn),
        Arc::new(clock),
        TERMS,
    );
    tokio::spawn({
        let menu = menu.clone();
        async move { menu.run(|| {}).await }
    });
    menu
}

#[test]
fn the_current_snapshot_never_goes_back_and_a_renewed_menu_stays_the_same() {
    let expires = std::time::Instant::now() + Duration::from_mins(1);
    let current = Current::default();
    let install = |version, milliseconds, origin| {
        let loaded_at = DateTime::from_timestamp_millis(milliseconds).unwrap();
        current.install(Snapshot::new(copy(version, loaded_at, vec![]), expires), origin)
    };
    assert!(matches!(install(2, 100, Origin::Shared), Installed::Newer { before: None }));
    let first = current.snapshot().unwrap();
    assert!(matches!(install(1, 900, Origin::Database), Installed::Older));
    assert!(matches!(install(2, 200, Origin::Shared), Installed::Same));
    let renewed = current.snapshot().unwrap();
    assert!(Arc::ptr_eq(&renewed.copy.menu, &first.copy.menu) && renewed.copy.loaded_at > first.copy.loaded_at);
    assert!(matches!(install(2, 150, Origin::Shared), Installed::Same));
    assert_eq!(current.snapshot().unwrap().copy.loaded_at, renewed.copy.loaded_at);

    // The database is known to hold something newer: only the database can say that it was no change after all.
    renewed.mark_outdated();
    install(2, 300, Origin::Shared);
    assert!(current.snapshot().unwrap().is_outdated());
    install(2, 400, Origin::Database);
    assert!(!current.snapshot().unwrap().is_outdated());
}

#[test]
fn changes_are_what_customers_see_differently() {
    let snapshot = |items| Snapshot::new(copy(1, now(), items), std::time::Instant::now());
    let before = snapshot(vec![item(1, 1, 30), item(2, 1, 30), item(3, 1, 30), item(4, 1, 30)]);
    let after = snapshot(vec![item(1, 1, 29), item(2, 2, 30), item(3, 1, 5), item(5, 1, 1)]);
    let ids = |numbers: &[u128]| numbers.iter().map(|n| MenuItemId::new(Uuid::from_u128(*n))).collect::<Vec<_>>();
    assert_eq!(after.changes_since(&before), ItemChanges::Partial { changed: ids(&[2, 3, 5]), gone: ids(&[4]) });
}

#[tokio::test]
async fn many_readers_of_an_empty_cache_are_one_load() {
    let loads = Arc::new(AtomicUsize::new(0));
    let mut source = MockMenuSource::new();
    let counted = Arc::clone(&loads);
    source.expect_load().returning(move || {
        counted.fetch_add(1, Ordering::SeqCst);
        Ok(whole(1))
    });
    source.expect_version().returning(|| Ok(1));
    let (cache, mut published) = empty_cache();
    let menu = start(MockMenu::new(), source, cache);
    let mut readers = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let menu = menu.clone();
        readers.spawn(async move { PublicMenu::whole(&menu).await.unwrap() });
    }
    let read = readers.join_all().await;
    assert!(read.iter().all(|menu| Arc::ptr_eq(menu, &read[0])));
    assert_eq!(loads.load(Ordering::SeqCst), 1);
    assert_eq!(published.recv().await, Some((1, ItemChanges::Everything)));
}

#[tokio::test]
async fn readers_that_waited_for_a_load_fail_with_it() {
    let loads = Arc::new(AtomicUsize::new(0));
    let mut source = MockMenuSource::new();
    let counted = Arc::clone(&loads);
    source.expect_load().returning(move || {
        counted.fetch_add(1, Ordering::SeqCst);
        Err(Unavailable::new("gone"))
    });
    let (cache, _published) = empty_cache();
    let menu = start(MockMenu::new(), source, cache);
    let read = futures(&menu, 50).await;
    assert!(read.iter().all(Result::is_err));
    assert_eq!(loads.load(Ordering::SeqCst), 1, "instead of fifty in turn");
}

async fn futures(menu: &CachedMenu, count: usize) -> Vec<Result<Arc<WholeMenu>, Unavailable>> {
    let mut readers = tokio::task::JoinSet::new();
    for _ in 0..count {
        let menu = menu.clone();
        readers.spawn(async move { PublicMenu::whole(&menu).await });
    }
    readers.join_all().await
}

/// A menu whose version rises with every edit.
fn editable(version: &Arc<AtomicU64>) -> (MockMenu, MockMenuSource) {
    let (mut menu, mut source) = (MockMenu::new(), MockMenuSource::new());
    let current = Arc::clone(version);
    source.expect_load().returning(move || Ok(whole(current.load(Ordering::SeqCst))));
    let current = Arc::clone(version);
    source.expect_version().returning(move || Ok(current.load(Ordering::SeqCst)));
    let current = Arc::clone(version);
    source.expect_raise_above().returning(move |version| {
        current.fetch_max(version + 1, Ordering::SeqCst);
        Ok(())
    });
    let current = Arc::clone(version);
    menu.expect_edit().returning(move |_, revision, _, _, _| {
        if u64::from(revision) != current.load(Ordering::SeqCst) {
            return Err(EditMenuItemError::Stale { current: revision + 1 });
        }
        current.fetch_add(1, Ordering::SeqCst);
        Ok(item(1, revision + 1, 30))
    });
    (menu, source)
}

async fn edit(menu: &CachedMenu, revision: u32) -> Result<MenuItem, EditMenuItemError> {
    let editor = AccountId::new(Uuid::from_u128(9));
    menu.edit(item(1, 1, 30).id, revision, MenuItemEdit::default(), editor, now()).await
}

#[tokio::test]
async fn an_edit_returns_when_it_is_shown_and_shared() {
    let version = Arc::new(AtomicU64::new(1));
    let (cache, mut published) = empty_cache();
    let (menu, source) = editable(&version);
    let menu = start(menu, source, cache);
    assert_eq!(PublicMenu::whole(&menu).await.unwrap().version, 1);
    edit(&menu, 1).await.unwrap();
    assert_eq!(PublicMenu::whole(&menu).await.unwrap().version, 2);
    assert_eq!(PublicMenu::item(&menu, item(1, 1, 30).id).await.unwrap().unwrap().revision, 2);
    assert!(matches!(edit(&menu, 1).await, Err(EditMenuItemError::Stale { .. })));
    assert_eq!(published.recv().await, Some((1, ItemChanges::Everything)));
    let changes = ItemChanges::Partial { changed: vec![item(1, 1, 30).id], gone: vec![] };
    assert_eq!(published.recv().await, Some((2, changes)));
}

#[tokio::test]
async fn after_a_failed_publication_everything_is_published() {
    let version = Arc::new(AtomicU64::new(1));
    let (sender, mut published) = mpsc::unbounded_channel();
    let mut cache = MockMenuCache::new();
    cache.expect_whole().returning(|| Ok(None));
    cache.expect_version().returning(|| Ok(Some(u64::MAX / 2)));
    cache.expect_take_lease().returning(|| Err(Unavailable::new("gone")));
    cache.expect_publish().returning(move |copy, changes| {
        let _ = sender.send((copy.menu.version, changes.clone()));
        if copy.menu.version == 2 { Err(Unavailable::new("gone")) } else { Ok(()) }
    });
    let (menu, source) = editable(&version);
    let menu = start(menu, source, cache);
    PublicMenu::whole(&menu).await.unwrap();
    for revision in 1..4 {
        edit(&menu, revision).await.unwrap();
    }
    let publications: Vec<(u64, bool)> =
        [published.recv().await, published.recv().await, published.recv().await, published.recv().await]
            .into_iter()
            .flatten()
            .map(|(version, changes)| (version, changes == ItemChanges::Everything))
            .collect();
    assert_eq!(publications, [(1, true), (2, false), (3, true), (4, false)]);
}

#[tokio::test]
async fn an_edit_that_cannot_be_shown_is_not_hidden_behind_the_old_menu() {
    let (version, broken) = (Arc::new(AtomicU64::new(1)), Arc::new(AtomicUsize::new(0)));
    let (mut menu, mut source) = (MockMenu::new(), MockMenuSource::new());
    let (current, failing) = (Arc::clone(&version), Arc::clone(&broken));
    source.expect_load().returning(move || {
        if failing.load(Ordering::SeqCst) == 1 {
            return Err(Unavailable::new("gone"));
        }
        Ok(whole(current.load(Ordering::SeqCst)))
    });
    source.expect_version().returning(|| Err(Unavailable::new("gone")));
    let (current, failing) = (Arc::clone(&version), Arc::clone(&broken));
    menu.expect_edit().returning(move |_, revision, _, _, _| {
        current.fetch_add(1, Ordering::SeqCst);
        failing.store(1, Ordering::SeqCst);
        Ok(item(1, revision + 1, 30))
    });
    let (cache, _published) = empty_cache();
    let menu = start(menu, source, cache);
    PublicMenu::whole(&menu).await.unwrap();
    edit(&menu, 1).await.unwrap();
    assert!(PublicMenu::whole(&menu).await.is_err(), "an error is better than a price that was replaced");
    broken.store(0, Ordering::SeqCst);
    assert_eq!(PublicMenu::whole(&menu).await.unwrap().version, 2);
}

#[tokio::test]
async fn changes_by_orders_and_by_other_servers_are_shown() {
    let version = Arc::new(AtomicU64::new(1));
    let (cache, mut published) = empty_cache();
    let (menu, source) = editable(&version);
    let menu = start(menu, source, cache);
    PublicMenu::whole(&menu).await.unwrap();
    let until = async |expected: u64| {
        while PublicMenu::whole(&menu).await.unwrap().version != expected {
            tokio::task::yield_now().await;
        }
    };
    version.store(2, Ordering::SeqCst);
    menu.menu_changed();
    until(2).await;
    version.store(3, Ordering::SeqCst);
    menu.on_notification(MenuNotification::Version(3));
    until(3).await;
    // Nobody sends a notification: polling notices the change.
    version.store(4, Ordering::SeqCst);
    until(4).await;
    published.close();
}

#[tokio::test]
async fn a_reader_that_hangs_up_stops_nobody() {
    let (begun, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let mut source = MockMenuSource::new();
    source.expect_load().returning(|| Ok(whole(1)));
    source.expect_version().returning(|| Ok(1));
    let mut cache = MockMenuCache::new();
    cache.expect_version().returning(|| Ok(Some(1)));
    let taken = Arc::new(AtomicUsize::new(0));
    let (first, lease, goes_on) = (Arc::clone(&begun), Arc::clone(&taken), Arc::clone(&go_on));
    cache.expect_whole().returning(|| Ok(None));
    cache.expect_take_lease().returning(move || {
        first.notify_one();
        // The lease is out until it is returned.
        Ok((lease.fetch_add(1, Ordering::SeqCst) == 0).then(|| LoadLease("lease".to_owned())))
    });
    let returned = Arc::clone(&taken);
    cache.expect_return_lease().returning(move |_| {
        returned.store(0, Ordering::SeqCst);
        goes_on.notify_one();
        Ok(())
    });
    cache.expect_publish().returning(|_, _| Ok(()));
    let menu = start(MockMenu::new(), source, cache);
    let reader = {
        let menu = menu.clone();
        tokio::spawn(async move { PublicMenu::whole(&menu).await })
    };
    begun.notified().await;
    reader.abort();
    go_on.notified().await;
    assert_eq!(PublicMenu::whole(&menu).await.unwrap().version, 1);
}

/// A menu at version 1, and how often it was loaded.
fn counted() -> (MockMenuSource, Arc<AtomicUsize>) {
    let (mut source, loads) = (MockMenuSource::new(), Arc::new(AtomicUsize::new(0)));
    let count = Arc::clone(&loads);
    source.expect_load().returning(move || {
        count.fetch_add(1, Ordering::SeqCst);
        Ok(whole(1))
    });
    source.expect_version().returning(|| Ok(1));
    (source, loads)
}

/// A cached menu without a background: the test decides when the background would run. Each reading of the clock is a
/// millisecond later than the one before.
fn at_rest(menu: MockMenu, source: MockMenuSource, cache: MockMenuCache, terms: CacheTerms) -> CachedMenu {
    let (mut clock, milliseconds) = (MockClock::new(), AtomicI64::new(1_790_000_000_000));
    clock
        .expect_now()
        .returning(move || DateTime::from_timestamp_millis(milliseconds.fetch_add(1, Ordering::SeqCst)).unwrap());
    CachedMenu::new(
        Arc::new(menu),
        Arc::new(MockLiveMenu::new()),
        Arc::new(source),
        Arc::new(cache),
        Arc::new(AllOn),
        Arc::new(clock),
        terms,
    )
}

#[tokio::test]
async fn a_version_in_redis_without_a_copy_is_no_reason_to_load_what_the_database_has_not() {
    let (source, loads) = counted();
    let (cache, _published) = empty_cache();
    let menu = at_rest(MockMenu::new(), source, cache, TERMS);
    PublicMenu::whole(&menu).await.unwrap();
    // The background polls between the load that all readers share and their response.
    menu.0.poll().await;
    assert!(menu.0.run_pending().await);
    assert_eq!(loads.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_newer_copy_in_redis_is_adopted_when_the_database_does_not_know_it() {
    let mut source = MockMenuSource::new();
    source.expect_load().return_once(|| Ok(whole(1)));
    source.expect_version().returning(|| Ok(1));
    let mut cache = MockMenuCache::new();
    cache.expect_take_lease().returning(|| Err(Unavailable::new("gone")));
    cache.expect_publish().returning(|_, _| Err(Unavailable::new("gone")));
    cache.expect_whole().once().returning(|| Ok(None));
    cache.expect_version().returning(|| Ok(Some(2)));
    cache.expect_whole().returning(|| Ok(Some(copy(2, now(), whole(2).items))));
    let menu = at_rest(MockMenu::new(), source, cache, TERMS);
    assert_eq!(PublicMenu::whole(&menu).await.unwrap().version, 1);
    menu.0.poll().await;
    assert!(menu.0.run_pending().await);
    assert_eq!(PublicMenu::whole(&menu).await.unwrap().version, 2);
}

#[tokio::test]
async fn a_renewal_requested_during_a_load_is_met_by_that_load() {
    let (mut source, loads, cached) = (MockMenuSource::new(), Arc::new(AtomicUsize::new(0)), Arc::new(OnceLock::new()));
    let (count, reader) = (Arc::clone(&loads), Arc::<OnceLock<CachedMenu>>::clone(&cached));
    source.expect_load().returning(move || {
        count.fetch_add(1, Ordering::SeqCst);
        // A reader is shown the snapshot that is being renewed, and finds that a renewal is due.
        if let Some(menu) = reader.get() {
            assert!(menu.0.shown().is_some());
        }
        Ok(whole(1))
    });
    let (cache, _published) = empty_cache();
    let expired_at_once = CacheTerms { lifetime: Duration::ZERO, stale: Duration::from_hours(1) };
    let menu = at_rest(MockMenu::new(), source, cache, expired_at_once);
    PublicMenu::whole(&menu).await.unwrap();
    cached.set(menu.clone()).ok().unwrap();

    PublicMenu::whole(&menu).await.unwrap();
    assert!(menu.0.run_pending().await);
    assert_eq!(loads.load(Ordering::SeqCst), 2, "the renewal");
    assert!(menu.0.run_pending().await);
    assert_eq!(loads.load(Ordering::SeqCst), 2, "the request made meanwhile");
    PublicMenu::whole(&menu).await.unwrap();
    assert!(menu.0.run_pending().await);
    assert_eq!(loads.load(Ordering::SeqCst), 3, "a request made afterwards");
}

#[tokio::test]
async fn a_change_that_another_change_has_shown_is_not_loaded_again() {
    let ((source, loads), mut menu) = (counted(), MockMenu::new());
    menu.expect_edit().returning(|_, revision, _, _, _| Ok(item(1, revision + 1, 30)));
    let (cache, _published) = empty_cache();
    let menu = at_rest(menu, source, cache, TERMS);
    PublicMenu::whole(&menu).await.unwrap();
    menu.menu_changed();
    edit(&menu, 1).await.unwrap();
    assert_eq!(loads.load(Ordering::SeqCst), 2);
    assert!(menu.0.run_pending().await);
    assert_eq!(loads.load(Ordering::SeqCst), 2);
    menu.menu_changed();
    assert!(menu.0.run_pending().await);
    assert_eq!(loads.load(Ordering::SeqCst), 3, "a change after the load");
}

#[tokio::test]
async fn a_copy_that_was_being_published_during_a_poll_is_not_published_again() {
    let (sender, mut published) = mpsc::unbounded_channel();
    let mut cache = MockMenuCache::new();
    cache.expect_whole().returning(|| Ok(None));
    cache.expect_take_lease().returning(|| Ok(Some(LoadLease("lease".to_owned()))));
    cache.expect_return_lease().returning(|_| Ok(()));
    cache.expect_publish().returning(move |copy, _| {
        let _ = sender.send(copy.menu.version);
        Ok(())
    });
    // The poll comes too early, and once it has the lease the copy is there. Later Redis loses it.
    let versions = [None, Some(1), None, None].map(Ok);
    let mut sequence = mockall::Sequence::new();
    for version in versions {
        cache.expect_version().once().in_sequence(&mut sequence).return_once(|| version);
    }
    let (source, _) = counted();
    let menu = at_rest(MockMenu::new(), source, cache, TERMS);
    PublicMenu::whole(&menu).await.unwrap();
    assert_eq!(published.try_recv(), Ok(1));
    for republished in [false, true] {
        menu.0.poll().await;
        assert!(menu.0.run_pending().await);
        assert_eq!(published.try_recv().is_ok(), republished);
    }
}

#[tokio::test]
async fn a_database_that_has_lost_versions_is_believed() {
    let version = Arc::new(AtomicU64::new(100));
    let (cache, mut published) = empty_cache();
    let (menu, source) = editable(&version);
    let menu = at_rest(menu, source, cache, TERMS);
    assert_eq!(PublicMenu::whole(&menu).await.unwrap().items[0].revision, 100);
    assert_eq!(published.recv().await, Some((100, ItemChanges::Everything)));

    version.store(98, Ordering::SeqCst);
    menu.0.poll().await;
    assert!(menu.0.shown().is_none(), "what is lost is shown no more");
    assert!(menu.0.run_pending().await);
    assert_eq!(PublicMenu::whole(&menu).await.unwrap().version, 101, "above all that was shown");
    assert_eq!(published.recv().await, Some((101, ItemChanges::Everything)));
    menu.0.poll().await;
    assert!(menu.0.run_pending().await);
    assert!(menu.0.shown().is_some());
    assert!(published.try_recv().is_err());

    // Before any poll, somebody edits it here.
    version.store(50, Ordering::SeqCst);
    edit(&menu, 50).await.unwrap();
    assert_eq!(PublicMenu::whole(&menu).await.unwrap().version, 102);
    assert_eq!(published.recv().await, Some((102, ItemChanges::Everything)));
}

#[tokio::test]
async fn while_the_database_is_gone_no_menu_is_put_above_an_older_one_in_redis() {
    let mut source = MockMenuSource::new();
    source.expect_load().return_once(|| Ok(whole(100)));
    source.expect_version().returning(|| Err(Unavailable::new("gone")));
    let (sender, mut published) = mpsc::unbounded_channel();
    let mut cache = MockMenuCache::new();
    cache.expect_whole().returning(|| Ok(None));
    cache.expect_version().returning(|| Ok(Some(98)));
    cache.expect_take_lease().returning(|| Ok(Some(LoadLease("lease".to_owned()))));
    cache.expect_return_lease().returning(|_| Ok(()));
    cache.expect_publish().returning(move |copy, _| {
        let _ = sender.send(copy.menu.version);
        Ok(())
    });
    let menu = at_rest(MockMenu::new(), source, cache, TERMS);
    PublicMenu::whole(&menu).await.unwrap();
    assert_eq!(published.recv().await, Some(100));
    menu.0.poll().await;
    assert!(menu.0.run_pending().await);
    assert!(published.try_recv().is_err());
}
