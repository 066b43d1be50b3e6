use comanda_domain::ports::{MenuNotification, MenuObserver, MenuSubscriber};

use super::*;

#[tokio::test]
async fn an_edit_returns_when_it_is_shown_and_shared() {
    let version = Arc::new(AtomicU64::new(1));
    let (cache, mut published) = empty_cache();
    let (menu, source) = editable(&version);
    let menu = start(menu, source, cache);
    assert_eq!(PublicMenu::whole(&menu).await.unwrap().version.number, 1);
    edit(&menu, 1).await.unwrap();
    assert_eq!(PublicMenu::whole(&menu).await.unwrap().version.number, 2);
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
    cache.expect_version().returning(|| Err(Unavailable::new("gone")));
    cache.expect_take_lease().returning(|| Err(Unavailable::new("gone")));
    cache.expect_publish().returning(move |copy, changes| {
        let _ = sender.send((copy.menu.version.number, changes.clone()));
        if copy.menu.version.number == 2 { Err(Unavailable::new("gone")) } else { Ok(()) }
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
    assert_eq!(PublicMenu::whole(&menu).await.unwrap().version.number, 2);
}

#[tokio::test]
async fn changes_by_orders_and_by_other_servers_are_shown() {
    let version = Arc::new(AtomicU64::new(1));
    let (cache, mut published) = empty_cache();
    let (menu, source) = editable(&version);
    let menu = start(menu, source, cache);
    PublicMenu::whole(&menu).await.unwrap();
    let until = async |expected: u64| {
        while PublicMenu::whole(&menu).await.unwrap().version.number != expected {
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
