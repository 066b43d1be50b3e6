use comanda_domain::{
    Idempotency, OrderId, Ticket, TicketChange, TicketId, TicketState, Timestamp, change_ticket,
    ports::{ChangeTicketError, Idempotent, Readable, Unavailable},
};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::row::TicketRow;
#[cfg(not(feature = "planted"))]
use crate::order_row::lock_order;
#[cfg(feature = "planted")]
use crate::planted::lock_order_of_ticket as lock_order;
use crate::{
    Database,
    database::{
        Failure, Named, NamedRows,
        schema::{kitchen_tickets, orders, outbox_events},
    },
    idempotency::claim,
    orders::{Transition, write_transition},
};

pub(super) async fn change(
    database: &Database,
    id: TicketId,
    to: TicketState,
    at: Timestamp,
    idempotency: Option<Idempotency>,
) -> Result<Idempotent<Ticket>, ChangeTicketError> {
    let currency = database.currency();
    database
        .transaction(async move |connection| {
            let kept = match claim::<TicketRow, _>(connection, idempotency.as_ref(), at).await?.first()? {
                Ok(kept) => kept,
                Err(row) => {
                    return Ok(Idempotent { outcome: row.with_lines(connection, currency).await?, replayed: true });
                }
            };
            let not_found = || Failure(ChangeTicketError::NotFound);
            let order_id = order_of(connection, id).await?.ok_or_else(not_found)?;
            // Whoever changes another ticket of the order, or cancels it, waits here.
            let order = lock_order(connection, currency, order_id).await?.ok_or_else(not_found)?;
            let mut tickets = tickets_of(connection, order_id).await?;
            #[cfg(feature = "planted")]
            crate::planted::take_time_for_ticket().await;
            let place = tickets.iter().position(|row| row.id == id.as_uuid()).ok_or_else(not_found)?;
            let row = tickets.swap_remove(place);
            // Somebody who came later may have been first to lock the order.
            let at = at.max(order.updated_at).max(row.updated_at);
            let others = tickets.iter().map(TicketRow::state).collect::<Readable<Vec<_>>>()?;
            let changed = change_ticket(row.state()?, to, order.status, others);
            let row = match changed.map_err(|stays| Failure(stays.into()))? {
                TicketChange::Nothing => row,
                TicketChange::Moves(steps) => {
                    let version = write(connection, id, order_id, to, at).await?;
                    for to in steps {
                        write_transition(connection, &Transition { order: &order, to: *to, at }).await?;
                    }
                    row.moved(to, version, at)
                }
            };
            kept.keep(connection, &row).await?;
            Ok(Idempotent { outcome: row.with_lines(connection, currency).await?, replayed: false })
        })
        .await
}

async fn order_of(connection: &mut AsyncPgConnection, id: TicketId) -> QueryResult<Option<OrderId>> {
    let order: Option<Uuid> = kitchen_tickets::table
        .find(id.as_uuid())
        .select(kitchen_tickets::order_id)
        .first(connection)
        .one("ticket.find_order")
        .await
        .optional()?;
    Ok(order.map(OrderId::new))
}

/// The tickets of a locked order.
async fn tickets_of(connection: &mut AsyncPgConnection, order: OrderId) -> Result<Vec<TicketRow>, Unavailable> {
    kitchen_tickets::table
        .inner_join(orders::table)
        .filter(kitchen_tickets::order_id.eq(order.as_uuid()))
        .select(TicketRow::as_select())
        .load(connection)
        .rows("ticket.of_order")
        .await
        .map_err(Unavailable::new)
}

/// Writes a ticket's state and its event; returns its version. Its order is locked.
async fn write(
    connection: &mut AsyncPgConnection,
    id: TicketId,
    order: OrderId,
    to: TicketState,
    at: Timestamp,
) -> QueryResult<i32> {
    let version: i32 = diesel::update(kitchen_tickets::table.find(id.as_uuid()))
        .set((
            kitchen_tickets::state.eq(to.as_str()),
            kitchen_tickets::version.eq(kitchen_tickets::version + 1),
            kitchen_tickets::updated_at.eq(at),
        ))
        .returning(kitchen_tickets::version)
        .get_result(connection)
        .one("ticket.change")
        .await?;
    diesel::insert_into(outbox_events::table)
        .values((
            outbox_events::kind.eq("ticket.changed"),
            outbox_events::subject_id.eq(id.as_uuid()),
            outbox_events::subject_version.eq(version),
            outbox_events::occurred_at.eq(at),
            outbox_events::stream_id.eq(order.as_uuid()),
        ))
        .execute(connection)
        .changes("ticket.insert_event")
        .await?;
    Ok(version)
}
