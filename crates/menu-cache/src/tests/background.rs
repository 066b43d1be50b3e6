use super::*;

#[tokio::test]
async fn a_number_in_redis_without_a_copy_makes_room_and_is_no_reason_to_load_what_the_database_has_not() {
    let (source, loads) = counted();
    let newest = Arc::new(AtomicU64::new(5));
    let mut cache = MockMenuCache::new();
    cache.expect_whole().returning(|| Ok(None));
    cache.expect_take_lease().returning(|| Ok(Some(LoadLease("lease".to_owned()))));
    cache.expect_return_lease().returning(|_| Ok(()));
    let number = Arc::clone(&newest);
    cache.expect_version().returning(move || Ok(Some(number.load(Ordering::SeqCst))));
    let number = Arc::clone(&newest);
    cache.expect_discard().once().withf(|discarded| *discarded == 5).returning(move |_| {
        number.store(0, Ordering::SeqCst);
        Ok(())
    });
    let number = Arc::clone(&newest);
    cache.expect_publish().returning(move |copy, _| {
        number.fetch_max(copy.menu.version.number, Ordering::SeqCst);
        Ok(())
    });
    let menu = at_rest(MockMenu::new(), source, cache, TERMS);
    PublicMenu::whole(&menu).await.unwrap();
    // The background polls between the load that all readers share and their response.
    menu.0.poll().await;
    assert!(menu.0.run_pending().await);
    assert_eq!((loads.load(Ordering::SeqCst), newest.load(Ordering::SeqCst)), (1, 1));
}

#[tokio::test]
async fn a_copy_in_redis_that_is_newer_than_what_the_database_said_is_adopted() {
    let mut source = MockMenuSource::new();
    source.expect_load().return_once(|| Ok(whole(1)));
    // Somebody changes it between two questions.
    source.expect_version().once().returning(|| Ok(numbered(1)));
    source.expect_version().returning(|| Ok(numbered(2)));
    let mut cache = MockMenuCache::new();
    cache.expect_take_lease().returning(|| Err(Unavailable::new("gone")));
    cache.expect_publish().returning(|_, _| Err(Unavailable::new("gone")));
    cache.expect_whole().once().returning(|| Ok(None));
    cache.expect_version().returning(|| Ok(Some(2)));
    cache.expect_whole().returning(|| Ok(Some(copy(2, now(), whole(2).items))));
    let menu = at_rest(MockMenu::new(), source, cache, TERMS);
    assert_eq!(PublicMenu::whole(&menu).await.unwrap().version.number, 1);
    menu.0.poll().await;
    assert!(menu.0.run_pending().await);
    assert_eq!(PublicMenu::whole(&menu).await.unwrap().version.number, 2);
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
async fn a_copy_that_was_being_published_during_a_poll_is_not_published_again() {
    let (sender, mut published) = mpsc::unbounded_channel();
    let mut cache = MockMenuCache::new();
    cache.expect_whole().returning(|| Ok(None));
    cache.expect_take_lease().returning(|| Ok(Some(LoadLease("lease".to_owned()))));
    cache.expect_return_lease().returning(|_| Ok(()));
    cache.expect_publish().returning(move |copy, _| {
        let _ = sender.send(copy.menu.version.number);
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
