use comanda_domain::{
    Page, PageLimit, StaffMember, Ticket, TicketId,
    ports::{TicketCriteria, TicketsQuery, Unavailable},
};

use super::Kitchen;

impl Kitchen {
    /// Lists tickets a page at a time, the oldest first.
    pub async fn list_tickets(
        &self,
        _by: StaffMember,
        criteria: TicketCriteria,
        after: Option<TicketId>,
        limit: PageLimit,
    ) -> Result<Page<Ticket, TicketId>, Unavailable> {
        self.tickets.list(TicketsQuery { criteria, after, limit }).await
    }
}
