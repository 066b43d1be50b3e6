use comanda_domain::{
    AuditAction, OrderId, OrderScope, PageLimit, Role,
    ports::{Accounts, AccountsQuery, AuditLog, AuditQuery, Orders},
};
use comanda_postgres::PostgresAuditLog;
use futures_util::future::join_all;
use uuid::Uuid;

use crate::shop::Shop;

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
                 ('users_by_role', 'users_disabled', 'audit_log_by_target', 'audit_log_by_actor', 'audit_log_by_action')";
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

    // PostgreSQL reports what it has counted within a second.
    let reported = async {
        while shop.database.number(scans).await < before.1 + 6 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), reported).await.expect("a scan of an index each");
    let rows = shop.database.number(read).await - before.0;
    assert!(rows < 1000, "{rows} rows were read");
}
