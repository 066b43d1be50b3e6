use std::sync::Arc;

use comanda_domain::{
    account::StaffMember,
    ids::MenuItemId,
    ports::{Clock, EditMenuItemError, Menu},
};

/// Takes a menu item off the menu for good. Old orders keep it.
pub struct ArchiveMenuItem {
    menu: Arc<dyn Menu>,
    clock: Arc<dyn Clock>,
}

impl ArchiveMenuItem {
    pub fn new(menu: Arc<dyn Menu>, clock: Arc<dyn Clock>) -> Self {
        Self { menu, clock }
    }

    /// `revision` is the one the editor has seen.
    pub async fn execute(&self, by: StaffMember, id: MenuItemId, revision: u32) -> Result<(), EditMenuItemError> {
        self.menu.archive(id, revision, by.account_id(), self.clock.now()).await
    }
}

#[cfg(test)]
mod tests {
    use comanda_domain::ports::MockMenu;

    use super::*;
    use crate::sample;

    #[tokio::test]
    async fn archives_at_the_revision_seen() {
        let mut menu = MockMenu::new();
        menu.expect_archive()
            .once()
            .withf(|_, revision, by, _| *revision == 2 && *by == sample::staff().account_id())
            .returning(|_, _, _, _| Ok(()));
        let archive = ArchiveMenuItem::new(Arc::new(menu), sample::clock());
        assert!(archive.execute(sample::staff(), sample::menu_item().id, 2).await.is_ok());
    }
}
