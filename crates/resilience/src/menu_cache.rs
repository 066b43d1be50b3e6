use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use comanda_domain::{
    MenuItem, MenuItemId,
    ports::{ItemChanges, LoadLease, MenuCache, MenuCopy, MenuEpoch, MenuTag, Unavailable},
};

use crate::outage::Outage;

/// A menu cache that nobody waits for long: every call has a time limit, and after a failure the cache is left alone
/// for a moment.
pub struct SparedMenuCache {
    cache: Arc<dyn MenuCache>,
    outage: Outage,
}

impl SparedMenuCache {
    /// The time limit of a call. Reading the database is faster than waiting longer.
    const TIMEOUT: Duration = Duration::from_millis(300);

    pub fn new(cache: Arc<dyn MenuCache>) -> Self {
        Self { cache, outage: Outage::of("menu_cache") }
    }

    async fn limited<T>(&self, call: impl Future<Output = Result<T, Unavailable>>) -> Result<T, Unavailable> {
        let limited = async { tokio::time::timeout(Self::TIMEOUT, call).await.map_err(Unavailable::new).flatten() };
        self.outage.call(limited).await.ok_or_else(|| Unavailable::new("the menu cache is out of reach"))
    }
}

#[async_trait]
impl MenuCache for SparedMenuCache {
    async fn version(&self) -> Result<Option<u64>, Unavailable> {
        self.limited(self.cache.version()).await
    }

    async fn whole(&self) -> Result<Option<MenuCopy>, Unavailable> {
        self.limited(self.cache.whole()).await
    }

    async fn item(&self, id: MenuItemId, epoch: MenuEpoch) -> Result<Option<MenuItem>, Unavailable> {
        self.limited(self.cache.item(id, epoch)).await
    }

    async fn publish(&self, copy: &MenuCopy, changes: &ItemChanges) -> Result<(), Unavailable> {
        self.limited(self.cache.publish(copy, changes)).await
    }

    async fn discard(&self, number: u64) -> Result<(), Unavailable> {
        self.limited(self.cache.discard(number)).await
    }

    async fn take_lease(&self) -> Result<Option<LoadLease>, Unavailable> {
        self.limited(self.cache.take_lease()).await
    }

    async fn return_lease(&self, lease: LoadLease) -> Result<(), Unavailable> {
        self.limited(self.cache.return_lease(lease)).await
    }

    async fn invalidate(&self, tag: &MenuTag) -> Result<u64, Unavailable> {
        self.limited(self.cache.invalidate(tag)).await
    }
}
