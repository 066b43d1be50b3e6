use std::collections::HashMap;

use async_trait::async_trait;
use thiserror::Error;

use crate::{
    Idempotency, KeyRefusal, OrderId, Page, PageLimit, StationId, Ticket, TicketId, TicketState, TicketStays, Timestamp,
};

use super::{Idempotent, Readable, Unavailable};

/// What tickets have in common that are listed. Whatever is `None` is left open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TicketCriteria {
    /// Only tickets of this station.
    pub station: Option<StationId>,
    /// Only tickets in this state.
    pub state: Option<TicketState>,
    /// Only tickets of this order.
    pub order: Option<OrderId>,
}

/// Which tickets to list, the oldest first, as they are to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TicketsQuery {
    /// Which tickets are asked for.
    pub criteria: TicketCriteria,
    /// Only those after this one.
    pub after: Option<TicketId>,
    /// The size of the page.
    pub limit: PageLimit,
}

/// Why a ticket was not changed. Nothing changed.
#[derive(Debug, Error)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum ChangeTicketError {
    /// There is no such ticket.
    #[error("no such ticket")]
    NotFound,
    /// It, or its order, does not go there from where it is.
    #[error(transparent)]
    Stays(#[from] TicketStays),
    /// The key is not free.
    #[error(transparent)]
    Key(#[from] KeyRefusal),
    /// The store failed.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// The tickets of the kitchen. Whoever accepts an order writes them, and whoever cancels it makes void what is not made
/// yet. Every change of a ticket is announced by an event of the kind `ticket.changed`.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait Tickets: Send + Sync {
    /// Several tickets with their lines, in one round trip. Those that are not there are left out.
    async fn find_many(&self, ids: &[TicketId]) -> Result<HashMap<TicketId, Readable<Ticket>>, Unavailable>;

    /// A page of tickets, the oldest first.
    async fn list(&self, query: TicketsQuery) -> Result<Page<Ticket, TicketId>, Unavailable>;

    /// Takes a ticket to another state, and its order with it. The rule is [`change_ticket`](crate::change_ticket).
    /// When several stations change tickets of an order at once, each sees what the others did.
    async fn change(
        &self,
        id: TicketId,
        to: TicketState,
        at: Timestamp,
        idempotency: Option<Idempotency>,
    ) -> Result<Idempotent<Ticket>, ChangeTicketError>;
}
