use std::collections::HashMap;

use chrono::{DateTime, Utc};
use comanda_domain::{
    Currency, Note, OrderId, OrderLine, OrderNumber, StationId, Ticket, TicketId, TicketState,
    ports::{Readable, Unavailable},
};
use diesel::prelude::*;
use diesel_async::AsyncPgConnection;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    database::{
        RowOf, StoredTime,
        schema::{kitchen_tickets, orders},
    },
    orders::lines_on,
};

/// A ticket, with what it repeats of its order.
#[derive(Deserialize, Queryable, Selectable, Serialize)]
#[diesel(table_name = kitchen_tickets, check_for_backend(diesel::pg::Pg))]
pub(super) struct TicketRow {
    pub(super) id: Uuid,
    pub(super) order_id: Uuid,
    station_id: Uuid,
    #[diesel(deserialize_as = StoredTime)]
    created_at: DateTime<Utc>,
    #[diesel(deserialize_as = StoredTime)]
    pub(super) updated_at: DateTime<Utc>,
    version: i32,
    state: String,
    lines: Vec<Option<i16>>,
    #[diesel(select_expression = orders::number, select_expression_type = orders::number)]
    number: i64,
    #[diesel(select_expression = orders::note, select_expression_type = orders::note)]
    note: Option<String>,
}

/// The lines of some orders.
type Lines = HashMap<OrderId, Readable<Vec<OrderLine>>>;

impl TicketRow {
    fn of(&self) -> RowOf<Uuid> {
        RowOf { table: "kitchen_tickets", id: self.id }
    }

    pub(super) fn state(&self) -> Readable<TicketState> {
        self.of().read("state", self.state.parse())
    }

    /// As it stands in the table once it was moved.
    pub(super) fn moved(self, to: TicketState, version: i32, at: DateTime<Utc>) -> Self {
        Self { state: to.as_str().to_owned(), version, updated_at: at, ..self }
    }

    fn into_ticket(self, lines: &Lines) -> Readable<Ticket> {
        let row = self.of();
        let order_id = OrderId::new(self.order_id);
        let of_order = lines.get(&order_id).map(Readable::as_ref).transpose().map_err(Clone::clone)?;
        let line = |position: &Option<i16>| {
            let position = position.and_then(|position| usize::try_from(position).ok());
            let line = position.and_then(|position| of_order?.get(position)).cloned();
            row.read("lines", line.ok_or("names a line that the order does not have"))
        };
        Ok(Ticket {
            id: TicketId::new(self.id),
            order_id,
            number: OrderNumber::new(row.read("number", u64::try_from(self.number))?),
            station_id: StationId::new(self.station_id),
            state: self.state()?,
            version: row.read("version", u32::try_from(self.version))?,
            lines: self.lines.iter().map(line).collect::<Readable<_>>()?,
            note: self.note.as_deref().map(Note::stored),
            created_at: self.created_at,
            updated_at: self.updated_at,
        })
    }

    /// The ticket with its lines, which never change.
    pub(super) async fn with_lines(
        self,
        connection: &AsyncPgConnection,
        currency: Currency,
    ) -> Result<Ticket, Unavailable> {
        let lines = lines_of(connection, currency, std::slice::from_ref(&self)).await?;
        Ok(self.into_ticket(&lines)?)
    }
}

async fn lines_of(
    connection: &AsyncPgConnection,
    currency: Currency,
    rows: &[TicketRow],
) -> Result<Lines, Unavailable> {
    let mut orders: Vec<OrderId> = rows.iter().map(|row| OrderId::new(row.order_id)).collect();
    orders.sort_unstable();
    orders.dedup();
    lines_on(connection, currency, &orders).await.map_err(Unavailable::new)
}

/// Tickets with their lines, in the order of their rows. One that cannot be read hides no other.
pub(super) async fn all_with_lines(
    connection: &AsyncPgConnection,
    currency: Currency,
    rows: Vec<TicketRow>,
) -> Result<Vec<(TicketId, Readable<Ticket>)>, Unavailable> {
    let lines = lines_of(connection, currency, &rows).await?;
    Ok(rows.into_iter().map(|row| (TicketId::new(row.id), row.into_ticket(&lines))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As it stands in the database. Whoever changes this text locks out the servers of the release before.
    const KEPT: &str = r#"{"id":"00000000-0000-0000-0000-000000000001",
        "order_id":"00000000-0000-0000-0000-000000000002","station_id":"00000000-0000-0000-0000-000000000003",
        "created_at":"2026-12-06T12:00:00Z","updated_at":"2026-12-06T12:00:01.500Z","version":2,"state":"cooking",
        "lines":[],"number":7,"note":"no onions"}"#;

    #[test]
    fn an_outcome_that_was_kept_is_read() {
        let ticket = serde_json::from_str::<TicketRow>(KEPT).unwrap().into_ticket(&HashMap::new()).unwrap();
        assert_eq!((ticket.state, ticket.version), (TicketState::Cooking, 2));
        assert_eq!((ticket.number, ticket.note.unwrap().as_str()), (OrderNumber::new(7), "no onions"));
    }

    #[test]
    fn a_ticket_of_a_line_that_is_not_there_is_unreadable() {
        let row = serde_json::from_str::<TicketRow>(&KEPT.replace("[]", "[0]")).unwrap();
        assert_eq!(row.into_ticket(&HashMap::new()).unwrap_err().column, "lines");
    }
}
