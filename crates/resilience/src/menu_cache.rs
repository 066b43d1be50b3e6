use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use comanda_domain::{
    ids::MenuItemId,
    menu_item::MenuItem,
    ports::{ItemChanges, LoadLease, MenuCache, MenuCopy, MenuTag, Unavailable},
};

use crate::outage::Outage;

/// A cache that nobody waits for: it must answer soon, and once it failed it is not asked again for a moment.
pub struct SparedMenuCache {
    cache: Arc<dyn MenuCache>,
    outage: Outage,
}

impl SparedMenuCache {
    /// The store answers sooner than that.
    const PATIENCE: Duration = Duration::from_millis(300);

    pub fn new(cache: Arc<dyn MenuCache>) -> Self {
        Self { cache, outage: Outage::of("menu_cache") }
    }

    async fn ask<T>(&self, question: impl Future<Output = Result<T, Unavailable>>) -> Result<T, Unavailable> {
        let soon = async {
            tokio::time::timeout(Self::PATIENCE, question).await.map_err(Unavailable::new).and_then(|answer| answer)
        };
        self.outage.ask(soon).await.ok_or_else(|| Unavailable::new("the menu cache is out of reach"))
    }
}

#[async_trait]
impl MenuCache for SparedMenuCache {
    async fn version(&self) -> Result<Option<u64>, Unavailable> {
        self.ask(self.cache.version()).await
    }

    async fn whole(&self) -> Result<Option<MenuCopy>, Unavailable> {
        self.ask(self.cache.whole()).await
    }

    async fn item(&self, id: MenuItemId) -> Result<Option<MenuItem>, Unavailable> {
        self.ask(self.cache.item(id)).await
    }

    async fn publish(&self, copy: &MenuCopy, changes: &ItemChanges) -> Result<(), Unavailable> {
        self.ask(self.cache.publish(copy, changes)).await
    }

    async fn take_lease(&self) -> Result<Option<LoadLease>, Unavailable> {
        self.ask(self.cache.take_lease()).await
    }

    async fn return_lease(&self, lease: LoadLease) -> Result<(), Unavailable> {
        self.ask(self.cache.return_lease(lease)).await
    }

    async fn invalidate(&self, tag: &MenuTag) -> Result<u64, Unavailable> {
        self.ask(self.cache.invalidate(tag)).await
    }
}
