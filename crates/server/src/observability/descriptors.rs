//! File descriptors: every connection takes one, and past the limit nobody gets in any more.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::config::Config;

/// For listeners, event queues, the log, connections outside the pools, and those to mail servers, webhooks and payment
/// gateways.
const RESERVE: u64 = 64;

/// Raises the limit to the most that is allowed, and says if that is less than the configured connections need.
pub fn raise_limit(config: &Config) {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current != maximum
        && let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })
    {
        tracing::warn!(current, maximum, %error, "the limit of file descriptors cannot be raised");
    }
    let limit = getrlimit(Resource::Nofile).current;
    let database = &config.database;
    let replicas = u64::from(database.replica_url.is_some());
    let requests = u64::try_from(config.http.concurrent_requests).unwrap_or(u64::MAX);
    let postgres = u64::from(database.pool_size) * (1 + replicas);
    let redis = u64::from(config.redis.pool_size);
    let needed = requests.saturating_add(postgres + redis + RESERVE);
    if limit.is_some_and(|limit| limit < needed) {
        tracing::warn!(
            limit,
            needed,
            requests,
            postgres,
            redis,
            others = RESERVE,
            "the limit of file descriptors (RLIMIT_NOFILE) is lower than what CONCURRENT_REQUESTS, DATABASE_POOL_SIZE \
             and REDIS_POOL_SIZE together may need: clients will not get in"
        );
    } else {
        tracing::info!(limit, needed, "the limit of file descriptors suffices");
    }
}
