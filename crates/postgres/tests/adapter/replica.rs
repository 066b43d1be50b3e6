use std::time::{Duration, Instant};

use comanda_domain::{
    OrderId, OrderScope, PageLimit, Timestamp,
    ports::{Accounts, OrderCriteria, Orders, OrdersQuery},
};
use comanda_postgres::{Database, DatabaseConfig, DatabaseUrl, PostgresAccounts, migrate};
use comanda_tests::{Accepts, TestDatabase, TestPostgres};

use crate::shop::{DEADLINE, config, new_account, orders};

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_is_left_on_a_dead_timeline_is_not_read_from() {
    let mut primary = TestPostgres::start(None, Accepts::Everything).await;
    primary.back_up();
    primary.archive().await;
    let standby = primary.standby().await;
    let database = TestDatabase::empty().await;
    let pool = connect(&database, &primary, &standby).await;

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

/// It has some orders, but not the latest.
#[tokio::test(flavor = "multi_thread")]
async fn a_list_goes_on_where_it_ended_though_the_replica_is_behind() {
    let primary = TestPostgres::start(None, Accepts::Everything).await;
    migrate(&url_of(&primary), None).await.unwrap();
    let standby = primary.standby().await;
    let database = TestDatabase::empty().await;
    let pool = connect(&database, &primary, &standby).await;
    let customer = PostgresAccounts::new(pool.clone()).register(new_account("ana@example.org")).await.unwrap();
    let place = async |minutes: std::ops::Range<u32>| {
        let fill = format!(
            "INSERT INTO orders (id, customer_id, total, created_at, updated_at, line_count, status) \
             SELECT lpad(n::text, 32, '0')::uuid, '{}', 0, at, at, 1, 'completed' FROM generate_series({}, {}) n, \
                 LATERAL (SELECT timestamptz '2026-01-01Z' + n * interval '1 minute') t (at)",
            customer.id,
            minutes.start,
            minutes.end - 1
        );
        primary.tables().await.batch_execute(&fill).await.unwrap();
    };
    place(0..2).await;
    let replica = standby.tables().await;
    let until = async |condition: &str| {
        let begin = Instant::now();
        while !replica.query_one(condition, &[]).await.unwrap().get::<_, bool>(0) {
            assert!(begin.elapsed() < Duration::from_secs(20), "{condition}");
        }
    };
    until("SELECT count(*) = 2 FROM orders").await;
    replica.batch_execute("SELECT pg_wal_replay_pause()").await.unwrap();
    until("SELECT pg_get_wal_replay_pause_state() = 'paused'").await;
    place(2..5).await;

    let orders = orders(&pool, DEADLINE);
    for created_from in [None, Some("2026-01-01T00:00:00Z".parse::<Timestamp>().unwrap())] {
        let pages = async |after: Option<OrderId>, limit| {
            let criteria = OrderCriteria { created_from, ..OrderCriteria::default() };
            let limit = PageLimit::new(limit).unwrap();
            let query = OrdersQuery { scope: OrderScope::OwnedBy(customer.id), criteria, after, limit };
            // What it says counts for two seconds.
            pool.compare_replica().await.unwrap();
            orders.list(query).await.unwrap().map(|page| {
                let minutes = page.entries.iter().map(|order| order.created_at.format("%M").to_string());
                (minutes.collect::<Vec<_>>().join(" "), page.next.is_some())
            })
        };
        let id = |minute: u128| Some(OrderId::new(uuid::Uuid::from_u128(minute)));
        let page = |minutes: &str, more| Some((minutes.to_owned(), more));
        assert_eq!(pages(None, 2).await, page("01 00", false), "the replica is read from");
        assert_eq!(pages(id(4), 2).await, page("03 02", true), "{created_from:?}");
        assert_eq!(pages(id(2), 1).await, page("01", true), "{created_from:?}");
        assert_eq!(pages(id(1), 1).await, page("00", false), "{created_from:?}");
        assert_eq!(pages(id(0), 1).await, page("", false), "{created_from:?}");
    }
}

fn url_of(postgres: &TestPostgres) -> DatabaseUrl {
    postgres.url_by("db.example", "sslmode=disable").parse().unwrap()
}

async fn connect(database: &TestDatabase, primary: &TestPostgres, standby: &TestPostgres) -> Database {
    let pool = Database::connect(DatabaseConfig {
        url: url_of(primary),
        replica_url: Some(url_of(standby)),
        replica_lag: Duration::from_mins(1),
        ..config(database, DEADLINE)
    })
    .await
    .unwrap();
    let begin = Instant::now();
    // A standby says which timeline it follows only once it has something of it, and the machine may be busy.
    while let Err(error) = pool.compare_replica().await {
        assert!(begin.elapsed() < Duration::from_secs(20), "{error}");
    }
    pool
}
