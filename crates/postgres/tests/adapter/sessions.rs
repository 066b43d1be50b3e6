use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use comanda_domain::{
    AccountId, NewSession, Reason, SessionId, SessionOrigin,
    ports::{Accounts, Sessions},
};
use comanda_postgres::{Database, DatabaseConfig, DatabaseUrl, PostgresAccounts, PostgresSessions, migrate};
use comanda_tests::{Accepts, PoweredPostgres, TestDatabase, TestPostgres};
use uuid::Uuid;

use crate::shop::{DEADLINE, config, connect, new_account, now};

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

/// Seven accounts, three at a time.
#[tokio::test(flavor = "multi_thread")]
async fn all_sessions_are_closed_batch_by_batch_each_once_and_it_ends() {
    let database = TestDatabase::migrated().await;
    let tables = database.client().await;
    // One to three open sessions each, and one that is closed.
    let fill = "INSERT INTO users (id, email, name, role, password_hash, created_at) \
                SELECT gen_random_uuid(), n || '@example.org', 'Ana', 'customer', '', now() \
                FROM generate_series(1, 7) n; \
                INSERT INTO sessions (id, account_id, opened_at, expires_at, closed_at) \
                SELECT gen_random_uuid(), id, now(), now() + interval '1 day', \
                       CASE WHEN n = 0 THEN now() - interval '1 day' END \
                FROM users, generate_series(0, (left(email, 1)::integer - 1) % 3 + 1) n";
    tables.batch_execute(fill).await.unwrap();
    let open = "SELECT account_id, id FROM sessions WHERE closed_at IS NULL ORDER BY account_id";
    let expected: Vec<(Uuid, Uuid)> =
        tables.query(open, &[]).await.unwrap().iter().map(|row| (row.get(0), row.get(1))).collect();
    assert_eq!(expected.len(), 13);
    let accounts: HashSet<Uuid> = expected.iter().map(|(account, _)| *account).collect();

    let sessions = PostgresSessions::new(connect(&database, DEADLINE).await);
    let reason = Reason::new("keys leaked").unwrap();
    let (mut closed, mut after, mut batches) = (Vec::new(), None, Vec::new());
    loop {
        let batch = sessions.close_next(after, 3, reason.clone(), now()).await.unwrap();
        let of: HashSet<AccountId> = batch.sessions.iter().map(|(account, _)| *account).collect();
        assert!(of.iter().all(|account| after.is_none_or(|after| after < *account)), "an account comes again");
        closed.extend(batch.sessions.iter().map(|(account, session)| (account.as_uuid(), session.as_uuid())));
        let Some(last) = batch.last else { break };
        batches.push(of.len());
        assert_eq!(of.into_iter().max(), Some(last));
        // Who signs in again behind it neither is closed nor keeps it from ending.
        let again = "INSERT INTO sessions (id, account_id, opened_at, expires_at) \
                     SELECT gen_random_uuid(), $1, now(), now() + interval '1 day'";
        tables.execute(again, &[&last.as_uuid()]).await.unwrap();
        after = Some(last);
        assert!(batches.len() < 10, "it does not end: {batches:?}");
    }
    assert_eq!(batches, [3, 3, 1]);
    closed.sort_unstable();
    let mut expected = expected;
    expected.sort_unstable();
    assert_eq!(closed, expected, "each open session once, and no other");
    assert_eq!(sessions.count_open().await.unwrap(), 3, "those that were opened again");
    let records = "SELECT count(*) FROM audit_log WHERE action = 'account.sessions_closed' AND reason = 'keys leaked'";
    assert_eq!(database.number(records).await, i64::try_from(accounts.len()).unwrap());
}

/// Otherwise nobody could close it, and its tokens would be believed until they expire.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_there_after_a_crash_that_follows_its_opening() {
    // What is not waited for is not flushed by itself while this runs.
    let lazily = ["wal_writer_delay=10s"];
    let mut postgres = PoweredPostgres::start(&lazily).await;
    let url: DatabaseUrl = postgres.url().parse().unwrap();
    migrate(&url, None).await.unwrap();
    let elsewhere = TestDatabase::empty().await;
    let pool = Database::connect(DatabaseConfig { url, ..config(&elsewhere, DEADLINE) }).await.unwrap();
    let accounts = PostgresAccounts::new(pool.clone());
    let account = accounts.register(new_account("ana@example.org")).await.unwrap();
    let known = accounts.credentials(&account.email).await.unwrap().unwrap();
    let session = NewSession {
        id: SessionId::new(Uuid::now_v7()),
        account_id: account.id,
        credentials: known.version,
        opened_at: now(),
        expires_at: now() + Duration::from_hours(1),
        idle_at: None,
        refresh_token: None,
        origin: SessionOrigin { client: None, network: None },
        replaces: None,
    };
    let id = session.id.as_uuid();
    PostgresSessions::new(pool).open(session, 10).await.unwrap();
    postgres.lose_power();
    postgres.start_again(&lazily).await;
    let rows = postgres.client().await.query("SELECT id FROM sessions", &[]).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.get(0)).collect::<Vec<Uuid>>(), [id]);
}
