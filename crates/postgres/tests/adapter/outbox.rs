use std::time::{Duration, Instant};

use comanda_domain::{
    Actor, PageLimit, Role, SessionId,
    ports::{DeadLetter, DueEvent, EventBatch, Orders, Outbox, RetryOutcome},
};
use comanda_postgres::PostgresOutbox;
use uuid::Uuid;

use crate::shop::{Shop, now};

const KITCHEN: &str = "kitchen";

impl Shop {
    fn outbox(&self) -> PostgresOutbox {
        PostgresOutbox::new(self.pool.clone())
    }

    /// Breaks the rules: writes an event of an order that does not exist.
    async fn add_malformed_event(&self) {
        let sql = "INSERT INTO outbox_events (kind, subject_id, subject_version, occurred_at) \
                   VALUES ('order.placed', gen_random_uuid(), 1, now())";
        self.database.client().await.execute(sql, &[]).await.unwrap();
    }
}

async fn next(outbox: &PostgresOutbox) -> EventBatch {
    outbox.next(KITCHEN, 100).await.unwrap().expect("nobody else has the lease")
}

async fn dead_letters(outbox: &PostgresOutbox) -> Vec<DeadLetter> {
    outbox.dead_letters(None, PageLimit::default()).await.unwrap().entries
}

#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_event_becomes_a_dead_letter_and_the_others_go_on() {
    let shop = Shop::open().await;
    let outbox = shop.outbox();
    assert_eq!(next(&outbox).await, EventBatch { events: vec![], position: None, is_full: false });
    let item = shop.item(100).await;
    for malformed in [false, true, false, true] {
        match malformed {
            true => shop.add_malformed_event().await,
            false => drop(shop.orders.place(shop.order(&[(&item, 1)])).await.unwrap()),
        }
    }
    // Not all at once: transactions of other tests, in other databases, delay the outbox, too.
    let mut delivered = 0;
    let begin = Instant::now();
    while delivered < 2 || dead_letters(&outbox).await.len() < 2 {
        assert!(begin.elapsed() < Duration::from_secs(20), "it goes no further than {delivered}");
        let batch = next(&outbox).await;
        delivered += batch.events.len();
        if let Some(position) = batch.position {
            outbox.advance(KITCHEN, position, vec![]).await.unwrap();
        }
    }
    assert_eq!((delivered, next(&outbox).await.position), (2, None));
    let letters = dead_letters(&outbox).await;
    assert!(letters.iter().all(|letter| letter.kind == "order.placed"), "{letters:?}");
    assert!(letters[0].error.contains("outbox_events"), "{}", letters[0].error);

    // An admin has it resent, in vain.
    let session_id = SessionId::new(Uuid::now_v7());
    let admin = Actor { account_id: shop.customer.id, role: Role::Admin, session_id };
    outbox.resend(letters[0].id, admin.as_admin(), &[], now(), None).await.unwrap();
    assert_eq!(dead_letters(&outbox).await.len(), 1);
    assert_eq!(outbox.take_due(KITCHEN, 100).await.unwrap(), vec![]);
    assert_eq!(dead_letters(&outbox).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_newer_server_wrote_is_left_for_it() {
    let shop = Shop::open().await;
    let (older, other) = (shop.outbox(), shop.outbox());
    assert_eq!(next(&older).await, EventBatch { events: vec![], position: None, is_full: false });
    let item = shop.item(100).await;
    let place = async || drop(shop.orders.place(shop.order(&[(&item, 1)])).await.unwrap());
    place().await;
    let newer = "ALTER TABLE outbox_events DROP CONSTRAINT outbox_events_kind_check; \
                 INSERT INTO outbox_events (kind, subject_id, subject_version, occurred_at) \
                 VALUES ('kitchen.closed', gen_random_uuid(), 1, now())";
    shop.database.client().await.batch_execute(newer).await.unwrap();
    place().await;

    // What comes before it is delivered. Then the server gives up its turn: another one gets it.
    let (mut delivered, begin) = (0, Instant::now());
    loop {
        assert!(begin.elapsed() < Duration::from_secs(20), "it goes on");
        let Ok(batch) = older.next(KITCHEN, 100).await else { break };
        let batch = batch.expect("nobody else has the lease");
        delivered += batch.events.len();
        if let Some(position) = batch.position {
            older.advance(KITCHEN, position, vec![]).await.unwrap();
        }
    }
    assert_eq!(delivered, 1);
    let error = other.next(KITCHEN, 100).await.unwrap_err();
    assert!(error.to_string().contains("kitchen.closed"), "{error}");

    // Neither is it a retry that an older server takes.
    let retry = "INSERT INTO outbox_retries (subscriber, event_id, stream_id, next_at, last_error) \
                 SELECT 'kitchen', id, subject_id, now(), '' FROM outbox_events WHERE kind = 'kitchen.closed'";
    shop.database.client().await.execute(retry, &[]).await.unwrap();
    assert_eq!(older.take_due(KITCHEN, 100).await.unwrap(), vec![]);
    assert_eq!(dead_letters(&older).await, vec![]);

    // A server that knows it goes on.
    let known = "DELETE FROM outbox_retries; \
                 UPDATE outbox_events SET kind = 'item.sold_out', subject_id = (SELECT id FROM menu_items LIMIT 1) \
                 WHERE kind = 'kitchen.closed'";
    shop.database.client().await.batch_execute(known).await.unwrap();
    let mut kinds = Vec::new();
    while kinds.len() < 2 {
        assert!(begin.elapsed() < Duration::from_secs(20), "it goes no further than {kinds:?}");
        let batch = next(&other).await;
        kinds.extend(batch.events.iter().map(|event| event.happened.kind()));
        if let Some(position) = batch.position {
            other.advance(KITCHEN, position, vec![]).await.unwrap();
        }
    }
    assert_eq!(kinds, ["item.sold_out", "order.placed"]);
}

/// A transaction that was dropped where it stood is still open on its connection. Whatever else went along on it would
/// be undone when PostgreSQL ends it, though it had been reported as done.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_goes_along_with_a_transaction_whose_time_was_up() {
    let shop = Shop::open().await;
    let outbox = shop.outbox();
    assert_eq!(next(&outbox).await.position, None);
    let item = shop.item(100).await;
    shop.orders.place(shop.order(&[(&item, 1)])).await.unwrap();
    let begin = Instant::now();
    let read = async || loop {
        assert!(begin.elapsed() < Duration::from_secs(20), "the event is not read");
        // The session that was given up holds the lease until PostgreSQL has ended it.
        let batch = outbox.next(KITCHEN, 100).await.unwrap();
        if let Some(position) = batch.and_then(|batch| batch.position) {
            break position;
        }
    };

    let position = read().await;
    let mut other = shop.database.client().await;
    let lock = other.transaction().await.unwrap();
    lock.execute("SELECT FROM outbox_subscribers WHERE name = 'kitchen' FOR UPDATE", &[]).await.unwrap();
    let late = outbox.advance(KITCHEN, position, vec![]);
    comanda_deadline::within(Duration::from_millis(500), late).await.unwrap().unwrap_err();
    lock.rollback().await.unwrap();

    let position = read().await;
    outbox.advance(KITCHEN, position, vec![]).await.unwrap();
    let advanced = "SELECT (transaction_id, event_id) = ($1, $2) FROM outbox_subscribers WHERE name = 'kitchen'";
    let advanced = other.query_one(advanced, &[&position.transaction, &position.event]).await.unwrap();
    assert!(advanced.get::<_, bool>(0), "it was reported as done");
}

/// Whoever waits for an event that failed waits no longer than it, and is not looked at again and again meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn what_waits_behind_others_is_put_off_until_they_are_due() {
    let shop = Shop::open().await;
    let outbox = shop.outbox();
    let item = shop.item(100).await;
    for _ in 0..3 {
        shop.orders.place(shop.order(&[(&item, 1)])).await.unwrap();
    }
    let tables = shop.database.client().await;
    // Each order has four events: the first has failed, and the others wait for it.
    tables
        .batch_execute(
            "INSERT INTO outbox_events (kind, subject_id, subject_version, occurred_at) \
               SELECT 'order.status_changed', id, step, now() FROM orders, generate_series(2, 4) step \
               ORDER BY step; \
             INSERT INTO outbox_retries (subscriber, event_id, stream_id, attempts, next_at, last_error) \
               SELECT 'kitchen', id, subject_id, (subject_version = 1)::int, \
                      now() + CASE subject_version WHEN 1 THEN interval '1 hour' ELSE interval '-1 hour' END, 'a test' \
               FROM outbox_events ORDER BY id",
        )
        .await
        .unwrap();
    let due_now = "SELECT count(*) FROM outbox_retries WHERE next_at <= now()";
    assert_eq!(shop.database.number(due_now).await, 9);
    // More than one look takes.
    assert_eq!(outbox.take_due(KITCHEN, 2).await.unwrap(), vec![]);
    assert_eq!(shop.database.number(due_now).await, 0, "they are put off");
    let put_off = "SELECT count(DISTINCT next_at) FROM outbox_retries";
    assert_eq!(shop.database.number(put_off).await, 1, "until the first is due");

    tables.execute("UPDATE outbox_retries SET next_at = next_at - interval '2 hours'", &[]).await.unwrap();
    let mut delivered = Vec::new();
    loop {
        let due = outbox.take_due(KITCHEN, 2).await.unwrap();
        if due.is_empty() {
            break;
        }
        for event in due {
            let others = outbox.take_due(KITCHEN, 100).await.unwrap();
            assert!(others.iter().all(|other| other.event.stream != event.event.stream), "{others:?}");
            outbox.retried(&event, RetryOutcome::Delivered).await.unwrap();
            delivered.push((event.event.stream, event.event.id));
        }
        tables.execute("UPDATE outbox_retries SET taken_until = NULL", &[]).await.unwrap();
    }
    assert_eq!(delivered.len(), 12);
    let in_order = delivered.iter().enumerate().all(|(place, (stream, id))| {
        delivered.iter().skip(place + 1).all(|(other, later)| stream != other || id < later)
    });
    assert!(in_order, "{delivered:?}");
}

/// After a failover the id of a retry may be that of another event's.
#[tokio::test(flavor = "multi_thread")]
async fn the_outcome_of_a_retry_is_not_taken_for_that_of_another() {
    let shop = Shop::open().await;
    let outbox = shop.outbox();
    let item = shop.item(100).await;
    for _ in 0..2 {
        drop(shop.orders.place(shop.order(&[(&item, 1)])).await.unwrap());
    }
    let tables = shop.database.client().await;
    let add = "INSERT INTO outbox_subscribers (name, transaction_id, event_id) VALUES ('kitchen', 0, 0); \
               INSERT INTO outbox_retries (subscriber, event_id, stream_id, next_at, last_error) \
               SELECT 'kitchen', min(id), gen_random_uuid(), now(), '' FROM outbox_events WHERE kind = 'order.placed'";
    tables.batch_execute(add).await.unwrap();
    let take = async || {
        let [due] = outbox.take_due(KITCHEN, 100).await.unwrap().try_into().expect("one is due");
        due
    };
    let lost: DueEvent = take().await;
    let failures = || {
        let later = RetryOutcome::Later { next_at: now(), error: "refused".to_owned() };
        [later, RetryOutcome::Dead { error: "refused".to_owned() }]
    };
    let untouched = "SELECT count(*) FROM outbox_retries \
                     WHERE NOT is_dead AND last_error = '' AND taken_until > now()";

    // After a failover, its id stands for another event.
    let other = "UPDATE outbox_retries SET event_id = (SELECT max(id) FROM outbox_events WHERE kind = 'order.placed')";
    tables.batch_execute(other).await.unwrap();
    for outcome in failures().into_iter().chain([RetryOutcome::Delivered]) {
        outbox.retried(&lost, outcome).await.unwrap();
    }
    assert_eq!(shop.database.number(untouched).await, 1, "it is of another event");

    // Somebody else has taken it: only that it was delivered is true all the same.
    let again = "UPDATE outbox_retries SET taken_until = taken_until + interval '1 microsecond', \
                 event_id = (SELECT min(id) FROM outbox_events WHERE kind = 'order.placed')";
    tables.batch_execute(again).await.unwrap();
    for outcome in failures() {
        outbox.retried(&lost, outcome).await.unwrap();
    }
    assert_eq!(shop.database.number(untouched).await, 1, "it was taken by another");
    outbox.retried(&lost, RetryOutcome::Delivered).await.unwrap();
    assert_eq!(shop.database.number("SELECT count(*) FROM outbox_retries").await, 0);
}

/// The receiver's name before it was called `KITCHEN`.
const FORMER: &str = "webhook:kitchen.example:abc";

const LOCK: &str = "SELECT pg_advisory_lock(hashtextextended('comanda outbox ' || $1, 0))";

/// How many leases are held.
const HELD: &str = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted \
                    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";

impl Shop {
    /// Places an order, which is not delivered to the former subscriber.
    async fn leave_an_order_for_the_former(&self) -> Uuid {
        assert!(self.outbox().next(FORMER, 100).await.unwrap().is_some());
        let item = self.item(100).await;
        let order = self.order(&[(&item, 1)]);
        let id = order.id.as_uuid();
        self.orders.place(order).await.unwrap();
        id
    }

    /// Returns whether nobody is left but the kitchen.
    async fn rename(&self, outbox: &PostgresOutbox) -> bool {
        // Connections that were dropped are closed a moment later, and hold their locks until then.
        let begin = Instant::now();
        while self.database.number("SELECT count(*) FROM outbox_subscribers WHERE name <> 'kitchen'").await > 0 {
            if begin.elapsed() > Duration::from_secs(10) {
                return false;
            }
            outbox.rename(FORMER, KITCHEN).await.unwrap();
        }
        true
    }
}

async fn until_delivered(outbox: &PostgresOutbox, order: Uuid) {
    let begin = Instant::now();
    loop {
        assert!(begin.elapsed() < Duration::from_secs(20), "it is not delivered");
        let Some(batch) = outbox.next(KITCHEN, 100).await.unwrap() else { continue };
        if let Some(position) = batch.position {
            outbox.advance(KITCHEN, position, vec![]).await.unwrap();
        }
        if batch.events.iter().any(|event| event.stream == order) {
            break;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn while_another_server_looks_nobody_delivers_by_a_name_that_has_nothing_yet() {
    let shop = Shop::open().await;
    let order = shop.leave_an_order_for_the_former().await;
    // A server with the settings of before delivers, and another new one looks at the same moment.
    let (former, looking) = (shop.database.client().await, shop.database.client().await);
    former.execute(LOCK, &[&FORMER]).await.unwrap();
    looking.execute(LOCK, &[&KITCHEN]).await.unwrap();
    let outbox = shop.outbox();
    assert!(!outbox.rename(FORMER, KITCHEN).await.unwrap(), "the former is delivered to");
    drop(former);
    let begin = Instant::now();
    while shop.database.number(HELD).await > 1 {
        assert!(begin.elapsed() < Duration::from_secs(20), "the lease is not released");
    }
    assert!(!outbox.rename(FORMER, KITCHEN).await.unwrap(), "nobody has taken over what waits");
    drop(looking);
    assert!(shop.rename(&outbox).await);
    until_delivered(&outbox, order).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_former_name_that_an_earlier_server_brings_back_is_taken_over_again() {
    let shop = Shop::open().await;
    let order = shop.leave_an_order_for_the_former().await;
    let outbox = shop.outbox();
    assert!(shop.rename(&outbox).await);
    until_delivered(&outbox, order).await;

    // By the server that delivers.
    let order = shop.leave_an_order_for_the_former().await;
    until_delivered(&outbox, order).await;
    assert!(shop.rename(&outbox).await, "the former is still there");
    assert!(shop.outbox().next(KITCHEN, 100).await.unwrap().is_none(), "it goes on delivering");

    // By another one, once nobody delivers.
    let order = shop.leave_an_order_for_the_former().await;
    until_delivered(&outbox, order).await;
    let other = shop.outbox();
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
               WHERE application_name = 'comanda-outbox' AND datname = current_database()";
    shop.database.client().await.execute(end, &[]).await.unwrap();
    assert!(shop.rename(&other).await, "the former is still there");
    // The former was behind: twice is better than never.
    until_delivered(&other, order).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_backlog_is_taken_over_in_parts_and_what_there_is_twice_is_kept_once() {
    let shop = Shop::open().await;
    shop.leave_an_order_for_the_former().await;
    let backlog = format!(
        "INSERT INTO outbox_events (kind, subject_id, subject_version, occurred_at) \
           SELECT 'order.placed', gen_random_uuid(), 1, now() FROM generate_series(1, 11500); \
         INSERT INTO outbox_retries (subscriber, event_id, stream_id, next_at, last_error, is_dead) \
           SELECT '{FORMER}', id, subject_id, now(), '', id % 2 = 0 FROM outbox_events; \
         INSERT INTO outbox_retries (subscriber, event_id, stream_id, next_at, last_error, is_dead) \
           SELECT 'kitchen', id, subject_id, now(), '', id % 4 IN (1, 2) FROM outbox_events WHERE id % 8 < 4"
    );
    shop.database.client().await.batch_execute(&backlog).await.unwrap();
    assert!(shop.rename(&shop.outbox()).await);
    let kept = "SELECT count(*) FROM outbox_retries WHERE subscriber = 'kitchen'";
    let events = shop.database.number("SELECT count(*) FROM outbox_events").await;
    assert_eq!(shop.database.number(kept).await, events);
    // Of two, one that is tried again is kept if there is one.
    let wrong = "SELECT count(*) FROM outbox_retries WHERE is_dead <> (event_id % 8 IN (2, 4, 6))";
    assert_eq!(shop.database.number(wrong).await, 0);
}
