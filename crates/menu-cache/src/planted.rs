//! What planted faults do here; see `comanda_planted`.

use std::{sync::Arc, time::Duration};

use comanda_domain::ports::{ItemChanges, MenuCopy, MenuVersion, WholeMenu};
use comanda_planted::Fault;

use crate::{current::Origin, refresher::Refresher};

impl Refresher {
    /// Shows and publishes the menu under the number that the write which is about to begin will give it.
    pub(crate) async fn publish_before_commit(&self) {
        if !Fault::MenuBeforeCommit.is_planted() {
            return;
        }
        let loaded_at = self.clock.now();
        let Ok(menu) = self.source.load().await else { return };
        let version = MenuVersion { number: menu.version.number + 1, ..menu.version };
        let menu = Arc::new(WholeMenu { version, ..menu });
        let copy = MenuCopy { menu, loaded_at, load_took: Duration::ZERO };
        self.current.install(self.snapshot_of(copy.clone()), Origin::Database);
        if let Err(error) = self.cache.publish(&copy, &ItemChanges::Everything).await {
            tracing::debug!(%error, "a menu that is not committed was not published");
        }
    }
}
