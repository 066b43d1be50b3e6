use chrono::TimeDelta;
use comanda_domain::{Currency, StationId, Ticket, TicketState, Timestamp, ports::Unavailable};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::row::{TicketRow, all_with_lines};
use crate::database::{
    NamedRows,
    schema::{kitchen_tickets, orders},
};

/// For how long a station works on a ticket at most. Ids sort by time, and only those of such tickets are looked at: to
/// find what is ready since a moment, all that was ever made would be read.
const LONGEST_WORK: TimeDelta = TimeDelta::days(2);

/// Tickets that are open, or ready since that moment, the oldest first. Those that cannot be read are left out.
pub(crate) async fn current_tickets(
    mut connection: &AsyncPgConnection,
    currency: Currency,
    station: Option<StationId>,
    ready_since: Timestamp,
) -> Result<Vec<Ticket>, Unavailable> {
    let select = |states: &[TicketState]| {
        let states: Vec<&str> = states.iter().map(|state| state.as_str()).collect();
        let select = kitchen_tickets::table
            .inner_join(orders::table)
            .filter(kitchen_tickets::state.eq_any(states))
            .select(TicketRow::as_select())
            .into_boxed();
        match station {
            Some(station) => select.filter(kitchen_tickets::station_id.eq(station.as_uuid())),
            None => select,
        }
    };
    let open = select(&[TicketState::Queued, TicketState::Cooking]);
    let mut rows: Vec<TicketRow> = open.load(&mut connection).rows("ticket.open").await.map_err(Unavailable::new)?;
    let ready = select(&[TicketState::Ready])
        .filter(kitchen_tickets::id.ge(first_id_at(ready_since - LONGEST_WORK)))
        .filter(kitchen_tickets::updated_at.ge(ready_since));
    let ready: Vec<TicketRow> = ready.load(&mut connection).rows("ticket.ready").await.map_err(Unavailable::new)?;
    rows.extend(ready);
    rows.sort_unstable_by_key(|row| row.id);
    let tickets = all_with_lines(connection, currency, rows).await?;
    Ok(tickets.into_iter().filter_map(|(_, ticket)| ticket.ok()).collect())
}

/// No id of version 7 that was made at this moment or later is less.
fn first_id_at(at: Timestamp) -> Uuid {
    Uuid::from_u128(u128::try_from(at.timestamp_millis()).unwrap_or_default() << 80)
}
