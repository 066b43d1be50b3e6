//! Redis.

use std::time::Duration;

use comanda_redis::{InvalidRedisUrl, RedisConnections, RedisUrl};
use comanda_tls::Authorities;

use super::{reader::Reader, setting::settings};

settings! {
    /// How Redis is reached.
    pub struct RedisSettings checked by check {
        REDIS_URL => url: RedisUrl,
            "Where Redis is: `redis://:password@host:port/number`, or `rediss://…` over TLS. Its certificate is verified, \
             name and all.";
        REDIS_CA => authorities: Option<Authorities> = "",
            "For `rediss://`: the certificate of the authority that Redis's must come from, or several; by default, \
             one that this system trusts. Usually named by `REDIS_CA_FILE`.";
        REDIS_POOL_SIZE => pool_size: u32 in 2..=1_000 = 10,
            "How many connections a server opens to Redis at most; one of them listens for closed sessions. \
             Listening for changes of the menu takes one more.";
    }
}

fn check(draft: &Draft, reader: &mut Reader) {
    let (Some(url), Some(authorities)) = (&draft.url, &draft.authorities) else { return };
    if authorities.is_some() && !url.is_encrypted() {
        reader.mistake(&REDIS_CA, "is of no use unless REDIS_URL begins with rediss://");
    }
    if url.may_be_overheard() {
        reader.warning(&REDIS_URL, "the password and data cross the network in plain text: use rediss://");
    }
    if let Err(error) = url.check(authorities.as_ref()) {
        reader.mistake(&REDIS_URL, error);
    }
}

impl RedisSettings {
    /// At most `max_connections`, each of which a caller waits for at most so long.
    pub fn connections(&self, max_connections: u32, wait: Duration) -> Result<RedisConnections, InvalidRedisUrl> {
        RedisConnections::new(&self.url, self.authorities.as_ref(), max_connections, wait)
    }
}
