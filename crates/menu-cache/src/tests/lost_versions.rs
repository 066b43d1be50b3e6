use std::sync::Mutex;

use comanda_domain::ports::{MenuCache, MenuSource, MenuTag};

use super::*;

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
    assert_eq!(PublicMenu::whole(&menu).await.unwrap().version.number, 101, "above all that was shown");
    assert_eq!(published.recv().await, Some((101, ItemChanges::Everything)));
    menu.0.poll().await;
    assert!(menu.0.run_pending().await);
    assert!(menu.0.shown().is_some());
    assert!(published.try_recv().is_err());

    // Before any poll, somebody edits it here.
    version.store(50, Ordering::SeqCst);
    edit(&menu, 50).await.unwrap();
    assert_eq!(PublicMenu::whole(&menu).await.unwrap().version.number, 102);
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
        let _ = sender.send(copy.menu.version.number);
        Ok(())
    });
    let menu = at_rest(MockMenu::new(), source, cache, TERMS);
    PublicMenu::whole(&menu).await.unwrap();
    assert_eq!(published.recv().await, Some(100));
    menu.0.poll().await;
    assert!(menu.0.run_pending().await);
    assert!(published.try_recv().is_err());
}

/// The database's side of a menu: its version, and the revision of its only menu item.
struct Table(Mutex<(MenuVersion, u32)>);

impl Table {
    fn state(&self) -> (MenuVersion, u32) {
        *self.0.lock().unwrap()
    }
}

#[async_trait]
impl MenuSource for Table {
    async fn version(&self) -> Result<MenuVersion, Unavailable> {
        Ok(self.state().0)
    }

    async fn succeed(&self, lost: MenuVersion) -> Result<(), Unavailable> {
        let (version, _) = &mut *self.0.lock().unwrap();
        if !version.could_follow(lost) {
            return Ok(());
        }
        if version.number < lost.number || (version.number == lost.number && version.epoch != lost.epoch) {
            version.number = lost.number + 1;
        }
        Ok(())
    }

    async fn load(&self) -> Result<WholeMenu, Unavailable> {
        let (version, revision) = self.state();
        Ok(WholeMenu { version, items: vec![item(1, revision, 30)] })
    }
}

/// The shared copy, which only moves forwards.
#[derive(Default)]
struct Shared(Mutex<Option<MenuCopy>>);

#[async_trait]
impl MenuCache for Shared {
    async fn version(&self) -> Result<Option<u64>, Unavailable> {
        Ok(self.0.lock().unwrap().as_ref().map(|copy| copy.menu.version.number))
    }

    async fn whole(&self) -> Result<Option<MenuCopy>, Unavailable> {
        Ok(self.0.lock().unwrap().clone())
    }

    async fn item(&self, _: MenuItemId, _: MenuEpoch) -> Result<Option<MenuItem>, Unavailable> {
        Ok(None)
    }

    async fn publish(&self, copy: &MenuCopy, _: &ItemChanges) -> Result<(), Unavailable> {
        let mut shared = self.0.lock().unwrap();
        if shared.as_ref().is_none_or(|shared| shared.menu.version.number <= copy.menu.version.number) {
            *shared = Some(copy.clone());
        }
        Ok(())
    }

    async fn discard(&self, number: u64) -> Result<(), Unavailable> {
        self.0.lock().unwrap().take_if(|copy| copy.menu.version.number == number);
        Ok(())
    }

    async fn take_lease(&self) -> Result<Option<LoadLease>, Unavailable> {
        Ok(Some(LoadLease("lease".to_owned())))
    }

    async fn return_lease(&self, _: LoadLease) -> Result<(), Unavailable> {
        Ok(())
    }

    async fn invalidate(&self, _: &MenuTag) -> Result<u64, Unavailable> {
        Ok(0)
    }
}

/// A server that has shown nothing yet.
fn server(table: &Arc<Table>, shared: &Arc<Shared>) -> CachedMenu {
    let (mut clock, milliseconds) = (MockClock::new(), AtomicI64::new(1_790_000_000_000));
    clock
        .expect_now()
        .returning(move || DateTime::from_timestamp_millis(milliseconds.fetch_add(1, Ordering::SeqCst)).unwrap());
    CachedMenu::new(
        Arc::new(MockMenu::new()),
        Arc::new(MockLiveMenu::new()),
        Arc::<Table>::clone(table),
        Arc::<Shared>::clone(shared),
        Arc::new(AllOn),
        Arc::new(clock),
        TERMS,
    )
}

async fn shown(server: &CachedMenu) -> (MenuVersion, u32) {
    let menu = PublicMenu::whole(server).await.unwrap();
    (menu.version, menu.items[0].revision)
}

/// Every server polls as often as it does in a second.
async fn assert_all_follow(table: &Table, shared: &Shared, servers: &[CachedMenu], case: &str) {
    for _ in 0..2 {
        for server in servers {
            server.0.poll().await;
            assert!(server.0.run_pending().await, "{case}");
        }
    }
    let state = table.state();
    for server in servers {
        assert_eq!(shown(server).await, state, "{case}");
    }
    let copy = shared.whole().await.unwrap().unwrap();
    assert_eq!((copy.menu.version, copy.menu.items[0].revision), state, "{case}: in Redis");
}

const BEFORE: MenuEpoch = MenuEpoch::new(Uuid::from_u128(1));
const AFTER: MenuEpoch = MenuEpoch::new(Uuid::from_u128(2));

/// The revision after the loss.
const RESTORED: u32 = 9000;

#[tokio::test]
async fn however_many_servers_have_shown_whatever_was_lost_all_follow_the_database() {
    for servers in 1..=3 {
        // Also what was lost and replaced by as many changes, or by more of them, before anybody looked.
        for (lost, replaced) in (0..=3).flat_map(|lost| (0..=4).map(move |replaced| (lost, replaced))) {
            for first in 0..servers {
                let case = format!("{servers} servers, {lost} lost, {replaced} replaced, {first} first");
                let table = Arc::new(Table(Mutex::new((MenuVersion { epoch: BEFORE, number: 100 }, 1))));
                let shared = Arc::new(Shared::default());
                let all: Vec<CachedMenu> = (0..servers).map(|_| server(&table, &shared)).collect();
                // Each has seen one version more than the one before it.
                for (number, server) in (100..).zip(&all) {
                    *table.0.lock().unwrap() = (MenuVersion { epoch: BEFORE, number }, u32::try_from(number).unwrap());
                    shown(server).await;
                    server.0.poll().await;
                    server.0.run_pending().await;
                    assert_eq!(shown(server).await, table.state(), "{case}");
                }
                let newest = table.state().0.number;
                let number = newest - lost + replaced;
                *table.0.lock().unwrap() = (MenuVersion { epoch: AFTER, number }, RESTORED);
                let mut order = all.clone();
                order.rotate_left(first);
                assert_all_follow(&table, &shared, &order, &case).await;
                assert!(table.state().0.number > newest, "{case}: above all that was shown");
            }
        }
    }
}

#[tokio::test]
async fn a_server_that_starts_after_a_restore_does_not_show_what_redis_has_kept() {
    for number in 97..=103 {
        let case = format!("restored at {number}");
        let table = Arc::new(Table(Mutex::new((MenuVersion { epoch: BEFORE, number: 100 }, 100))));
        let shared = Arc::new(Shared::default());
        shown(&server(&table, &shared)).await;
        assert!(shared.whole().await.unwrap().is_some());

        *table.0.lock().unwrap() = (MenuVersion { epoch: AFTER, number }, RESTORED);
        let started = [server(&table, &shared), server(&table, &shared)];
        for server in &started {
            assert_eq!(shown(server).await.1, RESTORED, "{case}");
        }
        assert_all_follow(&table, &shared, &started, &case).await;
    }
}

#[tokio::test]
async fn while_nobody_can_ask_the_database_what_redis_has_is_shown() {
    let mut source = MockMenuSource::new();
    source.expect_version().returning(|| Err(Unavailable::new("gone")));
    let mut cache = MockMenuCache::new();
    cache.expect_whole().returning(|| Ok(Some(copy(5, now(), whole(5).items))));
    let menu = at_rest(MockMenu::new(), source, cache, TERMS);
    assert_eq!(PublicMenu::whole(&menu).await.unwrap().version.number, 5);
}

#[tokio::test]
async fn a_number_that_no_menu_can_have_is_dropped_and_the_database_is_left_alone() {
    let table = Arc::new(Table(Mutex::new((numbered(7), 1))));
    let shared = Arc::new(Shared::default());
    let mut foreign = copy(i64::MAX.unsigned_abs() - 1, now(), Vec::new());
    Arc::make_mut(&mut foreign.menu).version.epoch = MenuEpoch::new(Uuid::from_u128(66));
    *shared.0.lock().unwrap() = Some(foreign);
    let server = server(&table, &shared);
    assert_eq!(shown(&server).await, (numbered(7), 1));
    assert_eq!(table.state(), (numbered(7), 1));
    assert_eq!(shared.version().await.unwrap(), Some(7), "the menu itself is published");
}

#[tokio::test]
async fn a_number_that_is_put_right_by_hand_is_followed() {
    for first in 0..2 {
        let table = Arc::new(Table(Mutex::new((numbered(i64::MAX.unsigned_abs()), 1))));
        let shared = Arc::new(Shared::default());
        let mut servers = [server(&table, &shared), server(&table, &shared)];
        for server in &servers {
            assert_eq!(shown(server).await, table.state());
        }
        *table.0.lock().unwrap() = (numbered(5), 2);
        servers.rotate_left(first);
        assert_all_follow(&table, &shared, &servers, "put right").await;
        assert_eq!(table.state(), (numbered(5), 2));
    }
}

#[tokio::test]
async fn servers_of_two_databases_behind_one_redis_do_not_raise_each_other_for_ever() {
    let shared = Arc::new(Shared::default());
    let tables = [66, 77].map(|epoch| {
        let version = MenuVersion { epoch: MenuEpoch::new(Uuid::from_u128(epoch)), number: 7 };
        Arc::new(Table(Mutex::new((version, 1))))
    });
    let servers = tables.each_ref().map(|table| server(table, &shared));
    for server in &servers {
        shown(server).await;
    }
    for _ in 0..100 {
        for server in &servers {
            server.0.poll().await;
            server.0.run_pending().await;
        }
    }
    let numbers = tables.each_ref().map(|table| table.state().0.number);
    assert!(numbers.iter().all(|number| (8..60).contains(number)), "{numbers:?}");
}

/// As after the files of one were copied.
#[tokio::test]
async fn servers_of_two_databases_of_one_epoch_show_their_own_menus_and_do_not_raise_each_other_for_ever() {
    let shared = Arc::new(Shared::default());
    let tables = [(9, 1), (7, 2)].map(|(number, revision)| Arc::new(Table(Mutex::new((numbered(number), revision)))));
    let servers = tables.each_ref().map(|table| server(table, &shared));
    for _ in 0..100 {
        for (server, table) in servers.iter().zip(&tables) {
            server.0.poll().await;
            server.0.run_pending().await;
            assert_eq!(shown(server).await.1, table.state().1);
        }
    }
    let numbers = tables.each_ref().map(|table| table.state().0.number);
    assert!(numbers.iter().all(|number| (9..60).contains(number)), "{numbers:?}");
}

#[tokio::test]
async fn a_database_that_loses_versions_without_end_is_followed_and_left_alone() {
    let table = Arc::new(Table(Mutex::new((numbered(100), 1))));
    let shared = Arc::new(Shared::default());
    let server = server(&table, &shared);
    shown(&server).await;
    for revision in 2..30 {
        *table.0.lock().unwrap() = (numbered(5), revision);
        server.0.poll().await;
        server.0.run_pending().await;
        // Of the same number as the one before, it takes the place of it when that is renewed.
        if table.state().0.number > 5 {
            assert_eq!(shown(&server).await, table.state());
        }
    }
    assert_eq!(shown(&server).await.0, numbered(5));
    assert_eq!(table.state().0, numbered(5));
}
