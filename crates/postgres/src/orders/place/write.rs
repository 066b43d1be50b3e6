//! Writing the orders of a batch, and committing them.

use std::{
    collections::HashMap,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::{Duration, Instant},
};

use comanda_domain::{AcceptOrders, Filled, NewOrder, OrderStatus, Taken, ports::Unavailable};
use diesel::{QueryResult, result::Error};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use futures_util::{future::OptionFuture, join};
use uuid::Uuid;

use super::{
    columns::{EventColumns, LineColumns, OrderColumns},
    locked_stock::LockedStock,
    transaction::{BatchError, Commit},
};
use crate::{
    database::{Failures, Named, NamedRows, aborts_transaction, written},
    kitchen::{prepare_to_write_tickets, write_tickets},
    menu::{prepare_to_raise_menu_version, raise_menu_version, raise_menu_version_for_supplies},
    orders::stock::{ChangeStock, ChangeSupplies},
};

/// Lets the commit go without waiting for the disk.
const UNFLUSHED: &str = "SET LOCAL synchronous_commit = off";

/// Prepares the statements, without writing.
pub(super) async fn prepare(connection: &AsyncPgConnection, accept: AcceptOrders) -> QueryResult<()> {
    if accept.first_status() == OrderStatus::Accepted {
        prepare_to_accept(connection).await?;
    }
    let mut connection = connection;
    let nothing = written(ChangeStock { items: &[], versions: &[], quantity: &[] }.get_result(&mut connection));
    nothing.changes("order.place.take_stock").await?;
    let nothing = written(ChangeSupplies { supplies: &[], versions: &[], amounts: &[] }.get_result(&mut connection));
    nothing.changes("order.place.take_supplies").await?;
    let orders = OrderColumns::default();
    orders.insert().load::<(Uuid, i64)>(&mut connection).rows("order.place.insert_orders").await?;
    let lines = LineColumns::default();
    written(lines.insert().get_result(&mut connection)).changes("order.place.insert_lines").await?;
    let events = EventColumns::default();
    written(events.insert().get_result(&mut connection)).changes("order.place.insert_events").await?;
    prepare_to_raise_menu_version(connection).await
}

/// Prepares what is written only if the server accepts what is placed.
async fn prepare_to_accept(mut connection: &AsyncPgConnection) -> QueryResult<()> {
    let orders = OrderColumns::default();
    orders.insert_accepted().load::<(Uuid, i64)>(&mut connection).rows("order.place.insert_orders").await?;
    prepare_to_write_tickets(connection).await
}

/// What became of a batch that was written and committed.
#[derive(Default)]
pub(super) struct Written {
    /// The orders' numbers.
    pub(super) numbers: HashMap<Uuid, i64>,
    /// Whether the menu shows anything differently now.
    pub(super) menu_changed: bool,
    /// How long the commit waited for the disk, if it did.
    pub(super) flush_took: Option<Duration>,
}

/// The second round trip.
///
/// The commit is sent along with the writes. If one of them fails, the commit rolls back. For that, all have to be sent
/// before it, in the transaction: they are prepared (see [`prepare`]), polled in their order, and never told to wait
/// for other tasks first.
pub(super) async fn write_and_commit(
    connection: &AsyncPgConnection,
    stock: &LockedStock,
    taken: &Taken,
    filled: &[(&NewOrder, &Filled)],
    commit: Commit,
    accept: AcceptOrders,
) -> Result<Written, BatchError> {
    let (items, supplies) = (stock.taking_of_items(taken), stock.taking_of_supplies(taken));
    let (orders, lines) = (OrderColumns::of(filled), LineColumns::of(filled, stock));
    let events = EventColumns::of(filled, &stock.sold_out_by(taken));
    let is_accepted = accept.first_status() == OrderStatus::Accepted;
    let insert_orders = async {
        let mut connection = connection;
        match is_accepted {
            true => Box::pin(orders.insert_accepted().load::<(Uuid, i64)>(&mut connection)).await,
            false => orders.insert().load::<(Uuid, i64)>(&mut connection).await,
        }
    };
    let raise = async {
        if stock.changes_availability(taken) {
            raise_menu_version(connection).await.map(|()| true)
        } else {
            raise_menu_version_for_supplies(connection, stock.changes_of_supplies(taken)).await
        }
    };

    let (mut c1, mut c2, mut c3, mut c4) = (connection, connection, connection, connection);
    let outcomes = Outcomes::begin();
    let all = async {
        join!(
            OptionFuture::from(
                (commit == Commit::Unflushed)
                    .then(|| outcomes.noted(async { (&mut &*connection).batch_execute(UNFLUSHED).await }))
            ),
            outcomes.noted(
                written(
                    ChangeStock { items: &items.ids, versions: &items.versions, quantity: &items.quantities }
                        .get_result(&mut c1)
                )
                .changes("order.place.take_stock"),
            ),
            OptionFuture::from((!supplies.ids.is_empty()).then(|| {
                let change = ChangeSupplies {
                    supplies: &supplies.ids,
                    versions: &supplies.versions,
                    amounts: &supplies.quantities,
                };
                outcomes.noted(written(change.get_result(&mut c2)).changes("order.place.take_supplies"))
            })),
            outcomes.noted(insert_orders.rows("order.place.insert_orders")),
            outcomes.noted(written(lines.insert().get_result(&mut c3)).changes("order.place.insert_lines")),
            outcomes.noted(written(events.insert().get_result(&mut c4)).changes("order.place.insert_events")),
            OptionFuture::from(is_accepted.then(|| Box::pin(outcomes.noted(write_tickets(
                connection,
                &orders.ids,
                &orders.placed_at
            ))))),
            outcomes.noted(raise),
            outcomes.commit(connection),
        )
    };
    let (unflushed, took, took_supplies, numbered, inserted, announced, ticketed, raised, committed) =
        tokio::task::unconstrained(all).await;
    let mut failures = Failures::default();
    failures.take(unflushed.transpose());
    failures.take(took);
    failures.take(took_supplies.transpose());
    let numbers = failures.take(numbered).unwrap_or_default();
    failures.take(inserted);
    failures.take(announced);
    failures.take(ticketed.transpose());
    let menu_changed = failures.take(raised).unwrap_or_default();
    let settled = settle(failures.first(), committed);
    #[cfg(feature = "planted")]
    let settled = settled.or_else(crate::planted::whatever_became_of_the_commit);
    settled?;
    let flush_took = (commit == Commit::Flushed).then(|| outcomes.since_last());
    Ok(Written { numbers: numbers.into_iter().collect(), menu_changed, flush_took })
}

/// What became of the transaction, by the first failure of a write and the outcome of the commit, if that was sent.
fn settle(failure: Option<Error>, committed: Option<QueryResult<()>>) -> Result<(), BatchError> {
    match (failure, committed) {
        (None, Some(Ok(()))) => Ok(()),
        (Some(error), None) => Err(error.into()),
        // The transaction was aborted before the commit, which rolled back.
        (Some(error), Some(_)) if aborts_transaction(&error) => Err(error.into()),
        (Some(error), Some(Ok(()))) | (_, Some(Err(error))) => Err(BatchError::CommitUnknown(Unavailable::new(error))),
        (None, None) => Err(BatchError::Broken(Unavailable::new("the commit was not sent"))),
    }
}

/// What is known of the writes while the commit is on its way.
struct Outcomes {
    failed: AtomicBool,
    begin: Instant,
    /// When the last response came, in microseconds from the beginning.
    last: AtomicU64,
}

impl Outcomes {
    fn begin() -> Self {
        Self { failed: AtomicBool::new(false), begin: Instant::now(), last: AtomicU64::new(0) }
    }

    /// Notes when a write has ended, and whether it failed.
    async fn noted<T>(&self, write: impl Future<Output = QueryResult<T>>) -> QueryResult<T> {
        let outcome = write.await;
        self.failed.fetch_or(outcome.is_err(), Ordering::Relaxed);
        self.last.store(self.elapsed(), Ordering::Relaxed);
        outcome
    }

    /// `None` if a write failed before this was polled: it may not even have been sent.
    async fn commit(&self, mut connection: &AsyncPgConnection) -> Option<QueryResult<()>> {
        if AtomicBool::load(&self.failed, Ordering::Relaxed) {
            return None;
        }
        let commit = "COMMIT";
        #[cfg(feature = "planted")]
        let commit = crate::planted::commit_that_may_fail(commit);
        Some(connection.batch_execute(commit).one("order.place.commit").await)
    }

    fn elapsed(&self) -> u64 {
        u64::try_from(self.begin.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// How long the last write has been written.
    fn since_last(&self) -> Duration {
        Duration::from_micros(self.elapsed().saturating_sub(AtomicU64::load(&self.last, Ordering::Relaxed)))
    }
}

#[cfg(test)]
mod tests {
    use diesel::result::DatabaseErrorKind;

    use super::*;

    fn failed(kind: DatabaseErrorKind, message: &str) -> Error {
        Error::DatabaseError(kind, Box::new(message.to_owned()))
    }

    #[test]
    fn a_commit_is_in_doubt_only_if_nothing_aborted_its_transaction() {
        let gone = || failed(DatabaseErrorKind::ClosedConnection, "closed");
        let shutdown = || failed(DatabaseErrorKind::Unknown, "terminating connection due to administrator command");
        assert!(settle(None, Some(Ok(()))).is_ok());
        for (failure, committed) in [(None, gone()), (Some(gone()), gone()), (None, shutdown())] {
            let settled = settle(failure, Some(Err(committed)));
            assert!(matches!(settled, Err(BatchError::CommitUnknown(_))));
        }
        // What comes to a write from the connection may have come after the commit.
        for failure in [gone(), shutdown()] {
            assert!(matches!(settle(Some(failure), Some(Ok(()))), Err(BatchError::CommitUnknown(_))));
        }
        // What was aborted is rolled back, whatever became of the commit.
        let late = failed(DatabaseErrorKind::Unknown, "canceling statement due to lock timeout");
        assert!(matches!(settle(Some(late), Some(Err(gone()))), Err(BatchError::Broken(_))));
        let taken = settle(Some(failed(DatabaseErrorKind::UniqueViolation, "key")), Some(Ok(())));
        assert!(matches!(taken, Err(BatchError::Rejected(_))));
        assert!(matches!(settle(Some(gone()), None), Err(BatchError::Broken(_))));
    }
}
