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
use diesel::{
    QueryableByName, sql_query,
    sql_types::{Double, Timestamptz},
};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use self::{events::OldEvents, rows::OldRows};
use crate::{Database, database::Named};

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

    async fn delete(&self, what: Perishable, age: Duration, limit: u32) -> Result<Deleted, Unavailable> {
        let before = moment_of(&self.database, age).await?;
        match what {
            Perishable::Events => self.events.delete(&self.database, before, limit).await,
            Perishable::Subscribers => events::forget_subscribers(&self.database, before, limit).await,
            other => self.rows.delete(&self.database, other, before, limit).await,
        }
    }
}

#[derive(QueryableByName)]
struct Moment {
    #[diesel(sql_type = Timestamptz)]
    at: Timestamp,
}

/// When what is of this age now was new. By the database's clock: whichever server deletes, a fast clock must not
/// take from the others what they need.
async fn moment_of(database: &Database, age: Duration) -> Result<Timestamp, Unavailable> {
    let mut connection = database.connection().await?;
    let moment: Moment = sql_query("SELECT now() - $1 * interval '1 second' AS at")
        .bind::<Double, _>(age.as_secs_f64())
        .get_result(&mut *connection)
        .one("retention.moment")
        .await
        .map_err(Unavailable::new)?;
    Ok(moment.at)
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
