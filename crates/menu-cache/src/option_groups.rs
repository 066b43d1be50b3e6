//! Whoever changes what menu items offer, or take of supplies, is told once this process shows it.

use std::sync::Arc;

use async_trait::async_trait;
use comanda_domain::{
    AccountId, GroupOffers, Idempotency, MenuItem, MenuItemId, NewOptionGroup, OptionGroup, OptionGroupEdit,
    OptionGroupId, OptionId, Recipe, Timestamp,
    ports::{
        AddOptionGroupError, ArchiveOptionGroupError, ChangeRecipeError, EditOptionGroupError, Idempotent,
        OfferGroupsError, OptionGroups,
    },
};

use crate::CachedMenu;

/// Changes of option groups that go through to the menu which this process shows.
pub struct ShownOptionGroups {
    menu: CachedMenu,
    groups: Arc<dyn OptionGroups>,
}

impl ShownOptionGroups {
    pub fn new(menu: CachedMenu, groups: Arc<dyn OptionGroups>) -> Self {
        Self { menu, groups }
    }
}

#[async_trait]
impl OptionGroups for ShownOptionGroups {
    /// No menu item offers it yet.
    async fn add(
        &self,
        group: NewOptionGroup,
        added_by: AccountId,
        idempotency: Option<Idempotency>,
    ) -> Result<Idempotent<OptionGroup>, AddOptionGroupError> {
        self.groups.add(group, added_by, idempotency).await
    }

    async fn edit(
        &self,
        id: OptionGroupId,
        revision: u32,
        edit: OptionGroupEdit,
        ids: Vec<OptionId>,
        edited_by: AccountId,
        edited_at: Timestamp,
    ) -> Result<OptionGroup, EditOptionGroupError> {
        let groups = Arc::clone(&self.groups);
        self.menu.write(async move { groups.edit(id, revision, edit, ids, edited_by, edited_at).await }).await
    }

    /// No menu item offers it any more.
    async fn archive(
        &self,
        id: OptionGroupId,
        revision: u32,
        archived_by: AccountId,
        archived_at: Timestamp,
    ) -> Result<(), ArchiveOptionGroupError> {
        self.groups.archive(id, revision, archived_by, archived_at).await
    }

    async fn offer(
        &self,
        id: MenuItemId,
        revision: u32,
        offers: GroupOffers,
        changed_by: AccountId,
        changed_at: Timestamp,
    ) -> Result<MenuItem, OfferGroupsError> {
        let groups = Arc::clone(&self.groups);
        self.menu.write(async move { groups.offer(id, revision, offers, changed_by, changed_at).await }).await
    }

    async fn change_recipe(
        &self,
        id: MenuItemId,
        revision: u32,
        recipe: Recipe,
        changed_by: AccountId,
        changed_at: Timestamp,
    ) -> Result<MenuItem, ChangeRecipeError> {
        let groups = Arc::clone(&self.groups);
        self.menu.write(async move { groups.change_recipe(id, revision, recipe, changed_by, changed_at).await }).await
    }
}
