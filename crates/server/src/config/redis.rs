//! Redis.

use comanda_redis::RedisUrl;

use super::setting::settings;

settings! {
    /// How Redis is reached.
    pub struct RedisSettings {
        REDIS_URL => url: RedisUrl,
            "Where Redis is: `redis://:password@host:port/number`.";
        REDIS_POOL_SIZE => pool_size: u32 in 2..=1_000 = 10,
            "How many connections a server opens to Redis at most; one of them listens for closed sessions. \
             Listening for changes of the menu takes one more.";
    }
}
