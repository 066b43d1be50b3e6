use std::sync::Arc;

use async_trait::async_trait;
use comanda_domain::{
    ids::MenuItemId,
    menu_item::MenuItem,
    ports::{ItemChanges, LoadLease, MenuCache, MenuCopy, MenuTag, Unavailable},
};

use crate::outage::Outage;

/// A cache that is not asked again for a moment once it failed, so that nobody waits for it request after request.
pub struct SparedMenuCache {
    cache: Arc<dyn MenuCache>,
    outage: Outage,
}

impl SparedMenuCache {
    pub fn new(cache: Arc<dyn MenuCache>) -> Self {
        Self { cache, outage: Outage::of("menu_cache") }
    }

    async fn ask<T>(&self, question: impl Future<Output = Result<T, Unavailable>>) -> Result<T, Unavailable> {
        self.outage.ask(question).await.ok_or_else(|| Unavailable::new("the menu cache is out of reach"))
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
