use comanda_domain::{OptionGroup, OptionGroupEdit, OptionGroupId, OptionId, StaffMember, ports::EditOptionGroupError};

use super::Menu;

impl Menu {
    /// Changes an option group for all menu items that offer it. `revision` is the one the editor has seen.
    pub async fn edit_option_group(
        &self,
        by: StaffMember,
        id: OptionGroupId,
        revision: u32,
        edit: OptionGroupEdit,
    ) -> Result<OptionGroup, EditOptionGroupError> {
        let count = edit.options.as_ref().map_or(0, |options| options.as_slice().len());
        let ids = (0..count).map(|_| OptionId::new(self.ids.generate())).collect();
        self.option_groups.edit(id, revision, edit, ids, by.account_id(), self.clock.now()).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use comanda_domain::ports::MockOptionGroups;

    use super::*;
    use crate::sample;

    #[tokio::test]
    async fn there_is_an_id_for_each_option_that_may_be_new() {
        let mut stored = MockOptionGroups::new();
        stored
            .expect_edit()
            .once()
            .withf(|_, revision, _, ids, _, _| *revision == 3 && ids.len() == 2 && ids[0] != ids[1])
            .returning(|_, _, _, _, _, _| Ok(sample::option_group()));
        let menu = Menu { option_groups: Arc::new(stored), ..sample::menu() };
        let edit = OptionGroupEdit { name: None, options: Some(sample::written_options()) };
        assert!(menu.edit_option_group(sample::staff(), sample::option_group().id, 3, edit).await.is_ok());
    }
}
