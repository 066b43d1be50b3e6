//! The outbox: how far each subscriber's events have been delivered, which have to be delivered again, and which are
//! dead letters.

mod advance;
mod dead_letters;
mod lease;
mod malformed;
mod next;
mod place;
mod rename;
mod resend;
mod retried;
mod row;
mod state;
mod subscribers;
mod take_due;
mod unserved;

use async_trait::async_trait;
use comanda_domain::{
    Administrator, Idempotency, Page, PageLimit, Timestamp,
    ports::{
        DeadLetter, DueEvent, EventBatch, Idempotent, Outbox, OutboxPosition, OutboxState, ResendError, RetryOutcome,
        Unavailable, Undelivered, Unserved,
    },
};

pub use self::subscribers::{SubscriberBacklog, names_of_subscribers, subscribers};
use self::{lease::Leases, retried::Taken};
use crate::{Database, database::spawn_transaction};

/// The outbox in the tables `outbox_events`, `outbox_subscribers` and `outbox_retries`.
///
/// Events may be delivered from a thread of low priority: what is done here runs on the runtime of the database's
/// connections.
#[derive(Clone)]
pub struct PostgresOutbox {
    database: Database,
    leases: Leases,
}

impl PostgresOutbox {
    pub fn new(database: Database) -> Self {
        Self { database, leases: Leases::default() }
    }
}

#[async_trait]
impl Outbox for PostgresOutbox {
    async fn next(&self, subscriber: &str, limit: u32) -> Result<Option<EventBatch>, Unavailable> {
        let (own, subscriber) = (self.clone(), subscriber.to_owned());
        spawn_transaction(
            &self.database,
            async move { next::next(&own.database, &own.leases, &subscriber, limit).await },
        )
        .await
    }

    async fn advance(
        &self,
        subscriber: &str,
        position: OutboxPosition,
        undelivered: Vec<Undelivered>,
    ) -> Result<(), Unavailable> {
        let (own, subscriber) = (self.clone(), subscriber.to_owned());
        spawn_transaction(&self.database, async move {
            advance::advance(&own.leases, &subscriber, position, &undelivered).await
        })
        .await
    }

    async fn take_due(&self, subscriber: &str, limit: u32) -> Result<Vec<DueEvent>, Unavailable> {
        let (database, subscriber) = (self.database.clone(), subscriber.to_owned());
        spawn_transaction(&self.database, async move { take_due::take_due(&database, &subscriber, limit).await }).await
    }

    async fn retried(&self, due: &DueEvent, outcome: RetryOutcome) -> Result<(), Unavailable> {
        let (database, taken) = (self.database.clone(), Taken::from(due));
        spawn_transaction(&self.database, async move { retried::retried(&database, taken, outcome).await }).await
    }

    async fn dead_letters(&self, after: Option<i64>, limit: PageLimit) -> Result<Page<DeadLetter, i64>, Unavailable> {
        dead_letters::dead_letters(&self.database, after, limit).await
    }

    async fn resend(
        &self,
        id: i64,
        by: Option<Administrator>,
        served: &[String],
        at: Timestamp,
        idempotency: Option<Idempotency>,
    ) -> Result<Idempotent<()>, ResendError> {
        resend::resend(&self.database, id, by, served, at, idempotency).await
    }

    async fn rename(&self, from: &str, to: &str) -> Result<bool, Unavailable> {
        let (own, from, to) = (self.clone(), from.to_owned(), to.to_owned());
        spawn_transaction(&self.database, async move { rename::rename(&own.database, &own.leases, &from, &to).await })
            .await
    }

    async fn unserved(&self, served: &[String]) -> Result<Vec<Unserved>, Unavailable> {
        unserved::unserved(&self.database, served).await
    }

    async fn state(&self, subscriber: &str) -> Result<OutboxState, Unavailable> {
        state::state(&self.database, subscriber).await
    }
}
