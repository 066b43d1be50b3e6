//! Reading and running the menu.

mod add;
mod adjust_stock;
mod archive;
mod edit;
mod export;
mod find;
mod import;
mod list;
mod whole;

use std::sync::Arc;

use comanda_domain::ports::{self, Clock, IdGenerator, LiveMenu, PublicMenu};

/// The menu, as customers read it and staff run it. One file per verb.
pub struct Menu {
    pub menu: Arc<dyn ports::Menu>,
    /// What staff read: the menu of this moment.
    pub live_menu: Arc<dyn LiveMenu>,
    /// What customers read: a copy, a moment old at most.
    pub public_menu: Arc<dyn PublicMenu>,
    pub ids: Arc<dyn IdGenerator>,
    pub clock: Arc<dyn Clock>,
}
