//! Moving an order from one status to the next.

use chrono::{DateTime, Utc};
use comanda_domain::{Order, OrderId, OrderStatus, OrderWithLines, Timestamp, ports::AdvanceOrderError};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::load::load;
use crate::{
    Database,
    database::{
        Failure, Named,
        schema::{orders, outbox_events},
    },
    order_row::lock_order,
};

pub(super) async fn advance(
    database: &Database,
    id: OrderId,
    to: OrderStatus,
    at: Timestamp,
) -> Result<OrderWithLines, AdvanceOrderError> {
    let currency = database.currency();
    database
        .transaction(async move |connection| {
            let order = lock_order(connection, currency, id).await?.ok_or(Failure(AdvanceOrderError::NotFound))?;
            if !order.status.can_advance_to(to) {
                return Err(Failure(AdvanceOrderError::InvalidTransition { from: order.status, to }));
            }
            write_transition(connection, &Transition { order: &order, to, at }).await?;
            let advanced = load(connection, currency, &[id]).await?.remove(&id).transpose()?;
            advanced.ok_or(Failure(AdvanceOrderError::NotFound))
        })
        .await
}

/// An allowed step of an order that is locked.
pub(super) struct Transition<'a> {
    pub(super) order: &'a Order,
    pub(super) to: OrderStatus,
    pub(super) at: DateTime<Utc>,
}

/// Writes the step and its event.
pub(super) async fn write_transition(
    connection: &mut AsyncPgConnection,
    transition: &Transition<'_>,
) -> QueryResult<()> {
    let id = transition.order.id.as_uuid();
    let version: i32 = diesel::update(orders::table.find(id))
        .set((
            orders::status.eq(transition.to.as_str()),
            orders::version.eq(orders::version + 1),
            orders::updated_at.eq(transition.at),
        ))
        .returning(orders::version)
        .get_result(connection)
        .one("order.advance")
        .await?;
    diesel::insert_into(outbox_events::table)
        .values((
            outbox_events::kind.eq("order.status_changed"),
            outbox_events::subject_id.eq(id),
            outbox_events::subject_version.eq(version),
            outbox_events::occurred_at.eq(transition.at),
        ))
        .execute(connection)
        .changes("order.insert_event")
        .await?;
    Ok(())
}
