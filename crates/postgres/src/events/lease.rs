//! Which server delivers to which subscriber: one at a time holds the subscriber's lease, an advisory lock.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use comanda_domain::ports::Unavailable;
use diesel::{
    ExpressionMethods,
    dsl::sql,
    sql_types::{BigInt, Bool, Text},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::database::{Database, Named, follow_history, schema::outbox_subscribers};

const SETTINGS: &str = "SET application_name = 'comanda-outbox'";

/// The leases that this server holds and that nobody uses at the moment: by subscriber, the connection that holds its
/// lock. The lock goes with the connection.
///
/// Whoever uses a lease takes it out, and puts it back once all went well. So a connection that failed, or whose
/// transaction was dropped where it stood because its time was up, is closed, and never used again.
#[derive(Clone, Default)]
pub(super) struct Leases {
    unused: Arc<Mutex<HashMap<String, AsyncPgConnection>>>,
}

impl Leases {
    /// The subscriber's lease; `None` while another server holds it.
    pub(super) async fn take(
        &self,
        database: &Database,
        subscriber: &str,
    ) -> Result<Option<AsyncPgConnection>, Unavailable> {
        if let Some(lease) = self.take_held(subscriber) {
            return Ok(Some(lease));
        }
        let mut connection = database.dedicated(SETTINGS).await?;
        if !try_lock(&mut connection, subscriber).await.map_err(Unavailable::new)? {
            return Ok(None);
        }
        follow_history(&mut connection).await.map_err(Unavailable::new)?;
        subscribe(&mut connection, subscriber).await.map_err(Unavailable::new)?;
        Ok(Some(connection))
    }

    /// The subscriber's lease, if this server holds it.
    pub(super) fn take_held(&self, subscriber: &str) -> Option<AsyncPgConnection> {
        self.unused().remove(subscriber)
    }

    /// Both subscribers' leases on one connection; `None` while another server holds one.
    pub(super) async fn take_both(
        &self,
        database: &Database,
        former: &str,
        subscriber: &str,
    ) -> Result<Option<AsyncPgConnection>, Unavailable> {
        let mut connection = database.dedicated(SETTINGS).await?;
        // The former one first: it is the one that is there, and who only looks at it holds up nobody who delivers.
        for one in [former, subscriber] {
            if !try_lock(&mut connection, one).await.map_err(Unavailable::new)? {
                return Ok(None);
            }
        }
        Ok(Some(connection))
    }

    pub(super) fn put_back(&self, subscriber: &str, lease: AsyncPgConnection) {
        self.unused().insert(subscriber.to_owned(), lease);
    }

    fn unused(&self) -> MutexGuard<'_, HashMap<String, AsyncPgConnection>> {
        self.unused.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) async fn try_lock(connection: &mut AsyncPgConnection, subscriber: &str) -> diesel::QueryResult<bool> {
    let lock = sql::<Bool>("pg_try_advisory_lock(hashtextextended('comanda outbox ' || ")
        .bind::<Text, _>(subscriber)
        .sql(", 0))");
    diesel::select(lock).get_result(connection).one("outbox.take_turn").await
}

pub(super) async fn unlock(connection: &mut AsyncPgConnection, subscriber: &str) -> diesel::QueryResult<()> {
    let unlock = sql::<Bool>("pg_advisory_unlock(hashtextextended('comanda outbox ' || ")
        .bind::<Text, _>(subscriber)
        .sql(", 0))");
    diesel::select(unlock).get_result::<bool>(connection).one("outbox.end_turn").await.map(|_| ())
}

/// A new subscriber gets the events that are committed from now on.
async fn subscribe(connection: &mut AsyncPgConnection, subscriber: &str) -> diesel::QueryResult<()> {
    diesel::insert_into(outbox_subscribers::table)
        .values((
            outbox_subscribers::name.eq(subscriber),
            outbox_subscribers::transaction_id
                .eq(sql::<BigInt>("pg_snapshot_xmin(pg_current_snapshot())::text::bigint")),
            outbox_subscribers::event_id.eq(0),
        ))
        .on_conflict_do_nothing()
        .execute(connection)
        .changes("outbox.subscribe")
        .await
        .map(|_| ())
}
