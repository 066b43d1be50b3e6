//! What can be chosen with menu items, and what they take of supplies.
//!
//! Locks are taken in the order of ARCHITECTURE.md: option groups, by id, then menu items, by id, then supplies, by id,
//! which nobody else can write to until the end of the transaction.

mod add;
mod archive;
mod change_recipe;
mod definitions;
mod edit;
mod find;
mod items;
mod kept;
mod list;
mod needs;
mod offer;
mod offers;
mod recipes;
mod row;
mod stocked;
mod supplies;
mod write;

use async_trait::async_trait;
use comanda_domain::{
    AccountId, GroupOffers, Idempotency, MenuItem, MenuItemId, NewOptionGroup, OptionGroup, OptionGroupEdit,
    OptionGroupId, OptionGroupPosition, OptionId, Page, Recipe, Timestamp,
    ports::{
        AddOptionGroupError, ArchiveOptionGroupError, ChangeRecipeError, EditOptionGroupError, Idempotent,
        OfferGroupsError, OptionGroupList, OptionGroups, OptionGroupsQuery, Unavailable,
    },
};

pub(crate) use self::{
    definitions::{Definition, SharedOptions, read_definitions},
    supplies::users_of_supply,
};
pub(super) use self::{
    kept::KeptDefinition,
    needs::forget_needs,
    stocked::{StockedDefinitions, with_definition},
};
use crate::Database;

/// Option groups, what menu items offer of them, and recipes, in the tables `option_groups`, `menu_options`,
/// `menu_item_option_groups`, `menu_item_option_prices` and `recipe_ingredients`.
pub struct PostgresOptionGroups {
    database: Database,
}

impl PostgresOptionGroups {
    pub fn new(database: Database) -> Self {
        Self { database }
    }
}

#[async_trait]
impl OptionGroupList for PostgresOptionGroups {
    async fn group(&self, id: OptionGroupId) -> Result<Option<OptionGroup>, Unavailable> {
        find::find(&self.database, id).await
    }

    async fn groups(&self, query: OptionGroupsQuery) -> Result<Page<OptionGroup, OptionGroupPosition>, Unavailable> {
        list::list(&self.database, query).await
    }
}

#[async_trait]
impl OptionGroups for PostgresOptionGroups {
    async fn add(
        &self,
        group: NewOptionGroup,
        added_by: AccountId,
        idempotency: Option<Idempotency>,
    ) -> Result<Idempotent<OptionGroup>, AddOptionGroupError> {
        add::add(&self.database, group, added_by, idempotency).await
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
        edit::edit(&self.database, id, revision, (edit, ids), edited_by, edited_at).await
    }

    async fn archive(
        &self,
        id: OptionGroupId,
        revision: u32,
        archived_by: AccountId,
        archived_at: Timestamp,
    ) -> Result<(), ArchiveOptionGroupError> {
        archive::archive(&self.database, id, revision, archived_by, archived_at).await
    }

    async fn offer(
        &self,
        id: MenuItemId,
        revision: u32,
        offers: GroupOffers,
        changed_by: AccountId,
        changed_at: Timestamp,
    ) -> Result<MenuItem, OfferGroupsError> {
        offer::offer(&self.database, id, revision, offers, changed_by, changed_at).await
    }

    async fn change_recipe(
        &self,
        id: MenuItemId,
        revision: u32,
        recipe: Recipe,
        changed_by: AccountId,
        changed_at: Timestamp,
    ) -> Result<MenuItem, ChangeRecipeError> {
        change_recipe::change_recipe(&self.database, id, revision, recipe, changed_by, changed_at).await
    }
}
