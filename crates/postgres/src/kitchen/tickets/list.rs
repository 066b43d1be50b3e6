use std::ops::ControlFlow;

use comanda_domain::{
    Page, Ticket, TicketId,
    ports::{TicketCriteria, TicketsQuery, Unavailable},
};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::row::{TicketRow, all_with_lines};
use crate::database::{
    Database, NamedRows, PageOfRows,
    schema::{kitchen_tickets, orders},
};

pub(super) async fn list(database: &Database, query: TicketsQuery) -> Result<Page<Ticket, TicketId>, Unavailable> {
    let TicketCriteria { station, state, order } = query.criteria;
    let mut page = PageOfRows::new(query.limit);
    let mut after = query.after.map(TicketId::as_uuid);
    let mut connection = database.list_connection().await?;
    loop {
        let mut select = kitchen_tickets::table
            .inner_join(orders::table)
            .order(kitchen_tickets::id)
            .limit(page.rows())
            .select(TicketRow::as_select())
            .into_boxed();
        if let Some(station) = station {
            select = select.filter(kitchen_tickets::station_id.eq(station.as_uuid()));
        }
        if let Some(state) = state {
            select = select.filter(kitchen_tickets::state.eq(state.as_str()));
        }
        if let Some(order) = order {
            select = select.filter(kitchen_tickets::order_id.eq(order.as_uuid()));
        }
        if let Some(after) = after {
            select = select.filter(kitchen_tickets::id.gt(after));
        }
        let rows: Vec<TicketRow> = select.load(&mut *connection).rows("ticket.list").await.map_err(Unavailable::new)?;
        after = rows.last().map(|row| row.id).or(after);
        let tickets = all_with_lines(&connection, database.currency(), rows).await?;
        page = match page.add(tickets.into_iter()) {
            ControlFlow::Continue(page) => page,
            ControlFlow::Break(page) => return Ok(page),
        };
    }
}
