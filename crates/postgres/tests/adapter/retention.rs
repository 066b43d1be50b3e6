use std::time::Duration;

use comanda_domain::{
    Perishable,
    ports::{Deleted, GatewayInbox, InboxEvent, Orders, Outbox, Retention},
};
use comanda_postgres::{PostgresOutbox, PostgresPayments, PostgresRetention, PostgresSalesFigures, check_invariants};
use uuid::Uuid;

use crate::shop::{DEADLINE, Shop, connect, now};

const MONTH: Duration = Duration::from_hours(30 * 24);

impl Shop {
    fn retention(&self) -> PostgresRetention {
        PostgresRetention::new(self.pool.clone(), Uuid::now_v7())
    }

    /// Lets everything have happened forty days ago.
    async fn age(&self) {
        let earlier = "UPDATE orders SET created_at = created_at - interval '40 days', \
                                         updated_at = updated_at - interval '40 days'; \
                       UPDATE outbox_events SET occurred_at = occurred_at - interval '40 days'";
        self.database.client().await.batch_execute(earlier).await.unwrap();
    }

    async fn events(&self) -> i64 {
        self.database.number("SELECT count(*) FROM outbox_events").await
    }

    /// Summarizes until all events are summarized: transactions of other tests delay it.
    async fn summarize(&self) {
        let figures = PostgresSalesFigures::new(self.pool.clone());
        let left = "SELECT count(*) FROM outbox_events v, sales_summarized s \
                    WHERE (v.transaction_id, v.id) > (s.transaction_id, s.event_id)";
        while self.database.number(left).await > 0 {
            figures.summarize().await.unwrap();
        }
    }

    async fn place(&self, count: usize) {
        let item = self.item(1000).await;
        for _ in 0..count {
            self.orders.place(self.order(&[(&item, 1)])).await.unwrap();
        }
    }
}

async fn delete(retention: &PostgresRetention, what: Perishable, limit: u32) -> Deleted {
    retention.delete(what, MONTH, limit).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_process_at_a_time_deletes() {
    let shop = Shop::open().await;
    let (one, other) = (shop.retention(), shop.retention());
    assert!(one.hold_lease(Duration::from_mins(1)).await.unwrap());
    assert!(!other.hold_lease(Duration::from_mins(1)).await.unwrap());
    assert!(one.hold_lease(Duration::ZERO).await.unwrap(), "its own can be renewed");
    assert!(other.hold_lease(Duration::from_mins(1)).await.unwrap());
    assert!(!one.hold_lease(Duration::from_mins(1)).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_deleted_once_everybody_has_it_and_it_is_old() {
    let shop = Shop::open().await;
    let (retention, outbox) = (shop.retention(), PostgresOutbox::new(shop.pool.clone()));
    outbox.next("kitchen", 1).await.unwrap().expect("nobody else has the lease");
    shop.place(5).await;
    shop.age().await;
    assert_eq!(delete(&retention, Perishable::Events, 10).await, Deleted::default(), "neither summarized nor told");
    shop.summarize().await;
    assert_eq!(delete(&retention, Perishable::Events, 10).await, Deleted::default(), "not told");

    // All are told but one, which is tried again, and one that is never given up.
    let mut told = 0;
    let mut undelivered = None;
    while told < 5 {
        let batch = outbox.next("kitchen", 10).await.unwrap().unwrap();
        told += batch.events.len();
        let first =
            batch.events.first().filter(|_| undelivered.is_none()).map(|event| comanda_domain::ports::Undelivered {
                event: event.id,
                stream: event.stream,
                attempts: 1,
                next_at: now(),
                error: "in this test".to_owned(),
            });
        undelivered = undelivered.or_else(|| first.clone());
        if let Some(position) = batch.position {
            outbox.advance("kitchen", position, first.into_iter().collect()).await.unwrap();
        }
    }
    // The youngest is young.
    shop.place(1).await;
    shop.summarize().await;
    assert_eq!(delete(&retention, Perishable::Events, 2).await, Deleted { rows: 1, more: true });
    let tables = shop.database.client().await;
    tables.execute("UPDATE outbox_retries SET is_dead = true", &[]).await.unwrap();
    let mut rows = 1;
    loop {
        let batch = delete(&retention, Perishable::Events, 2).await;
        rows += batch.rows;
        if !batch.more {
            break;
        }
    }
    assert_eq!((rows, shop.events().await), (4, 2), "the dead letter stays, and what is young");
    shop.assert_sound().await;
    assert_eq!(delete(&retention, Perishable::Events, 10).await, Deleted::default());

    // What is missing after the horizon is still found.
    tables.execute("DELETE FROM outbox_events WHERE occurred_at > now() - interval '1 day'", &[]).await.unwrap();
    let findings = check_invariants(&shop.pool).await.unwrap();
    let broken: Vec<_> = findings.iter().filter(|f| !f.violations.is_empty()).map(|f| f.invariant.rule).collect();
    assert_eq!(broken, ["every version of an order was announced by exactly one event"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscriber_that_is_gone_for_long_keeps_no_events() {
    let shop = Shop::open().await;
    let (retention, outbox) = (shop.retention(), PostgresOutbox::new(shop.pool.clone()));
    for name in ["kitchen", "gone"] {
        outbox.next(name, 1).await.unwrap().expect("nobody else has the lease");
    }
    let earlier = "UPDATE outbox_subscribers SET seen_at = now() - interval '40 days'";
    shop.database.client().await.execute(earlier, &[]).await.unwrap();
    retention.see_subscribers(&["kitchen".to_owned()]).await.unwrap();
    assert_eq!(delete(&retention, Perishable::Subscribers, 10).await, Deleted { rows: 1, more: false });
    assert_eq!(shop.database.number("SELECT count(*) FROM outbox_subscribers WHERE name = 'kitchen'").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn positions_of_another_cluster_delete_nothing() {
    let shop = Shop::open().await;
    shop.place(3).await;
    shop.age().await;
    // As in a database that was restored from a dump.
    let restored = "UPDATE sales_summarized SET transaction_id = 9000000000";
    shop.database.client().await.execute(restored, &[]).await.unwrap();
    assert_eq!(delete(&shop.retention(), Perishable::Events, 10).await, Deleted::default());
    assert_eq!(shop.events().await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_earlier_cluster_wrote_is_deleted_though_its_transactions_are_ahead() {
    let shop = Shop::open().await;
    shop.place(5).await;
    shop.age().await;
    shop.summarize().await;
    // As in a dump of a cluster that had counted further, restored and summarized here.
    let restored = "UPDATE outbox_events SET transaction_id = transaction_id + 9000000000; \
                    INSERT INTO database_histories (id, system_identifier, after_event, first_transaction) \
                      SELECT 2, system_identifier, (SELECT max(id) FROM outbox_events), next_transaction() \
                      FROM pg_control_system(); \
                    UPDATE sales_summarized SET history = 2, transaction_id = next_transaction(), event_id = 0";
    shop.database.client().await.batch_execute(restored).await.unwrap();
    shop.place(1).await;
    let retention = shop.retention();
    assert_eq!(delete(&retention, Perishable::Events, 4).await, Deleted { rows: 4, more: true });
    assert_eq!(delete(&retention, Perishable::Events, 4).await, Deleted { rows: 1, more: false });
    assert_eq!(shop.events().await, 1, "what is young stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_deleted_is_not_read_again_beside_an_old_snapshot() {
    const ROWS: i64 = 2000;
    let shop = Shop::open().await;
    let tables = shop.database.client().await;
    let fill = format!(
        "INSERT INTO gateway_events (id, received_at, handled_at, body, reader) \
         SELECT 'evt_' || n, at, at, '{{}}', 1 \
         FROM generate_series(1, {ROWS}) n, \
              LATERAL (SELECT now() - interval '60 days' + n * interval '1 second' AS at) t"
    );
    tables.batch_execute(&fill).await.unwrap();
    tables.batch_execute("VACUUM ANALYZE gateway_events").await.unwrap();
    let reader = shop.database.client().await;
    reader.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM users").await.unwrap();
    let read = "SELECT idx_tup_read FROM pg_stat_user_indexes WHERE indexrelname = 'handled_gateway_events'";
    let before = shop.database.number(read).await;

    let connections = "SELECT count(*) FROM pg_stat_activity \
                       WHERE datname = current_database() AND application_name LIKE 'comanda%'";
    let others = shop.database.number(connections).await;
    let pool = connect(&shop.database, DEADLINE).await;
    let retention = PostgresRetention::new(pool, Uuid::now_v7());
    let mut deleted = 0;
    while deleted < ROWS {
        deleted += i64::try_from(delete(&retention, Perishable::GatewayEvents, 50).await.rows).unwrap();
    }
    // What a connection has read is known at its end.
    drop(retention);
    while shop.database.number(connections).await > others {
        tokio::task::yield_now().await;
    }
    let entries = shop.database.number(read).await - before;
    assert!(entries >= ROWS, "{entries} entries were read");
    assert!(entries < 2 * ROWS, "{entries} entries were read to delete {ROWS} rows");
    drop(reader);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_old_is_deleted_in_every_table_and_what_is_needed_stays() {
    let shop = Shop::open().await;
    let retention = shop.retention();
    shop.place(1).await;
    let payments = PostgresPayments::new(shop.pool.clone());
    for id in ["evt_1", "evt_2", "evt_3", "evt_4", "evt_5", "evt_6", "evt_7"] {
        let event = InboxEvent { id: id.to_owned(), body: "{}".to_owned() };
        assert!(payments.receive(event, now()).await.unwrap());
    }
    let tables = shop.database.client().await;
    tables
        .batch_execute(
            "UPDATE gateway_events SET received_at = now() - interval '40 days'; \
             UPDATE gateway_events SET handled_at = received_at, reader = 1 WHERE id IN ('evt_1', 'evt_2', 'evt_3'); \
             UPDATE gateway_events SET malformed = 'in this test' WHERE id = 'evt_3'; \
             UPDATE gateway_events SET handled_at = received_at, reader = 1, unknown_kind = 'of tomorrow' \
               WHERE id IN ('evt_5', 'evt_6', 'evt_7'); \
             UPDATE gateway_events SET handled_at = now() WHERE id = 'evt_6'; \
             UPDATE gateway_events SET taken_until = now() + interval '1 minute' WHERE id = 'evt_7'; \
             INSERT INTO idempotency_keys (caller_id, order_id, request_fingerprint, recorded_at, key) \
               SELECT customer_id, id, gen_random_uuid(), now() - age, 'key ' || age \
               FROM orders, unnest(ARRAY[interval '31 days', interval '32 days', interval '1 hour']) age; \
             INSERT INTO sessions (id, account_id, opened_at, expires_at, closed_at) \
               SELECT gen_random_uuid(), id, now(), now() + expires, now() + closed FROM users, \
                 (VALUES (interval '-40 days', NULL), ('1 day', interval '-40 days'), ('1 day', NULL)) \
                 s(expires, closed); \
             INSERT INTO refresh_tokens (hash, session_id, issued_at, used_at, is_kept) \
               SELECT sha256(id::text::bytea), id, now(), now() - interval '40 days', closed_at IS NULL FROM sessions \
               WHERE expires_at > now() AND closed_at IS NULL; \
             INSERT INTO refresh_tokens (hash, session_id, issued_at, used_at, is_kept) \
               SELECT sha256('spent'), session_id, now(), now() - interval '40 days', false FROM refresh_tokens; \
             INSERT INTO mail_tokens (hash, purpose, account_id, email, expires_at, credentials_version, unlock_due) \
               SELECT sha256(due::text::bytea), 'password-reset', id, email, now() - interval '40 days', 1, due \
               FROM users, unnest(ARRAY[true, false]) due; \
             INSERT INTO mails (kind, email, mailbox, created_at) \
               SELECT 'password-reset', email, email, now() - age \
               FROM users, unnest(ARRAY[interval '40 days', interval '1 hour']) age",
        )
        .await
        .unwrap();
    for (what, rows, left) in [
        // What is unknown stays by another term, and while somebody handles it.
        (Perishable::GatewayEvents, 2, 5),
        (Perishable::UnknownGatewayEvents, 1, 4),
        (Perishable::IdempotencyKeys, 2, 1),
        (Perishable::Sessions, 2, 1),
        (Perishable::RefreshTokens, 1, 1),
        (Perishable::MailTokens, 1, 1),
        // The other one is the customer's, of a moment ago.
        (Perishable::Mails, 1, 2),
    ] {
        let mut deleted = 0;
        loop {
            let batch = delete(&retention, what, 1).await;
            assert!(batch.rows <= 2, "{what:?}: {batch:?}");
            deleted += batch.rows;
            if !batch.more {
                break;
            }
        }
        let count = shop.database.number(&format!("SELECT count(*) FROM {}", what.as_str())).await;
        assert_eq!((deleted, count), (rows, left), "{what:?}");
    }
}
