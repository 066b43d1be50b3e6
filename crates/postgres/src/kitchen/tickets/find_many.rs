use std::collections::HashMap;

use comanda_domain::{
    Currency, Ticket, TicketId,
    ports::{Readable, Unavailable},
};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::row::{TicketRow, all_with_lines};
use crate::{
    Database,
    database::{
        NamedRows,
        schema::{kitchen_tickets, orders},
    },
};

pub(super) async fn find_many(
    database: &Database,
    ids: &[TicketId],
) -> Result<HashMap<TicketId, Readable<Ticket>>, Unavailable> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let connection = database.read_connection().await?;
    tickets_on(&connection, database.currency(), ids).await
}

/// Tickets with their lines. One that cannot be read hides no other.
pub(crate) async fn tickets_on(
    mut connection: &AsyncPgConnection,
    currency: Currency,
    ids: &[TicketId],
) -> Result<HashMap<TicketId, Readable<Ticket>>, Unavailable> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.as_uuid()).collect();
    let rows = kitchen_tickets::table
        .inner_join(orders::table)
        .filter(kitchen_tickets::id.eq_any(ids))
        .select(TicketRow::as_select())
        .load(&mut connection)
        .rows("ticket.find")
        .await
        .map_err(Unavailable::new)?;
    Ok(all_with_lines(connection, currency, rows).await?.into_iter().collect())
}
