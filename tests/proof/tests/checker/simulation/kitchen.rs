use comanda_domain::{TicketChange, TicketState, change_ticket};
use comanda_proof::{Request, Shown, StreamMessage, TicketRow, TicketShown};
use rand::RngExt;

use super::{STAFF, Shop, ok, refused};
use crate::story::ticket;

impl Shop<'_> {
    pub(super) fn write_tickets(&mut self, place: usize) {
        let order = self.tables.orders[place].id;
        for _ in 0..self.random.random_range(1..=2) {
            let number = self.tables.tickets.len();
            let id = ticket(u32::try_from(number).unwrap());
            let (state, version) = (TicketState::Queued, 0);
            self.tables.tickets.push(TicketRow { id, order, state, version, lines: Vec::new() });
            self.tickets.entry(place).or_default().push(number);
            self.set_ticket(number, state);
        }
    }

    fn set_ticket(&mut self, number: usize, to: TicketState) {
        let row = &mut self.tables.tickets[number];
        (row.version, row.state) = (row.version + 1, to);
        let (id, order, version) = (row.id.as_uuid(), row.order.as_uuid(), row.version);
        let shown = self.shown_ticket(number);
        self.announce("ticket.changed", id, order, version, None);
        self.hear(StreamMessage::Changed(Shown::Ticket(shown)));
    }

    fn shown_ticket(&self, number: usize) -> TicketShown {
        let TicketRow { id, order, state, version, .. } = self.tables.tickets[number];
        TicketShown { id, order, state, version }
    }

    pub(super) fn void_tickets(&mut self, place: usize) {
        for number in self.tickets.get(&place).cloned().unwrap_or_default() {
            if self.tables.tickets[number].state.is_open() {
                self.set_ticket(number, TicketState::Void);
            }
        }
    }

    pub(super) fn change_ticket(&mut self) {
        let Some(place) = self.some_order() else { return };
        let numbers = self.tickets.get(&place).cloned().unwrap_or_default();
        if numbers.is_empty() {
            return;
        }
        let number = numbers[self.random.random_range(0..numbers.len())];
        let from = self.tables.tickets[number].state;
        let to = [TicketState::Cooking, TicketState::Ready][self.random.random_range(0..2)];
        let others = numbers.iter().filter(|other| **other != number).map(|other| self.tables.tickets[*other].state);
        let changed = change_ticket(from, to, self.tables.orders[place].status, others.collect::<Vec<_>>());
        let request = Request::ChangeTicket { ticket: self.tables.tickets[number].id, to };
        match changed {
            Err(_) => {
                let record = self.call(STAFF + 1, request, refused(409, "invalid-transition"));
                self.tell(record);
            }
            Ok(change) => {
                if let TicketChange::Moves(steps) = change {
                    // All of it at one moment, of which the receivers hear afterwards.
                    self.set_ticket(number, to);
                    for step in steps {
                        self.step(place, *step);
                    }
                }
                let shown = Shown::Ticket(self.shown_ticket(number));
                let mut record = self.call(STAFF + 1, request, ok(200, shown));
                // It had begun before any of that.
                record.begin = record.begin.min(self.now - 1_000);
                self.tell_with_key(record);
            }
        }
    }
}
