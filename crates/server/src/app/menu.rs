use std::{sync::Arc, time::Duration};

use comanda_domain::ports::{Clock, FlagSettings, LiveMenu, MenuCache};
use comanda_menu_cache::CachedMenu;
use comanda_postgres::{Database, PostgresMenu};
use comanda_redis::{RedisConnections, RedisMenuCache};
use comanda_resilience::SparedMenuCache;

use crate::{
    config::{CacheConfig, Config},
    exit::Unreachable,
    flags::OpenFeatureFlags,
    workers::{Workers, listen_for_menu_notifications, refresh_menu, reload_flags},
};

/// The menu, with a snapshot of it in this process and a copy in Redis.
pub(super) async fn cached(
    config: &Config,
    database: &Database,
    redis: &RedisConnections,
    settings: &Arc<dyn FlagSettings>,
    clock: &Arc<dyn Clock>,
    workers: &mut Workers,
) -> CachedMenu {
    let flags = Arc::new(OpenFeatureFlags::new(settings.clone(), config.flags).await);
    if let Err(error) = flags.reload().await {
        tracing::warn!(%error, "feature flags cannot be read; they are off until they can be");
    }
    workers.register(reload_flags(flags.clone()));
    let store = Arc::new(PostgresMenu::new(database.clone()));
    let shared = Arc::new(RedisMenuCache::new(redis.clone(), config.menu_cache.lifetime));
    let cache: Arc<dyn MenuCache> = Arc::new(SparedMenuCache::new(shared.clone()));
    let menu = CachedMenu::new(store.clone(), store.clone(), store, cache, flags, clock.clone(), config.menu_cache);
    workers.register(refresh_menu(menu.clone()));
    workers.register(listen_for_menu_notifications(shared, Arc::new(menu.clone())));
    menu
}

/// The menu as it is in the database.
pub(super) fn live(database: &Database) -> Arc<dyn LiveMenu> {
    Arc::new(PostgresMenu::new(database.clone()))
}

/// The copies of the menu that servers share in Redis, for a command.
pub async fn shared_menu(config: &CacheConfig) -> anyhow::Result<impl MenuCache> {
    const WAIT: Duration = Duration::from_secs(5);
    let redis = config.redis.connections(1, WAIT)?;
    redis
        .probe(WAIT)
        .await
        .map_err(|error| Unreachable::new("REDIS_URL", "Redis", &config.redis.url.address(), &error))?;
    Ok(RedisMenuCache::new(redis, config.menu_cache.lifetime))
}
