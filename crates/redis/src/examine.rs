//! What Redis says of itself, for whoever looks for what is wrong.

use std::collections::HashMap;

use comanda_domain::ports::Unavailable;

use crate::RedisConnections;

/// What Redis says of itself.
#[derive(Debug)]
pub struct RedisFacts {
    pub version: String,
    /// Whether it takes writes: it is no replica.
    pub is_primary: bool,
    /// Its clock, in seconds since 1970.
    pub clock: f64,
    pub used_bytes: u64,
    /// `None`: there is no limit.
    pub byte_limit: Option<u64>,
}

/// Asks once. Changes nothing.
pub async fn examine(connections: &RedisConnections) -> Result<RedisFacts, Unavailable> {
    let mut connection = connections.take().await?;
    let text: String = redis::cmd("INFO").query_async(&mut *connection).await.map_err(Unavailable::new)?;
    let (seconds, microseconds): (f64, f64) =
        redis::cmd("TIME").query_async(&mut *connection).await.map_err(Unavailable::new)?;
    let info: HashMap<&str, &str> = text.lines().filter_map(|line| line.trim_end().split_once(':')).collect();
    let number = |name: &str| info.get(name).and_then(|value| value.parse::<u64>().ok()).unwrap_or_default();
    Ok(RedisFacts {
        version: info.get("redis_version").copied().unwrap_or("unknown").to_owned(),
        is_primary: info.get("role").is_none_or(|role| *role == "master"),
        clock: seconds + microseconds / 1e6,
        used_bytes: number("used_memory"),
        byte_limit: Some(number("maxmemory")).filter(|limit| *limit > 0),
    })
}
