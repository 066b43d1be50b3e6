//! Reading and running the menu.

mod add;
mod add_option_group;
mod adjust_stock;
mod archive;
mod archive_option_group;
mod change_recipe;
mod edit;
mod edit_option_group;
mod export;
mod find;
mod find_option_group;
mod import;
mod list;
mod list_option_groups;
mod offer_option_groups;
mod whole;

use std::sync::Arc;

use comanda_domain::ports::{self, Clock, IdGenerator, LiveMenu, OptionGroupList, OptionGroups, PublicMenu};

/// The menu, as customers read it and staff run it. One file per verb.
pub struct Menu {
    pub menu: Arc<dyn ports::Menu>,
    /// What staff read: the menu of this moment.
    pub live_menu: Arc<dyn LiveMenu>,
    /// What customers read: a copy, a moment old at most.
    pub public_menu: Arc<dyn PublicMenu>,
    pub option_groups: Arc<dyn OptionGroups>,
    pub option_group_list: Arc<dyn OptionGroupList>,
    pub ids: Arc<dyn IdGenerator>,
    pub clock: Arc<dyn Clock>,
}
