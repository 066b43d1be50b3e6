//! A menu on mocks of what it stands on.

mod background;
mod changes;
mod loading;
mod lost_versions;
mod snapshots;

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use chrono::DateTime;
use comanda_domain::{
    AccountId, Category, Currency, Description, FeatureFlag, MenuItem, MenuItemDetails, MenuItemEdit, MenuItemId,
    MenuItemName, Price, Stock, StockLevel, StockedDefinition, Timestamp,
    ports::{
        EditMenuItemError, FeatureFlags, ItemChanges, LoadLease, Menu, MenuCopy, MenuEpoch, MenuVersion, MockClock,
        MockLiveMenu, MockMenu, MockMenuCache, MockMenuSource, PublicMenu, Unavailable, WholeMenu,
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
            allergens: vec![],
            active: true,
        },
        stock: Some(StockLevel { on_hand: Stock::stored(stock), low_at: Stock::LOW }),
        station: None,
        definition: StockedDefinition::default(),
        revision,
        version: 1,
        created_at: now(),
        updated_at: now(),
    }
}

/// A version of an epoch that lasts.
fn numbered(number: u64) -> MenuVersion {
    MenuVersion { epoch: MenuEpoch::new(Uuid::from_u128(7)), number }
}

fn whole(number: u64) -> WholeMenu {
    WholeMenu { version: numbered(number), items: vec![item(1, u32::try_from(number).unwrap(), 30)] }
}

fn copy(number: u64, loaded_at: Timestamp, items: Vec<MenuItem>) -> MenuCopy {
    let menu = WholeMenu { version: numbered(number), items };
    MenuCopy { menu: Arc::new(menu), loaded_at, load_took: Duration::from_millis(1) }
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
    cache.expect_item().returning(|_, _| Ok(None));
    let newest = Arc::new(AtomicU64::new(0));
    let number = Arc::clone(&newest);
    cache.expect_version().returning(move || Ok(Some(number.load(Ordering::SeqCst))));
    cache.expect_take_lease().returning(|| Ok(Some(LoadLease("lease".to_owned()))));
    cache.expect_return_lease().returning(|_| Ok(()));
    cache.expect_publish().returning(move |copy, changes| {
        newest.fetch_max(copy.menu.version.number, Ordering::SeqCst);
        let _ = sender.send((copy.menu.version.number, changes.clone()));
        Ok(())
    });
    (cache, published)
}

/// Shows nothing newer by itself.
fn idle(live: MockLiveMenu, source: MockMenuSource, flags: Arc<dyn FeatureFlags>) -> CachedMenu {
    let mut clock = MockClock::new();
    clock.expect_now().returning(now);
    let (cache, _) = empty_cache();
    let (menu, live, source, cache) = (Arc::new(MockMenu::new()), Arc::new(live), Arc::new(source), Arc::new(cache));
    CachedMenu::new(menu, live, source, cache, flags, Arc::new(clock), TERMS)
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
    source.expect_version().returning(move || Ok(numbered(current.load(Ordering::SeqCst))));
    let current = Arc::clone(version);
    source.expect_succeed().returning(move |lost| {
        current.fetch_max(lost.number + 1, Ordering::SeqCst);
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

/// A menu at version 1, and how often it was loaded.
fn counted() -> (MockMenuSource, Arc<AtomicUsize>) {
    let (mut source, loads) = (MockMenuSource::new(), Arc::new(AtomicUsize::new(0)));
    let count = Arc::clone(&loads);
    source.expect_load().returning(move || {
        count.fetch_add(1, Ordering::SeqCst);
        Ok(whole(1))
    });
    source.expect_version().returning(|| Ok(numbered(1)));
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
