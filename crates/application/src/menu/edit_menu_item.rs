use std::sync::Arc;

use comanda_domain::{
    account::StaffMember,
    ids::MenuItemId,
    menu_item::{MenuItem, MenuItemEdit},
    ports::{Clock, EditMenuItemError, Menu},
};

/// Changes a menu item's details.
pub struct EditMenuItem {
    menu: Arc<dyn Menu>,
    clock: Arc<dyn Clock>,
}

impl EditMenuItem {
    pub fn new(menu: Arc<dyn Menu>, clock: Arc<dyn Clock>) -> Self {
        Self { menu, clock }
    }

    /// `revision` is the one the editor has seen.
    pub async fn execute(
        &self,
        by: StaffMember,
        id: MenuItemId,
        revision: u32,
        edit: MenuItemEdit,
    ) -> Result<MenuItem, EditMenuItemError> {
        self.menu.edit(id, revision, edit, by.account_id(), self.clock.now()).await
    }
}

#[cfg(test)]
mod tests {
    use comanda_domain::ports::MockMenu;

    use super::*;
    use crate::sample;

    #[tokio::test]
    async fn a_stale_revision_is_told_the_current_one() {
        let mut menu = MockMenu::new();
        menu.expect_edit()
            .once()
            .withf(|_, revision, _, by, at| {
                *revision == 3 && *by == sample::staff().account_id() && *at == sample::now()
            })
            .returning(|_, _, _, _, _| Err(EditMenuItemError::Stale { current: 4 }));
        let edit = EditMenuItem::new(Arc::new(menu), sample::clock());
        let answer = edit.execute(sample::staff(), sample::menu_item().id, 3, MenuItemEdit::default()).await;
        assert!(matches!(answer, Err(EditMenuItemError::Stale { current: 4 })));
    }
}
