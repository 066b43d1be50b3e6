use comanda_domain::{
    StaffMember, Ticket, TicketId, TicketState,
    ports::{ChangeTicketError, Idempotent},
};

use super::Kitchen;
use crate::IdempotentRequest;

impl Kitchen {
    /// Takes a ticket to another state, and its order with it.
    pub async fn change_ticket(
        &self,
        by: StaffMember,
        id: TicketId,
        to: TicketState,
        request: Option<IdempotentRequest>,
    ) -> Result<Idempotent<Ticket>, ChangeTicketError> {
        let idempotency = request.map(|request| request.by(by.account_id()));
        let changed = self.tickets.change(id, to, self.clock.now(), idempotency).await?;
        if !changed.replayed {
            self.watchers.wake();
        }
        Ok(changed)
    }
}
