use chrono::TimeDelta;
use comanda_domain::{Currency, OPEN_TICKETS_SHOWN, StationId, Ticket, TicketState, Timestamp, ports::Unavailable};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::row::{TicketRow, all_with_lines};
use crate::database::{
    NamedRows,
    schema::{kitchen_tickets, orders},
};

/// For how long a station works on a ticket at most. Ids sort by time, and only those of such tickets are looked at: to
/// find what is ready since a moment, all that was ever made would be read. What is open is found however old it is.
const LONGEST_WORK: TimeDelta = TimeDelta::days(2);

/// How many of those that are ready are shown: they may have to be recalled, and the oldest hardly will.
const MOST_READY: i64 = 10_000;

/// Tickets that are open, or ready since that moment, the oldest first. Of too many, the oldest that are open, and the
/// youngest that are ready. Those that cannot be read are left out.
pub(crate) async fn current_tickets(
    mut connection: &AsyncPgConnection,
    currency: Currency,
    station: Option<StationId>,
    ready_since: Timestamp,
) -> Result<Vec<Ticket>, Unavailable> {
    let select = |state: TicketState| {
        let select = kitchen_tickets::table
            .inner_join(orders::table)
            .filter(kitchen_tickets::state.eq(state.as_str()))
            .select(TicketRow::as_select())
            .into_boxed();
        match station {
            Some(station) => select.filter(kitchen_tickets::station_id.eq(station.as_uuid())),
            None => select,
        }
    };
    let mut rows: Vec<TicketRow> = Vec::new();
    let most = i64::try_from(OPEN_TICKETS_SHOWN).unwrap_or(i64::MAX);
    // One state at a time: an index has each in this order.
    for state in [TicketState::Queued, TicketState::Cooking] {
        let oldest = select(state).order(kitchen_tickets::id).limit(most);
        let oldest: Vec<TicketRow> =
            oldest.load(&mut connection).rows("ticket.open").await.map_err(Unavailable::new)?;
        rows.extend(oldest);
    }
    rows.sort_unstable_by_key(|row| row.id);
    rows.truncate(OPEN_TICKETS_SHOWN);
    let ready = select(TicketState::Ready)
        .filter(kitchen_tickets::id.ge(first_id_at(ready_since - LONGEST_WORK)))
        .filter(kitchen_tickets::updated_at.ge(ready_since))
        .order(kitchen_tickets::id.desc())
        .limit(MOST_READY);
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
