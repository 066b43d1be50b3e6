use std::sync::LazyLock;

use async_trait::async_trait;
use chrono::TimeDelta;
use comanda_domain::{
    Allowance, LimitedAction, LimitedParty, RateLimit,
    ports::{RateLimits, Unavailable},
};
use redis::Script;

use crate::RedisConnections;

/// The domain's `RateLimit::decide`, on Redis's clock. Returns `{ paid off, retry after }`, both in microseconds from
/// now.
static SCRIPT: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"
        local time = redis.call('TIME')
        local now = time[1] * 1000000 + time[2]
        local burst, period = tonumber(ARGV[1]), tonumber(ARGV[2])
        -- What is no number, nobody has counted.
        local before = math.max(tonumber(redis.call('GET', KEYS[1]) or now) or now, now)
        local after = before + period
        local opens_at = after - burst * period
        if opens_at > now then return { before - now, opens_at - now } end
        redis.call('SET', KEYS[1], string.format('%.0f', after), 'PX', math.ceil((after - now) / 1000))
        return { after - now, 0 }
        ",
    )
});

/// The domain's `RateLimit::give_back`.
static GIVE_BACK: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"
        local time = redis.call('TIME')
        local now = time[1] * 1000000 + time[2]
        local before = tonumber(redis.call('GET', KEYS[1]) or now) or now
        local after = before - tonumber(ARGV[1])
        if after > now then
            redis.call('SET', KEYS[1], string.format('%.0f', after), 'PX', math.ceil((after - now) / 1000))
        else
            redis.call('DEL', KEYS[1])
        end
        ",
    )
});

/// Rate limits under `rate:{action:party}`. A key expires once everything is paid off.
pub struct RedisRateLimits {
    connections: RedisConnections,
    limit: RateLimit,
}

impl RedisRateLimits {
    pub fn new(connections: RedisConnections, limit: RateLimit) -> Self {
        Self { connections, limit }
    }
}

#[async_trait]
impl RateLimits for RedisRateLimits {
    async fn count(&self, action: LimitedAction, party: LimitedParty) -> Result<Allowance, Unavailable> {
        let mut connection = self.connections.take().await?;
        let burst = self.limit.burst.max(1);
        let period = self.limit.period_micros();
        let mut call = SCRIPT.key(key(action, party));
        let (paid_off, retry_after): (i64, i64) =
            call.arg(burst).arg(period).invoke_async(&mut *connection).await.map_err(Unavailable::new)?;
        Ok(Allowance {
            limit: burst,
            remaining: u32::try_from((i64::from(burst) * period - paid_off) / period).unwrap_or(0),
            reset: TimeDelta::microseconds(paid_off),
            retry_after: (retry_after > 0).then(|| TimeDelta::microseconds(retry_after)),
        })
    }

    async fn give_back(&self, action: LimitedAction, party: LimitedParty) -> Result<(), Unavailable> {
        let mut connection = self.connections.take().await?;
        let mut call = GIVE_BACK.key(key(action, party));
        call.arg(self.limit.period_micros()).invoke_async(&mut *connection).await.map_err(Unavailable::new)
    }
}

fn key(action: LimitedAction, party: LimitedParty) -> String {
    format!("rate:{{{}:{party}}}", action.as_str())
}
