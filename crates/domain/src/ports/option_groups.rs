use async_trait::async_trait;
use thiserror::Error;

use crate::{
    AccountId, GroupOffers, Idempotency, KeyRefusal, MenuItem, MenuItemId, MenuItemName, NewOptionGroup, OfferFault,
    OptionGroup, OptionGroupEdit, OptionGroupId, OptionGroupPosition, OptionId, OptionName, Page, PageLimit, Recipe,
    Timestamp,
};

use super::{Idempotent, Unavailable};

/// What uses something that cannot go, or cannot be changed so, as long as it is used.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum UsedBy {
    /// A menu item: it offers the group, or its recipe has the supply.
    MenuItem {
        /// Its id.
        id: MenuItemId,
        /// Its name.
        name: MenuItemName,
    },
    /// An option that takes something of the supply, or takes some of it away.
    Option {
        /// Its id.
        id: OptionId,
        /// Its name.
        name: OptionName,
    },
}

/// Why an option group was not added.
#[derive(Debug, Error)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum AddOptionGroupError {
    /// The options at these positions name a supply that does not exist, or is archived.
    #[error("there are no such supplies as the options at {0:?} name")]
    UnknownSupplies(Vec<usize>),
    /// The key is not free.
    #[error(transparent)]
    Key(#[from] KeyRefusal),
    /// The store failed.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// Why an option group was not edited.
#[derive(Debug, Error)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum EditOptionGroupError {
    /// There is no such group, or it is archived.
    #[error("no such option group")]
    NotFound,
    /// Somebody changed it after the revision the caller had seen.
    #[error("the option group was changed meanwhile; it is at revision {current}")]
    Stale {
        /// Its revision now.
        current: u32,
    },
    /// The options at these positions have an id that none of the group has.
    #[error("the group has no such options as those at {0:?}")]
    UnknownOptions(Vec<usize>),
    /// The options at these positions name a supply that does not exist, or is archived.
    #[error("there are no such supplies as the options at {0:?} name")]
    UnknownSupplies(Vec<usize>),
    /// These menu items require more of its options than would be left.
    #[error("menu items require more of its options than would be left")]
    InUse(Vec<UsedBy>),
    /// The store failed.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// Why an option group was not archived.
#[derive(Debug, Error)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum ArchiveOptionGroupError {
    /// There is no such group, or it is archived.
    #[error("no such option group")]
    NotFound,
    /// Somebody changed it after the revision the caller had seen.
    #[error("the option group was changed meanwhile; it is at revision {current}")]
    Stale {
        /// Its revision now.
        current: u32,
    },
    /// These menu items offer it.
    #[error("menu items offer the group")]
    InUse(Vec<UsedBy>),
    /// The store failed.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// Why a menu item does not offer other groups than before.
#[derive(Debug, Error)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum OfferGroupsError {
    /// There is no such menu item, or it is archived.
    #[error("no such menu item")]
    NotFound,
    /// Somebody changed it after the revision the caller had seen.
    #[error("the menu item was changed meanwhile; it is at revision {current}")]
    Stale {
        /// Its revision now.
        current: u32,
    },
    /// The offers at these positions are not possible.
    #[error("offers that are not possible, by their positions: {0:?}")]
    Impossible(Vec<(usize, OfferFault)>),
    /// The store failed.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// Why a recipe was not changed.
#[derive(Debug, Error)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum ChangeRecipeError {
    /// There is no such menu item, or it is archived.
    #[error("no such menu item")]
    NotFound,
    /// Somebody changed it after the revision the caller had seen.
    #[error("the menu item was changed meanwhile; it is at revision {current}")]
    Stale {
        /// Its revision now.
        current: u32,
    },
    /// The ingredients at these positions are supplies that do not exist, or are archived.
    #[error("there are no such supplies as those at {0:?}")]
    UnknownSupplies(Vec<usize>),
    /// The store failed.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// Changes what can be chosen with menu items, and what they take of supplies.
///
/// Whatever changes what a menu item offers or takes raises its revision, and the version of the menu. What changes
/// nothing MUST NOT raise either.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait OptionGroups: Send + Sync {
    /// Adds a group.
    async fn add(
        &self,
        group: NewOptionGroup,
        added_by: AccountId,
        idempotency: Option<Idempotency>,
    ) -> Result<Idempotent<OptionGroup>, AddOptionGroupError>;

    /// Edits a group that is still at `revision`, for all menu items that offer it. `ids` has one for each option that
    /// the edit may add. Options that it leaves out are archived.
    async fn edit(
        &self,
        id: OptionGroupId,
        revision: u32,
        edit: OptionGroupEdit,
        ids: Vec<OptionId>,
        edited_by: AccountId,
        edited_at: Timestamp,
    ) -> Result<OptionGroup, EditOptionGroupError>;

    /// Puts a group that is still at `revision`, and that no menu item offers, away for good.
    async fn archive(
        &self,
        id: OptionGroupId,
        revision: u32,
        archived_by: AccountId,
        archived_at: Timestamp,
    ) -> Result<(), ArchiveOptionGroupError>;

    /// Has a menu item that is still at `revision` offer these groups, and no others.
    async fn offer(
        &self,
        id: MenuItemId,
        revision: u32,
        offers: GroupOffers,
        changed_by: AccountId,
        changed_at: Timestamp,
    ) -> Result<MenuItem, OfferGroupsError>;

    /// Gives a menu item that is still at `revision` this recipe.
    async fn change_recipe(
        &self,
        id: MenuItemId,
        revision: u32,
        recipe: Recipe,
        changed_by: AccountId,
        changed_at: Timestamp,
    ) -> Result<MenuItem, ChangeRecipeError>;
}

/// Which option groups to list. Archived ones are never listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptionGroupsQuery {
    /// Only groups after this one.
    pub after: Option<OptionGroupPosition>,
    /// The most groups to return.
    pub limit: PageLimit,
}

/// The option groups as they are at this moment.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait OptionGroupList: Send + Sync {
    /// One group that is not archived.
    async fn group(&self, id: OptionGroupId) -> Result<Option<OptionGroup>, Unavailable>;

    /// A page of groups, sorted by name, then id.
    async fn groups(&self, query: OptionGroupsQuery) -> Result<Page<OptionGroup, OptionGroupPosition>, Unavailable>;
}
