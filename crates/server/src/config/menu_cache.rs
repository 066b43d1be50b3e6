//! Copies of the menu.

use std::time::Duration;

use comanda_menu_cache::CacheTerms;

use super::setting::settings;

settings! {
    /// How long copies of the menu are good.
    pub struct MenuCacheSettings {
        MENU_CACHE_SECONDS => lifetime: Duration in 1..=86_400 s = 300,
            "How long copies of the menu live, give or take a tenth. Changes show at once; this covers changes \
             whose notification was lost.";
        MENU_STALE_SECONDS => stale: Duration in 0..=604_800 s = 3_600,
            "How long after that a copy is still served while PostgreSQL is unreachable.";
    }
}

impl MenuCacheSettings {
    pub fn terms(&self) -> CacheTerms {
        CacheTerms { lifetime: self.lifetime, stale: self.stale }
    }
}
