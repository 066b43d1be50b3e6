//! Moving an order from one status to the next.

use chrono::{DateTime, Utc};
use comanda_domain::{
    Idempotency, Order, OrderId, OrderStatus, OrderWithLines, TicketState, Timestamp,
    ports::{AdvanceOrderError, Idempotent},
};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::load::with_lines;
use crate::{
    Database,
    database::{
        Failure, Named,
        schema::{orders, outbox_events},
    },
    idempotency::claim,
    kitchen::{settle_tickets, write_tickets},
    order_row::{OrderRow, lock_order},
};

pub(super) async fn advance(
    database: &Database,
    id: OrderId,
    to: OrderStatus,
    at: Timestamp,
    idempotency: Option<Idempotency>,
) -> Result<Idempotent<OrderWithLines>, AdvanceOrderError> {
    let currency = database.currency();
    database
        .transaction(async move |connection| {
            let kept = match claim::<OrderRow, _>(connection, idempotency.as_ref(), at).await?.first()? {
                Ok(kept) => kept,
                Err(row) => {
                    let outcome = with_lines(connection, currency, row).await?;
                    return Ok(Idempotent { outcome, replayed: true });
                }
            };
            let order = lock_order(connection, currency, id).await?.ok_or(Failure(AdvanceOrderError::NotFound))?;
            if !order.status.can_advance_to(to) {
                return Err(Failure(AdvanceOrderError::InvalidTransition { from: order.status, to }));
            }
            let row = move_order(connection, &Transition { order: &order, to, at }).await?;
            kept.keep(connection, &row).await?;
            Ok(Idempotent { outcome: with_lines(connection, currency, row).await?, replayed: false })
        })
        .await
}

/// An allowed step of an order that is locked.
pub(crate) struct Transition<'a> {
    pub(crate) order: &'a Order,
    pub(crate) to: OrderStatus,
    pub(crate) at: DateTime<Utc>,
}

/// Writes a step that somebody else than the kitchen takes, with what becomes of the order's tickets: they are written
/// when it is accepted, and settled when it is ready or cancelled. Returns the order's row after it.
pub(crate) async fn move_order(
    connection: &mut AsyncPgConnection,
    transition: &Transition<'_>,
) -> QueryResult<OrderRow> {
    let Transition { order, to, .. } = *transition;
    let at = transition.written_at();
    // An order that is not accepted has no tickets.
    if let Some(settled) = TicketState::settled_by(to).filter(|_| order.status != OrderStatus::Pending) {
        settle_tickets(connection, order.id, settled, at).await?;
    }
    let row = write_transition(connection, transition).await?;
    if to == OrderStatus::Accepted {
        write_tickets(connection, &[order.id.as_uuid()], &[at]).await?;
    }
    Ok(row)
}

impl Transition<'_> {
    /// Somebody who came later may have been first to lock the order: no step is dated before the last one.
    fn written_at(&self) -> DateTime<Utc> {
        self.at.max(self.order.updated_at)
    }
}

/// Writes the step and its event. Returns the order's row after it.
pub(crate) async fn write_transition(
    connection: &mut AsyncPgConnection,
    transition: &Transition<'_>,
) -> QueryResult<OrderRow> {
    let (id, at) = (transition.order.id.as_uuid(), transition.written_at());
    let row = diesel::update(orders::table.find(id))
        .set((
            orders::status.eq(transition.to.as_str()),
            orders::version.eq(orders::version + 1),
            orders::updated_at.eq(at),
        ))
        .returning(OrderRow::as_returning())
        .get_result(connection)
        .one("order.advance")
        .await?;
    diesel::insert_into(outbox_events::table)
        .values((
            outbox_events::kind.eq("order.status_changed"),
            outbox_events::subject_id.eq(id),
            outbox_events::subject_version.eq(row.version),
            outbox_events::occurred_at.eq(at),
            outbox_events::order_status.eq(transition.to.as_str()),
        ))
        .execute(connection)
        .changes("order.insert_event")
        .await?;
    Ok(row)
}
