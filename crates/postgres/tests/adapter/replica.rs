use std::time::{Duration, Instant};

use comanda_postgres::{Database, DatabaseConfig};
use comanda_tests::{Accepts, TestDatabase, TestPostgres};

use crate::shop::{DEADLINE, config};

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_is_left_on_a_dead_timeline_is_not_read_from() {
    let mut primary = TestPostgres::start(None, Accepts::Everything).await;
    primary.back_up();
    primary.archive().await;
    let standby = primary.standby().await;
    let database = TestDatabase::empty().await;
    let url = |postgres: &TestPostgres| postgres.url_by("db.example", "sslmode=disable").parse().unwrap();
    let pool = Database::connect(DatabaseConfig {
        url: url(&primary),
        replica_url: Some(url(&standby)),
        replica_lag: Duration::from_mins(1),
        ..config(&database, DEADLINE)
    })
    .await
    .unwrap();
    pool.compare_replica().await.unwrap();

    // The standby has more of the old log than the new primary.
    primary.recover().await;
    let begin = Instant::now();
    loop {
        assert!(begin.elapsed() < Duration::from_secs(20), "nobody notices");
        let error = pool.compare_replica().await.expect_err("the replica is of another timeline").to_string();
        if error.contains("the primary writes the log") {
            break;
        }
    }
}
