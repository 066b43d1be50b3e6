use super::*;

#[tokio::test]
async fn many_readers_of_an_empty_cache_are_one_load() {
    let loads = Arc::new(AtomicUsize::new(0));
    let mut source = MockMenuSource::new();
    let counted = Arc::clone(&loads);
    source.expect_load().returning(move || {
        counted.fetch_add(1, Ordering::SeqCst);
        Ok(whole(1))
    });
    source.expect_version().returning(|| Ok(numbered(1)));
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
    source.expect_version().returning(|| Err(Unavailable::new("gone")));
    let (cache, _published) = empty_cache();
    let menu = start(MockMenu::new(), source, cache);
    let read = futures(&menu, 50).await;
    assert!(read.iter().all(Result::is_err));
    assert_eq!(loads.load(Ordering::SeqCst), 1, "instead of fifty in turn");
}

#[tokio::test]
async fn a_reader_that_hangs_up_stops_nobody() {
    let (begun, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let mut source = MockMenuSource::new();
    source.expect_load().returning(|| Ok(whole(1)));
    source.expect_version().returning(|| Ok(numbered(1)));
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
    assert_eq!(PublicMenu::whole(&menu).await.unwrap().version.number, 1);
}

/// On for some reads, and off for others, as a percentage has it.
struct Switched(AtomicBool);

#[async_trait]
impl FeatureFlags for Switched {
    async fn is_on(&self, _: FeatureFlag, _: &str) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

#[tokio::test]
async fn no_snapshot_is_older_than_what_was_read_past_it() {
    let version = Arc::new(AtomicU64::new(1));
    let (_, source) = editable(&version);
    let mut live = MockLiveMenu::new();
    let current = Arc::clone(&version);
    live.expect_whole().returning(move || Ok(whole(current.load(Ordering::SeqCst))));
    let flag = Arc::new(Switched(AtomicBool::new(true)));
    let menu = idle(live, source, Arc::clone(&flag) as Arc<dyn FeatureFlags>);
    let shown = async || PublicMenu::whole(&menu).await.unwrap().version.number;

    assert_eq!(shown().await, 1);
    version.store(5, Ordering::SeqCst);
    assert_eq!(shown().await, 1, "a snapshot is shown until something says that there is a newer menu");
    flag.0.store(false, Ordering::SeqCst);
    assert_eq!(shown().await, 5);
    flag.0.store(true, Ordering::SeqCst);
    assert_eq!(shown().await, 5);

    // A database that has lost what was shown is believed, and asked once.
    flag.0.store(false, Ordering::SeqCst);
    version.store(9, Ordering::SeqCst);
    assert_eq!(shown().await, 9);
    version.store(7, Ordering::SeqCst);
    flag.0.store(true, Ordering::SeqCst);
    assert_eq!(shown().await, 7);
    version.store(8, Ordering::SeqCst);
    assert_eq!(shown().await, 7);
}
