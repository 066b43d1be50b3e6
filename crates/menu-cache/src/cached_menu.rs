use std::{sync::Arc, time::Instant};

use async_trait::async_trait;
use comanda_domain::{
    MenuItem, MenuItemId,
    ports::{
        Clock, FeatureFlags, LiveMenu, Menu, MenuCache, MenuNotification, MenuObserver, MenuSource, MenuSubscriber,
        PublicMenu, Unavailable, WholeMenu,
    },
};

use crate::refresher::{CacheTerms, Refresher};

/// A menu that is read from a snapshot in this process. The snapshot is refreshed from a copy that all servers share,
/// and one server at a time loads that copy from the database.
///
/// Writes pass through to the [`Menu`] behind it, and return once this process shows the change.
#[derive(Clone)]
pub struct CachedMenu(pub(crate) Arc<Refresher>);

impl CachedMenu {
    /// Must be called within a tokio runtime, which carries out loads and writes even if the caller gives up on them.
    /// The snapshot is kept current only while [`CachedMenu::run`] runs.
    pub fn new(
        menu: Arc<dyn Menu>,
        live_menu: Arc<dyn LiveMenu>,
        source: Arc<dyn MenuSource>,
        cache: Arc<dyn MenuCache>,
        flags: Arc<dyn FeatureFlags>,
        clock: Arc<dyn Clock>,
        terms: CacheTerms,
    ) -> Self {
        Self(Arc::new(Refresher::new(menu, live_menu, source, cache, flags, clock, terms)))
    }

    /// Keeps the snapshot current; never returns. It may be dropped at any point and run again: a load that was cut off
    /// is made up for by the next poll, and its lease expires by itself. Run it once per process.
    /// Calls `on_success` after every round that left nothing to be done.
    pub async fn run(&self, on_success: impl FnMut()) {
        self.0.run(on_success).await;
    }
}

impl MenuObserver for CachedMenu {
    fn menu_changed(&self) {
        self.0.request_own_change(Instant::now());
    }
}

impl MenuSubscriber for CachedMenu {
    fn on_notification(&self, notification: MenuNotification) {
        self.0.on_notification(notification);
    }
}

#[async_trait]
impl PublicMenu for CachedMenu {
    async fn whole(&self) -> Result<Arc<WholeMenu>, Unavailable> {
        let refresher = &self.0;
        if !refresher.reads_snapshots().await {
            refresher.metrics.store.increment(1);
            let menu = refresher.live_menu.whole().await?;
            refresher.passed_by(menu.version);
            return Ok(Arc::new(menu));
        }
        if let Some(snapshot) = refresher.shown() {
            refresher.metrics.process.increment(1);
            return Ok(Arc::clone(&snapshot.copy.menu));
        }
        Ok(Arc::clone(&refresher.filled().await?.copy.menu))
    }

    async fn item(&self, id: MenuItemId) -> Result<Option<MenuItem>, Unavailable> {
        let refresher = &self.0;
        if !refresher.reads_snapshots().await {
            refresher.metrics.store.increment(1);
            return refresher.live_menu.item(id).await;
        }
        if let Some(snapshot) = refresher.shown() {
            refresher.metrics.process.increment(1);
            return Ok(snapshot.item(id).cloned());
        }
        // A process that has shown nothing yet cannot show an older item than before.
        if !refresher.has_shown_some()
            && let Some(epoch) = refresher.epoch()
            && let Ok(Some(item)) = refresher.cache.item(id, epoch).await
        {
            refresher.metrics.shared.increment(1);
            return Ok(Some(item));
        }
        Ok(refresher.filled().await?.item(id).cloned())
    }
}
