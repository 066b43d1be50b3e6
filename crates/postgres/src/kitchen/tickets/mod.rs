//! Tickets.

mod change;
mod current;
mod find_many;
mod list;
mod row;
mod settle;
mod write;

use std::collections::HashMap;

use async_trait::async_trait;
use comanda_domain::{
    Idempotency, Page, Ticket, TicketId, TicketState, Timestamp,
    ports::{ChangeTicketError, Idempotent, Readable, Tickets, TicketsQuery, Unavailable},
};

pub(crate) use self::{
    current::current_tickets,
    find_many::tickets_on,
    settle::settle_tickets,
    write::{prepare_to_write_tickets, write_tickets},
};
use crate::Database;

/// The tickets in the table `kitchen_tickets`, whose lines are those of their orders.
pub struct PostgresTickets {
    database: Database,
}

impl PostgresTickets {
    pub fn new(database: Database) -> Self {
        Self { database }
    }
}

#[async_trait]
impl Tickets for PostgresTickets {
    async fn find_many(&self, ids: &[TicketId]) -> Result<HashMap<TicketId, Readable<Ticket>>, Unavailable> {
        find_many::find_many(&self.database, ids).await
    }

    async fn list(&self, query: TicketsQuery) -> Result<Page<Ticket, TicketId>, Unavailable> {
        list::list(&self.database, query).await
    }

    async fn change(
        &self,
        id: TicketId,
        to: TicketState,
        at: Timestamp,
        idempotency: Option<Idempotency>,
    ) -> Result<Idempotent<Ticket>, ChangeTicketError> {
        change::change(&self.database, id, to, at, idempotency).await
    }
}
