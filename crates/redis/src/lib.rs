//! The ports that Redis serves. Everything in Redis can be rebuilt: the truth is in PostgreSQL.

mod address_limits;
mod closed_sessions;
mod connections;
mod health;
mod lockouts;
mod menu_cache;
mod redis_url;

pub use address_limits::RedisAddressLimits;
pub use closed_sessions::RedisClosedSessions;
pub use connections::RedisConnections;
pub use health::RedisHealth;
pub use lockouts::RedisLockouts;
pub use menu_cache::RedisMenuCache;
pub use redis_url::{InvalidRedisUrl, RedisUrl};
