use std::sync::Arc;

use async_trait::async_trait;
use comanda_domain::{
    ids::MenuItemId,
    menu_item::MenuItem,
    ports::{
        Clock, FeatureFlags, Menu, MenuCache, MenuNews, MenuNewsReader, MenuObserver, PublicMenu, Unavailable,
        WholeMenu,
    },
};

use crate::keeper::{CacheTerms, Keeper};

/// A menu that is read from copies: this process's own, renewed from one that all servers share, which one of them loads at a time.
///
/// Reads of the store and writes pass through to the [`Menu`] behind it; a write returns when this process shows the change.
#[derive(Clone)]
pub struct CachedMenu(pub(crate) Arc<Keeper>);

impl CachedMenu {
    /// Starts to keep copies current, within a tokio runtime, for as long as that runs.
    pub fn start(
        menu: Arc<dyn Menu>,
        cache: Arc<dyn MenuCache>,
        flags: Arc<dyn FeatureFlags>,
        clock: Arc<dyn Clock>,
        terms: CacheTerms,
    ) -> Self {
        Self(Keeper::start(menu, cache, flags, clock, terms))
    }
}

impl MenuObserver for CachedMenu {
    fn menu_changed(&self) {
        self.0.own_change();
    }
}

impl MenuNewsReader for CachedMenu {
    fn heard(&self, news: MenuNews) {
        self.0.heard(news);
    }
}

#[async_trait]
impl PublicMenu for CachedMenu {
    async fn whole(&self) -> Result<Arc<WholeMenu>, Unavailable> {
        let keeper = &self.0;
        if !keeper.reads_copies().await {
            keeper.layers.store.increment(1);
            return keeper.menu.whole().await.map(Arc::new);
        }
        if let Some(view) = keeper.shown() {
            keeper.layers.process.increment(1);
            return Ok(Arc::clone(&view.copy.menu));
        }
        Ok(Arc::clone(&keeper.filled().await?.copy.menu))
    }

    async fn item(&self, id: MenuItemId) -> Result<Option<MenuItem>, Unavailable> {
        let keeper = &self.0;
        if !keeper.reads_copies().await {
            keeper.layers.store.increment(1);
            return keeper.menu.item(id).await;
        }
        if let Some(view) = keeper.shown() {
            keeper.layers.process.increment(1);
            return Ok(view.item(id).cloned());
        }
        // A process that has shown nothing yet can show no older item than before.
        if keeper.board.view().is_none()
            && let Ok(Some(item)) = keeper.cache.item(id).await
        {
            keeper.layers.shared.increment(1);
            return Ok(Some(item));
        }
        Ok(keeper.filled().await?.item(id).cloned())
    }
}
