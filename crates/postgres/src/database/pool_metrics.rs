//! Metrics of the pools, with OpenTelemetry's semantic names
//! (<https://opentelemetry.io/docs/specs/semconv/database/database-metrics/>).

use std::time::Duration;

use diesel_async::{AsyncPgConnection, pooled_connection::bb8::Pool};
use metrics::{gauge, histogram};

/// Measures a pool.
#[expect(clippy::cast_precision_loss, reason = "nobody waits 2^52 times at once")]
pub(super) fn measure(name: &'static str, pool: &Pool<AsyncPgConnection>, size: u32) {
    let connections = |state: &'static str| {
        let labels = [("db_client_connection_pool_name", name), ("db_client_connection_state", state)];
        gauge!("db_client_connection_count", &labels)
    };
    let state = pool.state();
    connections("idle").set(f64::from(state.idle_connections));
    connections("used").set(f64::from(state.connections.saturating_sub(state.idle_connections)));
    gauge!("db_client_connection_pending_requests", "db_client_connection_pool_name" => name)
        .set(state.statistics.pending_gets() as f64);
    gauge!("db_client_connection_max", "db_client_connection_pool_name" => name).set(f64::from(size));
}

/// Records how long a request waited for a connection, whether it got one or not.
pub(crate) fn waited(name: &'static str, time: Duration) {
    histogram!("db_client_connection_wait_time_seconds", "db_client_connection_pool_name" => name)
        .record(time.as_secs_f64());
}
