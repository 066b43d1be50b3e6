use std::sync::Arc;

use anyhow::Context;
use comanda_domain::ports::{Accounts, Clock, PasswordHasher};
use comanda_identity::Argon2Hasher;
use comanda_postgres::{Database, PostgresAccounts};
use comanda_redis::{RedisConnections, RedisLockouts};
use comanda_resilience::{Breaker, GuardedAccounts, LocalLockouts, RetryBudget};

use crate::{
    config::{BreakerConfig, LockoutSettings, PasswordConfig},
    workers::{Workers, hash_passwords},
};

pub(super) fn stored(database: &Database) -> Arc<PostgresAccounts> {
    Arc::new(PostgresAccounts::new(database.clone()))
}

pub(super) fn guarded(accounts: Arc<PostgresAccounts>, breakers: &BreakerConfig) -> Arc<dyn Accounts> {
    Arc::new(GuardedAccounts {
        accounts,
        create: Breaker::new("user.create", breakers.user_create),
        lookup: Breaker::new("auth.lookup", breakers.auth_lookup),
        retries: RetryBudget::new("auth.lookup"),
    })
}

pub(super) fn hasher(config: &PasswordConfig, workers: &mut Workers) -> anyhow::Result<Arc<dyn PasswordHasher>> {
    let (hasher, thread) = Argon2Hasher::new(config.queue).context("the password hasher does not work")?;
    for number in 1..=config.threads.get() {
        workers.register(hash_passwords(number, thread.clone()));
    }
    Ok(Arc::new(hasher))
}

/// Lockouts that all servers share in Redis.
pub(super) fn shared_lockouts(config: &LockoutSettings, redis: &RedisConnections) -> Arc<RedisLockouts> {
    Arc::new(RedisLockouts::new(redis.clone(), config.policy(), config.patience))
}

/// Lockouts that all servers share in Redis, and that go on in memory while Redis is gone.
pub(super) fn lockouts(
    config: &LockoutSettings,
    redis: &RedisConnections,
    clock: &Arc<dyn Clock>,
) -> Arc<LocalLockouts> {
    let shared = shared_lockouts(config, redis);
    Arc::new(LocalLockouts::beside(shared.clone(), shared, config.policy(), config.patience, clock.clone()))
}
