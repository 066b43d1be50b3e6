use std::time::Duration;

use comanda_postgres::Database;

use super::worker::{Period, Worker};

/// Compares the replica with the primary. The replica serves reads only while this says that it keeps up.
pub fn follow_replica(database: Database) -> Worker {
    const PERIOD: Period = Period::of(Duration::from_millis(250));
    Worker::every(PERIOD, "follow_replica", move || {
        let database = database.clone();
        async move { database.compare_replica().await }
    })
}
