use comanda_domain::{MenuItem, MenuItemId, Recipe, StaffMember, ports::ChangeRecipeError};

use super::Menu;

impl Menu {
    /// Gives a menu item another recipe. `revision` is the one the editor has seen.
    pub async fn change_recipe(
        &self,
        by: StaffMember,
        id: MenuItemId,
        revision: u32,
        recipe: Recipe,
    ) -> Result<MenuItem, ChangeRecipeError> {
        self.option_groups.change_recipe(id, revision, recipe, by.account_id(), self.clock.now()).await
    }
}
