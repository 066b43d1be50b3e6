use std::sync::Arc;

use comanda_domain::ports::{
    AccountChanges, Clock, IdGenerator, LiveMenu, Menu, PasswordHasher, SecurityLog, Supplies, SupplyList,
};

/// Setting a deployment up: its first admin, its menu and its supplies. For whoever holds the keys to the database, not
/// for HTTP; the verbs are with their nouns, in `accounts`, `menu` and `supplies`.
pub struct Setup {
    pub accounts: Arc<dyn AccountChanges>,
    pub menu: Arc<dyn Menu>,
    pub live_menu: Arc<dyn LiveMenu>,
    pub supplies: Arc<dyn Supplies>,
    pub supply_list: Arc<dyn SupplyList>,
    pub hasher: Arc<dyn PasswordHasher>,
    pub security: Arc<dyn SecurityLog>,
    pub ids: Arc<dyn IdGenerator>,
    pub clock: Arc<dyn Clock>,
}
