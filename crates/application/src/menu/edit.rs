use comanda_domain::{MenuItem, MenuItemEdit, MenuItemId, StaffMember, ports::EditMenuItemError};

use super::Menu;

impl Menu {
    /// Changes a menu item's details. `revision` is the one the editor has seen.
    pub async fn edit(
        &self,
        by: StaffMember,
        id: MenuItemId,
        revision: u32,
        edit: MenuItemEdit,
    ) -> Result<MenuItem, EditMenuItemError> {
        self.menu.edit(id, revision, edit, by.account_id(), self.clock.now()).await
    }
}
