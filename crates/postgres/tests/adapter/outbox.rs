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
    outbox.resend(letters[0].id, admin.as_admin().unwrap(), now(), None).await.unwrap();
    assert_eq!(dead_letters(&outbox).await.len(), 1);
    assert_eq!(outbox.take_due(KITCHEN, 100).await.unwrap(), vec![]);
    assert_eq!(dead_letters(&outbox).await.len(), 2);
}
