use std::time::{Duration, Instant};

use comanda_domain::{
    Actor, PageLimit, Role, SessionId,
    ports::{DeadLetter, EventBatch, Orders, Outbox},
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
    assert_eq!(next(&outbox).await, EventBatch { events: vec![], position: None });
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
    outbox.resend(letters[0].id, admin.as_admin().unwrap(), now()).await.unwrap();
    assert_eq!(dead_letters(&outbox).await.len(), 1);
    assert_eq!(outbox.take_due(KITCHEN, 100).await.unwrap(), vec![]);
    assert_eq!(dead_letters(&outbox).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_newer_server_wrote_is_left_for_it() {
    let shop = Shop::open().await;
    let (older, other) = (shop.outbox(), shop.outbox());
    assert_eq!(next(&older).await, EventBatch { events: vec![], position: None });
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
