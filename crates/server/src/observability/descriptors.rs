//! File descriptors: every connection takes one, and past the limit nobody gets in any more.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::config::Config;

/// For listeners, event queues, the log, connections outside the pools, and those to mail servers, webhooks and payment
/// gateways.
const RESERVE: u64 = 64;

/// How many connections there may be at a time, beside those that are served, that are told that they are too many; and
/// how many that have been accepted, and are served, told or ended next.
pub const REFUSALS: usize = 64;

/// How many connections are served at most, unless a setting says otherwise: each takes memory, too.
const MOST_CONNECTIONS: usize = 16_384;

/// Raises the limit to the most that is allowed, and says if that is less than the configured connections need. Returns
/// how many connections of clients there is room for.
pub fn raise_limit(config: &Config) -> usize {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current != maximum
        && let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })
    {
        tracing::warn!(current, maximum, %error, "the limit of file descriptors cannot be raised");
    }
    let limit = getrlimit(Resource::Nofile).current;
    let database = &config.database;
    let replicas = u64::from(database.replica_url.is_some());
    let connections = config.http.concurrent_connections.unwrap_or(config.http.concurrent_requests);
    let requests = u64::try_from(connections.max(config.http.concurrent_requests)).unwrap_or(u64::MAX);
    let postgres = u64::from(database.pool_size) * (1 + replicas);
    let redis = u64::from(config.redis.pool_size);
    let others = postgres + redis + RESERVE + 2 * REFUSALS as u64;
    let needed = requests.saturating_add(others);
    let room = limit.map_or(usize::MAX, |limit| usize::try_from(limit.saturating_sub(others)).unwrap_or(usize::MAX));
    let connections = config.http.concurrent_connections.unwrap_or(MOST_CONNECTIONS).min(room).max(1);
    if limit.is_some_and(|limit| limit < needed) {
        tracing::warn!(
            limit,
            needed,
            requests,
            postgres,
            redis,
            connections,
            "the limit of file descriptors (RLIMIT_NOFILE) is lower than what CONCURRENT_CONNECTIONS or \
             CONCURRENT_REQUESTS, DATABASE_POOL_SIZE and REDIS_POOL_SIZE together may need: further connections will \
             be refused"
        );
    } else {
        tracing::info!(limit, needed, connections, "the limit of file descriptors suffices");
    }
    connections
}
