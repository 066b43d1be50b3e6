//! How a server stands, for the log.

use std::time::Instant;

use comanda_postgres::Database;
use comanda_redis::RedisConnections;

use super::{COMMIT, Metrics, VERSION};
use crate::{http::Draining, workers::WorkerHealth};

/// The gauges that tell how a server stands, by what they are about.
const GAUGES: [(&str, &[&str]); 5] = [
    ("process", &["process_"]),
    ("pools", &["db_client_connection"]),
    ("queues", &["comanda_placement_queue_depth", "comanda_outbox_", "http_server_active_requests"]),
    ("breakers", &["comanda_breaker_state"]),
    ("degraded", &["comanda_degraded", "comanda_replica_lag_seconds"]),
];

/// Connections to what the server depends on.
pub struct Pools {
    pub database: Database,
    pub redis: RedisConnections,
}

/// What is known of a server that serves.
pub struct State {
    pub pools: Pools,
    pub workers: WorkerHealth,
    pub draining: Draining,
    pub metrics: Metrics,
    pub since: Instant,
}

impl State {
    /// Logs all of it. It holds no secret, and nothing of a customer's.
    pub fn log(&self) {
        let (connections, idle) = self.pools.redis.counts();
        tracing::info!(
            version = VERSION,
            commit = COMMIT,
            seconds = self.since.elapsed().as_secs(),
            stopping = self.draining.has_begun(),
            redis_connections = connections,
            redis_idle = idle,
            "state of the server"
        );
        for worker in self.workers.report() {
            let last_success = worker.last_success.map(tracing::field::display);
            tracing::info!(worker = worker.name, state = worker.state.as_str(), last_success, "state of a worker");
        }
        self.pools.database.measure_pools();
        let measured = self.metrics.render();
        for (what, names) in GAUGES {
            tracing::info!(what, gauges = gauges(&measured, names), "state of the gauges");
        }
    }
}

/// The series whose names begin with one of these.
fn gauges(measured: &str, names: &[&str]) -> String {
    let series = measured.lines().filter(|line| names.iter().any(|name| line.starts_with(name)));
    // Histograms and counters say how it was, not how it is.
    let series =
        series.filter(|line| !["_bucket{", "_sum{", "_count{", "_total"].iter().any(|part| line.contains(part)));
    series.collect::<Vec<_>>().join(", ")
}
