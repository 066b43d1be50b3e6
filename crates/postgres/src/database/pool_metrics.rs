//! Metrics of the pools, with OpenTelemetry's semantic names
//! (<https://opentelemetry.io/docs/specs/semconv/database/database-metrics/>).

use std::time::Duration;

use diesel_async::{AsyncPgConnection, pooled_connection::bb8::Pool};
use metrics::{Gauge, gauge, histogram};

/// Measures a pool.
pub(super) fn measure(name: &'static str, pool: &Pool<AsyncPgConnection>, size: u32) {
    let connections = |state: &'static str| {
        let labels = [("db_client_connection_pool_name", name), ("db_client_connection_state", state)];
        gauge!("db_client_connections", &labels)
    };
    let state = pool.state();
    connections("idle").set(f64::from(state.idle_connections));
    connections("used").set(f64::from(state.connections.saturating_sub(state.idle_connections)));
    // Registered, should nobody have waited yet.
    pending(name).increment(0.0);
    gauge!("db_client_connection_max", "db_client_connection_pool_name" => name).set(f64::from(size));
}

/// A request that waits for a connection, until it has one or waits no more: the pool itself would count one that gave
/// up for ever.
pub(super) struct Waiting(Gauge);

impl Waiting {
    pub(super) fn begin(name: &'static str) -> Self {
        let pending = pending(name);
        pending.increment(1.0);
        Self(pending)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}

fn pending(name: &'static str) -> Gauge {
    gauge!("db_client_connection_pending_requests", "db_client_connection_pool_name" => name)
}

/// Records how long a request waited for a connection, whether it got one or not.
pub(crate) fn waited(name: &'static str, time: Duration) {
    histogram!("db_client_connection_wait_time_seconds", "db_client_connection_pool_name" => name)
        .record(time.as_secs_f64());
}
