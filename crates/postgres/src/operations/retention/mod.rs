//! Deleting what is of no use any more, in batches of rows that are found by index. `docs/retention.md` has the rule of
//! every table.

mod events;
mod lease;
mod rows;

use std::time::{Duration, Instant};

use async_trait::async_trait;
use comanda_domain::{
    Perishable, Timestamp,
    ports::{Deleted, Retention, Unavailable},
};
use uuid::Uuid;

use self::{events::OldEvents, rows::OldRows};
use crate::Database;

/// Deletes in all tables.
pub struct PostgresRetention {
    database: Database,
    /// Who holds the lease.
    holder: Uuid,
    events: OldEvents,
    rows: OldRows,
}

impl PostgresRetention {
    /// `holder` is another one for every process.
    pub fn new(database: Database, holder: Uuid) -> Self {
        Self { database, holder, events: OldEvents::default(), rows: OldRows::default() }
    }
}

#[async_trait]
impl Retention for PostgresRetention {
    async fn hold_lease(&self, duration: Duration) -> Result<bool, Unavailable> {
        lease::hold(&self.database, self.holder, duration).await
    }

    async fn see_subscribers(&self, names: &[String]) -> Result<(), Unavailable> {
        events::see_subscribers(&self.database, names).await
    }

    async fn delete(&self, what: Perishable, before: Timestamp, limit: u32) -> Result<Deleted, Unavailable> {
        match what {
            Perishable::Events => self.events.delete(&self.database, before, limit).await,
            other => self.rows.delete(&self.database, other, before, limit).await,
        }
    }
}

/// Where reading begins, after what was deleted before: until PostgreSQL has cleaned up, which it cannot do beside an
/// old snapshot, whoever begins at the first row reads all deleted ones again. Rows that were left alone are found when
/// it is forgotten, once in a while.
struct Beginnings<T> {
    remembered: T,
    since: Instant,
}

impl<T: Default> Default for Beginnings<T> {
    fn default() -> Self {
        Self { remembered: T::default(), since: Instant::now() }
    }
}

impl<T: Default> Beginnings<T> {
    const REMEMBERED_FOR: Duration = Duration::from_hours(1);

    fn current(&mut self) -> &mut T {
        if self.since.elapsed() > Self::REMEMBERED_FOR {
            *self = Self::default();
        }
        &mut self.remembered
    }
}
