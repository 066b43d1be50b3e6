use std::time::Duration;

use super::findings::{Findings, now};
use crate::config::Config;

pub async fn look(config: &Config, findings: &mut Findings) {
    const WAIT: Duration = Duration::from_secs(3);
    let address = config.redis.url.address();
    let connections = match config.redis.connections(1, WAIT) {
        Ok(connections) => connections,
        Err(error) => return findings.problem("Redis", format!("{address}: {error}"), "correct REDIS_URL or REDIS_CA"),
    };
    let before = now();
    let away = "correct REDIS_URL, or start Redis; servers work without it meanwhile (docs/runbook/RedisDown.md)";
    let facts = match tokio::time::timeout(WAIT, comanda_redis::examine(&connections)).await {
        Ok(Ok(facts)) => facts,
        Ok(Err(error)) => return findings.unreachable("Redis", format!("{address}: {error}"), away),
        Err(late) => return findings.unreachable("Redis", format!("{address}: {late}"), away),
    };
    let ahead = facts.clock - f64::midpoint(before, now());
    let tls = if config.redis.url.is_encrypted() { "with TLS" } else { "without TLS" };
    findings.ok("Redis", format!("reached at {address}, {tls}; version {}", facts.version));
    if !facts.is_primary {
        let todo = "name the primary in REDIS_URL, or promote this one (REPLICAOF NO ONE)";
        findings.problem("Redis", format!("{address} is a replica, and takes no writes"), todo);
    }
    match facts.byte_limit {
        Some(limit) if facts.used_bytes.saturating_mul(10) > limit.saturating_mul(9) => findings.notice(
            "Redis memory",
            format!("{} of {limit} bytes are used", facts.used_bytes),
            "raise maxmemory; whatever is evicted is made again, but for lockouts and rate limits",
        ),
        Some(limit) => findings.ok("Redis memory", format!("{} of {limit} bytes are used", facts.used_bytes)),
        None => findings.ok("Redis memory", format!("{} bytes are used, without a limit", facts.used_bytes)),
    }
    findings.clock("Redis clock", ahead);
}
