use chrono::TimeDelta;
use comanda_domain::{
    AuditAction, Idempotency, OrderId, OrderScope, PageLimit, RequestFingerprint, Role, Timestamp,
    ports::{Accounts, AccountsQuery, AuditLog, AuditQuery, OrderCriteria, Orders, OrdersQuery},
};
use comanda_postgres::PostgresAuditLog;
use futures_util::future::join_all;
use uuid::Uuid;

use crate::shop::{self, Shop};

// One thread: all fifty ask in one turn of the runtime.
#[tokio::test]
async fn lookups_of_one_turn_share_a_statement() {
    let shop = Shop::open().await;
    let item = shop.item(100).await;
    let mut placed = Vec::new();
    for _ in 0..10 {
        placed.push(shop.orders.place(shop.order(&[(&item, 1)])).await.unwrap().outcome);
    }
    let lookups = "%FROM \"orders\"%ANY%";
    let before = shop.database.statements(lookups).await;
    let asking = (0..50).map(|n| shop.orders.find(placed[n % 10].order.id, OrderScope::All));
    let found = join_all(asking).await;
    for (n, found) in found.into_iter().enumerate() {
        assert_eq!(found.unwrap().as_ref(), Some(&placed[n % 10]));
    }
    assert_eq!(shop.database.statements(lookups).await - before, 1);

    let nobodys = shop.orders.find(OrderId::new(Uuid::now_v7()), OrderScope::All).await.unwrap();
    assert_eq!(nobodys, None);
    let stranger = OrderScope::OwnedBy(comanda_domain::AccountId::new(Uuid::now_v7()));
    assert_eq!(shop.orders.find(placed[0].order.id, stranger).await.unwrap(), None);
}

/// Of accounts and audit records that hardly any row matches, a page does not read the table.
#[tokio::test(flavor = "multi_thread")]
async fn filtered_lists_read_an_index() {
    let shop = Shop::open().await;
    let tables = shop.database.client().await;
    tables
        .batch_execute(
            "INSERT INTO users (id, email, name, role, password_hash, created_at) \
             SELECT gen_random_uuid(), 'n' || n || '@example.org', 'n', 'customer', '', now() \
             FROM generate_series(1, 20000) n; \
             INSERT INTO audit_log (happened_at, action, target) \
             SELECT now(), 'menu_item.edited', gen_random_uuid()::text FROM generate_series(1, 20000)",
        )
        .await
        .unwrap();
    tables.batch_execute("VACUUM ANALYZE users, audit_log").await.unwrap();
    let audit_log = PostgresAuditLog::new(shop.pool.clone());
    let accounts = |role, disabled| AccountsQuery { role, disabled, after: None, limit: PageLimit::default() };
    let read = "SELECT sum(seq_tup_read + idx_tup_fetch)::bigint FROM pg_stat_user_tables \
                WHERE relname IN ('users', 'audit_log')";
    let scans = "SELECT sum(idx_scan)::bigint FROM pg_stat_user_indexes WHERE indexrelname IN \
                 ('users_by_role', 'users_disabled', \
                  'audit_log_by_target', 'audit_log_by_actor', 'audit_log_by_action')";
    let before = (shop.database.number(read).await, shop.database.number(scans).await);

    for query in
        [accounts(Some(Role::Staff), None), accounts(None, Some(true)), accounts(Some(Role::Admin), Some(true))]
    {
        assert_eq!(shop.accounts.list(query).await.unwrap().entries, []);
    }
    for query in [
        AuditQuery { target: Some("nobody".to_owned()), ..AuditQuery::default() },
        AuditQuery { actor: Some(shop.customer.id), ..AuditQuery::default() },
        AuditQuery { action: Some(AuditAction::AccountUnlocked), ..AuditQuery::default() },
    ] {
        assert_eq!(audit_log.entries(query).await.unwrap().entries, []);
    }

    until_reported(&shop, scans, before.1 + 6).await;
    let rows = shop.database.number(read).await - before.0;
    assert!(rows < 1000, "{rows} rows were read");
}

/// A page of orders of a time long ago, or with a number, does not pass over those since.
#[tokio::test(flavor = "multi_thread")]
async fn orders_of_a_time_or_with_a_number_are_found_by_an_index() {
    let shop = Shop::open().await;
    let tables = shop.database.client().await;
    // One a minute. Their ids follow the time.
    let fill = format!(
        "{ALONE}; \
         INSERT INTO orders (id, customer_id, number, total, created_at, updated_at, line_count, status) \
         SELECT lpad(to_hex(n), 32, '0')::uuid, '{}', n, 0, at, at, 1, 'completed' \
         FROM generate_series(1, 50000) n, LATERAL (SELECT timestamptz '2025-01-01Z' + n * interval '1 minute') t (at)",
        shop.customer.id
    );
    tables.batch_execute(&fill).await.unwrap();
    tables.batch_execute("VACUUM ANALYZE orders").await.unwrap();
    // Otherwise what this connection has read, to add pages to the index by time, is counted later.
    tables.batch_execute("SELECT pg_stat_force_next_flush()").await.unwrap();
    let vacuumed = "SELECT seq_tup_read FROM pg_stat_user_tables WHERE relname = 'orders'";
    until_reported(&shop, vacuumed, 40_000).await;
    let at = |minute: i64| "2025-01-01T00:00:00Z".parse::<Timestamp>().unwrap() + TimeDelta::minutes(minute);
    let page = async |criteria: OrderCriteria, after: Option<OrderId>| {
        let query = OrdersQuery { scope: OrderScope::All, criteria, after, limit: PageLimit::new(5).unwrap() };
        let page = shop.orders.list(query).await.unwrap().unwrap();
        let minutes = page.entries.iter().map(|order| (order.created_at - at(0)).num_minutes()).collect::<Vec<_>>();
        (minutes, page.entries.last().map(|order| order.id), page.next.is_some())
    };
    let read = "SELECT (seq_tup_read + idx_tup_fetch)::bigint FROM pg_stat_user_tables WHERE relname = 'orders'";
    let scans = "SELECT sum(idx_scan)::bigint FROM pg_stat_user_indexes WHERE indexrelname IN \
                 ('orders_by_creation', 'orders_by_number')";
    let before = (shop.database.number(read).await, shop.database.number(scans).await);

    let numbered = OrderCriteria { number: Some("A007".parse().unwrap()), ..OrderCriteria::default() };
    assert_eq!(page(numbered, None).await.0, [48_007, 24_007, 7]);
    let long_ago = OrderCriteria { created_from: Some(at(100)), created_to: Some(at(107)), ..OrderCriteria::default() };
    let (first, last, more) = page(long_ago, None).await;
    assert_eq!((first, more), (vec![106, 105, 104, 103, 102], true), "not including the end");
    assert_eq!(page(long_ago, last).await, (vec![101, 100], Some(OrderId::new(Uuid::from_u128(100))), false));
    let open = OrderCriteria { created_to: Some(at(3)), ..OrderCriteria::default() };
    assert_eq!(page(open, None).await.0, [2, 1]);
    let both = OrderCriteria { number: Some("A007".parse().unwrap()), ..long_ago };
    assert_eq!(page(both, None).await.0, Vec::<i64>::new());
    until_reported(&shop, scans, before.1 + 5).await;
    let rows = shop.database.number(read).await - before.0;
    assert!(rows < 1000, "{rows} rows were read");
}

/// However small the tables were when the lookup of keys was planned, it reads no table when they are large.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_placed_under_a_key_is_found_by_an_index() {
    let shop = Shop::open().await;
    let item = shop.item(100).await;
    let tables = shop.database.client().await;
    tables.batch_execute(&format!("{ALONE}; ANALYZE orders, idempotency_keys")).await.unwrap();
    let placed = shop.orders.place(shop.keyed("key", shop.order(&[(&item, 1)]))).await.unwrap().outcome;
    let find = async |key: &str| shop.orders.find_placed(&shop.idempotency(key), shop::now()).await.unwrap();
    for _ in 0..10 {
        assert_eq!(find("key").await.as_ref(), Some(&placed));
    }
    assert_eq!(find("other").await, None);
    let other = Idempotency { fingerprint: RequestFingerprint::new([8; 16]), ..shop.idempotency("key") };
    assert_eq!(shop.orders.find_placed(&other, shop::now()).await.unwrap(), None, "another request under the key");
    let later = shop::now() + TimeDelta::hours(25);
    assert_eq!(shop.orders.find_placed(&shop.idempotency("key"), later).await.unwrap(), None, "it is forgotten");

    let fill = format!(
        "INSERT INTO orders (id, customer_id, total, created_at, updated_at, line_count, status, idempotency_key, \
                             request_fingerprint) \
         SELECT gen_random_uuid(), '{}', 0, now(), now(), 1, 'completed', 'k' || n, gen_random_uuid() \
         FROM generate_series(1, 20000) n",
        shop.customer.id
    );
    tables.batch_execute(&fill).await.unwrap();
    tables.batch_execute("SELECT pg_stat_force_next_flush()").await.unwrap();
    let read = "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_user_tables WHERE relname = 'orders'";
    let scans = "SELECT idx_scan FROM pg_stat_user_indexes WHERE indexrelname = 'orders_idempotency'";
    let before = (shop.database.number(read).await, shop.database.number(scans).await);
    for _ in 0..10 {
        assert_eq!(find("key").await.as_ref(), Some(&placed));
    }
    until_reported(&shop, scans, before.1 + 10).await;
    let rows = shop.database.number(read).await - before.0;
    assert!(rows < 1000, "{rows} rows were read");
}

/// `PostgreSQL` reports what it has counted within a second.
async fn until_reported(shop: &Shop, scans: &str, number: i64) {
    let reported = async {
        while shop.database.number(scans).await < number {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), reported).await.expect("a report");
}

/// Nobody else reads the table meanwhile. Adding pages to the index by time is counted as a scan.
const ALONE: &str =
    "ALTER TABLE orders SET (autovacuum_enabled = off); ALTER INDEX orders_by_time SET (autosummarize = off)";

/// PostgreSQL knows times that nothing else can hold, and orders them.
#[tokio::test(flavor = "multi_thread")]
async fn orders_of_odd_times_are_listed_to_the_end() {
    let shop = Shop::open().await;
    let item = shop.item(100).await;
    let tables = shop.database.client().await;
    let mut placed = Vec::new();
    for at in
        ["-infinity", "-infinity", "4713-01-01 BC", "2026-01-01", "2026-01-01", "294276-12-31", "infinity", "infinity"]
    {
        let id = shop.orders.place(shop.order(&[(&item, 1)])).await.unwrap().outcome.order.id;
        let moved = format!("UPDATE orders SET created_at = '{at}', status = 'completed' WHERE id = '{id}'");
        tables.batch_execute(&moved).await.unwrap();
        placed.push(id);
    }
    let (min, max) = ("0001-01-01T00:00:00Z".parse().unwrap(), "9999-12-31T00:00:00Z".parse().unwrap());
    let query = |from, to, after| OrdersQuery {
        scope: OrderScope::All,
        criteria: OrderCriteria { created_from: from, created_to: to, ..OrderCriteria::default() },
        after,
        limit: PageLimit::new(1).unwrap(),
    };
    for (from, to, expected) in
        [(Some(min), None, 3..8), (None, Some(max), 0..5), (Some(min), Some(max), 3..5), (None, None, 0..8)]
    {
        let (mut found, mut after) = (Vec::new(), None);
        while found.len() <= placed.len() {
            let page = shop.orders.list(query(from, to, after)).await.unwrap().unwrap();
            found.extend(page.entries.iter().map(|order| order.id));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        let expected: Vec<OrderId> = placed[expected].iter().rev().copied().collect();
        assert_eq!(found, expected, "{from:?}, {to:?}");
    }
    let gone = Some(OrderId::new(Uuid::now_v7()));
    assert_eq!(shop.orders.list(query(Some(min), None, gone)).await.unwrap(), None, "nobody knows where it stood");
    assert_eq!(shop.orders.list(query(None, None, gone)).await.unwrap().unwrap().entries.len(), 1);
    // Behind the last one there is nothing, but that is known.
    let last = shop.orders.list(query(Some(min), None, Some(placed[3]))).await.unwrap();
    assert_eq!(last.map(|page| (page.entries, page.next)), Some((vec![], None)));
}
