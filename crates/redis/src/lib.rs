//! The ports that Redis serves. Redis holds nothing that cannot be lost: the truth is in PostgreSQL.

mod connections;
mod health;

pub use connections::{InvalidRedisUrl, RedisConnections};
pub use health::RedisHealth;
