//! The ports that Redis serves. Everything in Redis can be rebuilt: the truth is in PostgreSQL.

mod changes;
mod closed_sessions;
mod connections;
mod examine;
mod health;
mod lockouts;
mod menu_cache;
mod rate_limits;
mod redis_url;

pub use changes::RedisChanges;
pub use closed_sessions::RedisClosedSessions;
pub use connections::RedisConnections;
pub use examine::{RedisFacts, examine};
pub use health::RedisHealth;
pub use lockouts::RedisLockouts;
pub use menu_cache::RedisMenuCache;
pub use rate_limits::RedisRateLimits;
pub use redis_url::{InvalidRedisUrl, RedisUrl};
