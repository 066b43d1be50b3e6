use std::{convert::Infallible, time::Duration};

use comanda_postgres::Database;

use super::worker::{Period, Worker};

/// Measures how many connections to PostgreSQL there are, and how many requests wait for one.
pub fn measure_pools(database: Database) -> Worker {
    const PERIOD: Period = Period::of(Duration::from_secs(1));
    Worker::every(PERIOD, "measure_pools", move || {
        database.measure_pools();
        async { Ok::<(), Infallible>(()) }
    })
}
