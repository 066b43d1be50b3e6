use std::collections::HashMap;

use comanda_domain::{
    Ticket, TicketId,
    ports::{Readable, Unavailable},
};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
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
    let ids: Vec<Uuid> = ids.iter().map(|id| id.as_uuid()).collect();
    let mut connection = database.read_connection().await?;
    let rows = kitchen_tickets::table
        .inner_join(orders::table)
        .filter(kitchen_tickets::id.eq_any(ids))
        .select(TicketRow::as_select())
        .load(&mut *connection)
        .rows("ticket.find")
        .await
        .map_err(Unavailable::new)?;
    Ok(all_with_lines(&connection, database.currency(), rows).await?.into_iter().collect())
}
