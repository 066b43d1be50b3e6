use std::sync::Arc;

use comanda_domain::ports::{Unavailable, WholeMenu};

use super::Menu;

impl Menu {
    /// The whole menu as customers read it. The same `Arc` as long as nothing changes.
    ///
    /// It includes menu items that are switched off; whoever shows it leaves them out.
    pub async fn whole(&self) -> Result<Arc<WholeMenu>, Unavailable> {
        self.public_menu.whole().await
    }
}
