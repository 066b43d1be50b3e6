use std::{sync::Arc, time::Duration};

use comanda_domain::{
    RateLimit,
    ports::{AccessTokens, Clock, ClosedSessions, RateLimits, RefreshTokens, Sessions},
};
use comanda_identity::{JwtAccessTokens, OpaqueRefreshTokens, SecretKeys, TokenKeys, TokenTerms};
use comanda_postgres::{Database, PostgresSessions};
use comanda_redis::{RedisClosedSessions, RedisConnections, RedisRateLimits};
use comanda_resilience::LocalRateLimits;

use crate::{
    config::Config,
    http::RateLimiter,
    workers::{Workers, listen_for_closed_sessions, read_closed_sessions},
};

pub(super) fn stored(database: &Database) -> Arc<dyn Sessions> {
    Arc::new(PostgresSessions::new(database.clone()))
}

/// Sessions that have ended while their tokens are still valid: PostgreSQL fills the list and keeps it up to date;
/// Redis is quicker.
pub(super) async fn closed(
    config: &Config,
    sessions: &Arc<dyn Sessions>,
    redis: &RedisConnections,
    clock: &dyn Clock,
    workers: &mut Workers,
) -> anyhow::Result<Arc<dyn ClosedSessions>> {
    // After this time a token has expired, or is compared with its session's row. Servers' clocks may differ a little.
    let longest = config.tokens.lifetime.max(config.sessions.renew_after()) + Duration::from_mins(1);
    let closed_before = sessions.closed_since(clock.now() - longest).await?;
    let closed = Arc::new(RedisClosedSessions::new(redis.clone(), &closed_before.ids, longest));
    workers.register(read_closed_sessions(Arc::clone(sessions), closed.clone(), closed_before.position));
    workers.register(listen_for_closed_sessions(closed.clone()));
    Ok(closed)
}

pub(super) fn access_tokens(config: &Config, keys: &Arc<TokenKeys>) -> Arc<dyn AccessTokens> {
    let terms = TokenTerms {
        issuer: config.tokens.issuer.clone(),
        audience: config.tokens.audience.clone(),
        client_lifetime: config.tokens.lifetime,
        browser_lifetime: config.sessions.browser,
    };
    Arc::new(JwtAccessTokens::new(Arc::clone(keys), terms))
}

pub(super) fn refresh_tokens(secrets: &SecretKeys) -> Arc<dyn RefreshTokens> {
    Arc::new(OpaqueRefreshTokens::new(secrets))
}

/// Limits that all servers share in Redis, and that go on in memory while Redis is gone.
pub(super) fn rate_limiter(config: &Config, redis: &RedisConnections, clock: &Arc<dyn Clock>) -> RateLimiter {
    /// Whoever signs in waits for Redis several times anyway.
    const SIGN_IN_PATIENCE: Duration = Duration::from_secs(2);
    /// Orders must not be held up by a Redis that hangs.
    const ORDER_PATIENCE: Duration = Duration::from_millis(100);

    let limits = |what, limit: RateLimit, patience| -> Arc<dyn RateLimits> {
        let shared = Arc::new(RedisRateLimits::new(redis.clone(), limit));
        Arc::new(LocalRateLimits::beside(what, shared, limit, patience, clock.clone()))
    };
    RateLimiter {
        addresses: limits("address_limits", config.address_limit, SIGN_IN_PATIENCE),
        orders: config.order_limits.attempts().map(|limit| limits("order_limits", limit, ORDER_PATIENCE)),
    }
}
