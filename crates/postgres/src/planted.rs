//! What planted faults do here; see `comanda_planted`.

use std::{
    borrow::Cow,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use comanda_domain::{Currency, Order, OrderId, ports::Unavailable};
use comanda_planted::Fault;
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::{
    database::{Named, schema::orders},
    order_row::{OrderRow, lock_order},
};

/// The end of a statement that places orders, without a lock and without conditions, and with a stock that is computed
/// from what was read at its beginning. `CHECK (stock >= 0)` would give away what is sold twice, so it is never below
/// zero.
pub(crate) fn unguarded<'a>(statement: &str, after: &'a str) -> Cow<'a, str> {
    let changes: &[(&str, &str)] = match statement {
        "ReadAndLockCounted" | "ReadAndLockSupplies" => &[(" FOR NO KEY UPDATE", "")],
        "ChangeStock" => &[
            ("i.stock - t.quantity", "greatest(0, (SELECT r.stock FROM menu_items r WHERE r.id = t.id) - t.quantity)"),
            (" AND i.version = t.version AND i.stock >= t.quantity", ""),
        ],
        "ChangeSupplies" => &[
            ("s.stock - t.amount", "greatest(0, (SELECT r.stock FROM supplies r WHERE r.id = t.id) - t.amount)"),
            (" AND s.version = t.version AND s.stock >= t.amount", ""),
        ],
        _ => &[],
    };
    if changes.is_empty() || !Fault::UnguardedStock.is_planted() {
        return after.into();
    }
    let change = |text: String, (guarded, unguarded): &(&str, &str)| {
        assert!(text.contains(guarded), "the text of {statement} has changed: its fault has to follow");
        text.replace(guarded, unguarded)
    };
    changes.iter().fold(after.to_owned(), change).into()
}

/// SQL that a connection is set up with.
pub(crate) fn setup() -> &'static str {
    if is_nothing_flushed() { "SET synchronous_commit = off" } else { "" }
}

/// Whether nobody waits for the disk.
pub(crate) fn is_nothing_flushed() -> bool {
    Fault::ResponseBeforeFlush.is_planted()
}

/// The order that the repetition before this one asked for.
pub(crate) fn mixed_up(order: Uuid) -> Uuid {
    static BEFORE: Mutex<Option<Uuid>> = Mutex::new(None);
    if !Fault::RepetitionMixedUp.is_planted() {
        return order;
    }
    BEFORE.lock().unwrap_or_else(PoisonError::into_inner).replace(order).unwrap_or(order)
}

/// One commit in ten fails: otherwise too few would in half a minute on a slow machine.
pub(crate) fn commit_that_may_fail(commit: &'static str) -> &'static str {
    static COMMITS: AtomicU32 = AtomicU32::new(0);
    let fails = Fault::ResponseBeforeCommit.is_planted() && COMMITS.fetch_add(1, Ordering::Relaxed) % 10 == 9;
    if fails { "ROLLBACK" } else { commit }
}

/// For whoever does not care whether a commit failed.
pub(crate) fn whatever_became_of_the_commit<E>(failed: E) -> Result<(), E> {
    if Fault::ResponseBeforeCommit.is_planted() { Ok(()) } else { Err(failed) }
}

/// Finds an order, and does not lock it.
pub(crate) async fn lock_order_of_ticket(
    connection: &mut AsyncPgConnection,
    currency: Currency,
    id: OrderId,
) -> Result<Option<Order>, Unavailable> {
    if !Fault::TicketWithoutLock.is_planted() {
        return lock_order(connection, currency, id).await;
    }
    let found = orders::table.find(id.as_uuid()).select(OrderRow::as_select()).first(connection);
    let row = found.one("order.find_unlocked").await.optional().map_err(Unavailable::new)?;
    Ok(row.map(|row| row.into_order(currency)).transpose()?)
}

/// The time for another station to finish, too.
pub(crate) async fn take_time_for_ticket() {
    if Fault::TicketWithoutLock.is_planted() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Whether nobody is told of this event.
pub(crate) fn is_lost(event: i64) -> bool {
    event % 50 == 0 && Fault::LostEvent.is_planted()
}
