use comanda_domain::{MenuItemId, StaffMember, ports::ArchiveMenuItemError};

use super::Menu;

impl Menu {
    /// Takes a menu item off the menu for good; old orders keep it. `revision` is the one the editor has seen.
    pub async fn archive(&self, by: StaffMember, id: MenuItemId, revision: u32) -> Result<(), ArchiveMenuItemError> {
        self.menu.archive(id, revision, by.account_id(), self.clock.now()).await
    }
}
