use std::{sync::Arc, time::Duration};

use comanda_domain::ports::{Clock, FeatureFlags, FlagSettings, LiveMenu, MenuCache};
use comanda_menu_cache::CachedMenu;
use comanda_postgres::{Database, PostgresMenu};
use comanda_redis::{RedisConnections, RedisMenuCache};
use comanda_resilience::SparedMenuCache;

use crate::{
    config::{CacheConfig, Config},
    exit::Unreachable,
    flags::OpenFeatureFlags,
};

/// The menu with copies of it in this process and in Redis.
pub(super) async fn cached(
    config: &Config,
    database: &Database,
    redis: &RedisConnections,
    settings: &Arc<dyn FlagSettings>,
    clock: &Arc<dyn Clock>,
) -> CachedMenu {
    let flags: Arc<dyn FeatureFlags> = Arc::new(OpenFeatureFlags::start(settings.clone(), config.flags).await);
    let store = Arc::new(PostgresMenu::new(database.clone()));
    let shared = Arc::new(RedisMenuCache::new(redis.clone(), config.menu_cache.lifetime));
    let cache: Arc<dyn MenuCache> = Arc::new(SparedMenuCache::new(shared.clone()));
    let menu = CachedMenu::new(store.clone(), store.clone(), store, cache, flags, clock.clone(), config.menu_cache);
    tokio::spawn({
        let menu = menu.clone();
        async move { menu.run().await }
    });
    tokio::spawn({
        let menu = menu.clone();
        async move { shared.listen(&menu).await }
    });
    menu
}

/// The menu as it is in the database.
pub(super) fn live(database: &Database) -> Arc<dyn LiveMenu> {
    Arc::new(PostgresMenu::new(database.clone()))
}

/// The copies of the menu that servers share in Redis, for a command.
pub async fn shared_menu(config: &CacheConfig) -> anyhow::Result<impl MenuCache> {
    const WAIT: Duration = Duration::from_secs(5);
    let redis = RedisConnections::new(config.redis.url.expose(), 1, WAIT)?;
    redis.probe(WAIT).await.map_err(|error| Unreachable::new("Redis", config.redis.url.address(), &error))?;
    Ok(RedisMenuCache::new(redis, config.menu_cache.lifetime))
}
