//! Moving an order from one status to the next.

use chrono::{DateTime, Utc};
use comanda_domain::{
    Idempotency, Order, OrderId, OrderStatus, OrderWithLines, Timestamp,
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
            let row = write_transition(connection, &Transition { order: &order, to, at }).await?;
            kept.keep(connection, &row).await?;
            Ok(Idempotent { outcome: with_lines(connection, currency, row).await?, replayed: false })
        })
        .await
}

/// An allowed step of an order that is locked.
pub(super) struct Transition<'a> {
    pub(super) order: &'a Order,
    pub(super) to: OrderStatus,
    pub(super) at: DateTime<Utc>,
}

/// Writes the step and its event. Returns the order's row after it.
pub(super) async fn write_transition(
    connection: &mut AsyncPgConnection,
    transition: &Transition<'_>,
) -> QueryResult<OrderRow> {
    let id = transition.order.id.as_uuid();
    let row = diesel::update(orders::table.find(id))
        .set((
            orders::status.eq(transition.to.as_str()),
            orders::version.eq(orders::version + 1),
            orders::updated_at.eq(transition.at),
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
            outbox_events::occurred_at.eq(transition.at),
        ))
        .execute(connection)
        .changes("order.insert_event")
        .await?;
    Ok(row)
}
