//! The ports that Redis serves. Redis holds nothing that cannot be lost: the truth is in PostgreSQL.

mod connections;
mod health;
mod lockouts;

pub use connections::{InvalidRedisUrl, RedisConnections};
pub use health::RedisHealth;
pub use lockouts::RedisLockouts;
