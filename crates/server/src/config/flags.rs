//! What feature flags are before an admin sets them.

use comanda_domain::{FlagDefaults, Percentage};

use super::setting::settings;

settings! {
    /// The defaults of feature flags.
    pub struct FlagSettings {
        FLAG_MENU_CACHE => menu_cache: Percentage in 0..=100 = 100,
            "The percentage of menu reads that are answered from copies, until an admin sets the flag \
             `menu-cache`.";
        FLAG_PARTIAL_INVALIDATION => partial_invalidation: Percentage in 0..=100 = 0,
            "The percentage of menu items whose change renews only their own entry in Redis, until an admin sets \
             the flag `menu-cache.partial-invalidation`.";
    }
}

impl FlagSettings {
    pub fn defaults(&self) -> FlagDefaults {
        FlagDefaults { menu_cache: self.menu_cache, partial_invalidation: self.partial_invalidation }
    }
}
