use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use comanda_domain::ports::Sessions;
use comanda_postgres::{Database, DatabaseConfig, DatabaseUrl, PostgresSessions, migrate};
use comanda_tests::{Accepts, TestDatabase, TestPostgres};

use crate::shop::{DEADLINE, config, now};

/// More than one round looks at.
const SESSIONS: i64 = 45_000;

#[tokio::test(flavor = "multi_thread")]
async fn after_a_recovery_all_closed_sessions_are_read_again_round_by_round() {
    let mut postgres = TestPostgres::start(None, Accepts::Everything).await;
    let url: DatabaseUrl = postgres.url_by("db.example", "sslmode=disable").parse().unwrap();
    migrate(&url, None).await.unwrap();
    let fill = format!(
        "INSERT INTO users (id, email, name, role, password_hash, created_at) \
         VALUES (gen_random_uuid(), 'ana@example.org', 'Ana', 'customer', '', now()); \
         INSERT INTO sessions (id, account_id, opened_at, expires_at, closed_at) \
         SELECT gen_random_uuid(), (SELECT id FROM users), now(), now() + interval '1 day', now() - interval '1 day' \
         FROM generate_series(1, {SESSIONS})"
    );
    postgres.tables().await.batch_execute(&fill).await.unwrap();
    postgres.back_up();
    postgres.archive().await;
    let database = TestDatabase::empty().await;
    let pool = Database::connect(DatabaseConfig { url, ..config(&database, DEADLINE) }).await.unwrap();
    let sessions = PostgresSessions::new(pool);
    let begun = sessions.closed_since(now()).await.unwrap();
    assert_eq!(begun.ids, vec![]);
    let mut position = begun.position;
    assert_eq!(sessions.closed_after(position).await.unwrap().ids, vec![]);

    postgres.recover().await;
    let (mut read, mut rounds, started) = (HashSet::new(), 0, Instant::now());
    while i64::try_from(read.len()).unwrap() < SESSIONS {
        assert!(started.elapsed() < Duration::from_secs(20), "only {} of {SESSIONS}", read.len());
        // The connection of before leads nowhere.
        let Ok(closings) = sessions.closed_after(position).await else { continue };
        assert!(closings.ids.len() <= 20_000, "{} at once", closings.ids.len());
        position = closings.position;
        rounds += usize::from(!closings.ids.is_empty());
        read.extend(closings.ids);
    }
    assert_eq!(rounds, 3);
    assert_eq!(sessions.closed_after(position).await.unwrap().ids, vec![], "once");
}
