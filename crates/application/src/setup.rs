use std::sync::Arc;

use comanda_domain::ports::{AccountChanges, Clock, IdGenerator, LiveMenu, Menu, PasswordHasher, SecurityLog};

/// Setting a deployment up: its first admin and its menu. For whoever holds the keys to the database, not for HTTP; the
/// verbs are with their nouns, in `accounts` and `menu`.
pub struct Setup {
    pub accounts: Arc<dyn AccountChanges>,
    pub menu: Arc<dyn Menu>,
    pub live_menu: Arc<dyn LiveMenu>,
    pub hasher: Arc<dyn PasswordHasher>,
    pub security: Arc<dyn SecurityLog>,
    pub ids: Arc<dyn IdGenerator>,
    pub clock: Arc<dyn Clock>,
}
