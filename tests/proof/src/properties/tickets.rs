//! Tickets and orders go one legal step at a time, and an order is ready exactly while all of its tickets are.

use std::collections::HashMap;

use comanda_domain::{OrderId, OrderStatus, TicketId, TicketState};

use super::{Checked, Ordered};
use crate::{EventRow, OrderRow, OrderShown, Property, Record, Request, Shown, TicketRow, TicketShown, finding::Found};

pub(super) struct Tickets<'t> {
    tables: &'t Ordered<'t>,
    by_id: HashMap<TicketId, &'t TicketRow>,
    /// Of each order that has any, by its place.
    of_order: HashMap<u32, Vec<&'t TicketRow>>,
    /// What a ticket was at a version, and which call showed it.
    states: HashMap<(TicketId, u32), (TicketState, u64)>,
    /// The same of orders.
    statuses: HashMap<(OrderId, u32), (OrderStatus, u64)>,
    /// Tickets that are ready for good: when that was shown first.
    done: HashMap<TicketId, (u64, u64)>,
    /// By ticket: the first call that may have made it ready.
    made: HashMap<TicketId, (u64, u64)>,
    /// By order: the first call of staff that may have made all of its tickets ready.
    moved: HashMap<OrderId, (u64, u64)>,
    reads: Vec<Read>,
}

/// An order as the database had it at some moment of a call.
struct Read {
    order: u32,
    begin: u64,
    end: u64,
    sequence: u64,
    status: OrderStatus,
}

impl<'t> Tickets<'t> {
    pub(super) fn of(tables: &'t Ordered<'t>) -> Self {
        let mut of_order: HashMap<u32, Vec<&TicketRow>> = HashMap::new();
        for ticket in &tables.tables.tickets {
            if let Some(place) = tables.place(ticket.order) {
                of_order.entry(place).or_default().push(ticket);
            }
        }
        Self {
            tables,
            by_id: tables.tables.tickets.iter().map(|row| (row.id, row)).collect(),
            of_order,
            states: HashMap::new(),
            statuses: HashMap::new(),
            done: HashMap::new(),
            made: HashMap::new(),
            moved: HashMap::new(),
            reads: Vec::new(),
        }
    }

    fn see_ticket(&mut self, ticket: &TicketShown, record: &Record) {
        let Record { end, sequence, .. } = *record;
        self.states.entry((ticket.id, ticket.version)).or_insert((ticket.state, sequence));
        let Some(row) = self.by_id.get(&ticket.id) else { return };
        if row.state == TicketState::Ready && row.version == ticket.version && ticket.state == row.state {
            let done = self.done.entry(ticket.id).or_insert((end, sequence));
            *done = (*done).min((end, sequence));
        }
    }

    /// Whatever may have made a ticket ready. One that is so already may be asked for it again.
    fn see_change(&mut self, record: &Record) {
        let this = (record.begin, record.sequence);
        let first = match &record.request {
            Request::ChangeTicket { ticket, to: TicketState::Ready } => self.made.entry(*ticket).or_insert(this),
            Request::ChangeStatus { order, to: OrderStatus::Ready | OrderStatus::Completed } => {
                self.moved.entry(*order).or_insert(this)
            }
            _ => return,
        };
        *first = (*first).min(this);
    }

    fn see_order(&mut self, order: &OrderShown, record: &Record, is_fresh: bool) {
        let Record { begin, end, sequence, .. } = *record;
        self.statuses.entry((order.id, order.version)).or_insert((order.status, sequence));
        if let Some(place) = self.tables.place(order.id).filter(|place| is_fresh && self.of_order.contains_key(place)) {
            self.reads.push(Read { order: place, begin, end, sequence, status: order.status });
        }
    }

    /// What tickets were one version after the other.
    fn look_at_steps(&self, found: &mut Found) {
        for ((id, version), (state, sequence)) in &self.states {
            if *version == 1 && *state != TicketState::Queued {
                let reason = format!("ticket {id} was {state} from the beginning");
                found.report(Property::Tickets, reason, [*sequence]);
            }
            let Some((next, by)) = self.states.get(&(*id, version + 1)) else { continue };
            found.look_at(Property::Tickets, 1);
            // With its order, or by itself.
            let settled = state.is_open() && matches!(next, TicketState::Void | TicketState::Ready);
            if !state.can_become(*next) && !settled {
                let reason = format!("ticket {id} was {state}, and then {next}");
                found.report(Property::Tickets, reason, [*sequence, *by]);
            }
        }
    }

    /// What orders were one version after the other, by their events.
    fn look_at_orders(&self, found: &mut Found) {
        let mut events: HashMap<OrderId, Vec<&EventRow>> = HashMap::new();
        for event in self.tables.tables.events.iter().filter(|event| event.kind.starts_with("order.")) {
            events.entry(OrderId::new(event.subject)).or_default().push(event);
        }
        for (place, order) in (0..).zip(&self.tables.tables.orders) {
            let mut events = events.remove(&order.id).unwrap_or_default();
            events.sort_unstable_by_key(|event| event.version);
            let mut before: Option<(u32, OrderStatus)> = None;
            for event in events {
                let Some(status) = status_after(event, order) else { continue };
                let shown = self.statuses.get(&(order.id, event.version));
                if let Some((other, by)) = shown.filter(|(shown, _)| *shown != status) {
                    let what = format!("version {} of order {} was shown as {other}", event.version, order.id);
                    found.report(Property::Tickets, format!("{what}, and its event says {status}"), [*by]);
                }
                found.look_at(Property::Tickets, 1);
                let (last, was) = before.replace((event.version, status)).unwrap_or((0, status));
                if last + 1 == event.version && last > 0 && !self.is_step(place, was, status) {
                    let reason = format!("order {} was {was}, and then {status}", order.id);
                    let by = |version| self.statuses.get(&(order.id, version)).map(|(_, by)| *by);
                    let shown_by = [last, event.version].into_iter().filter_map(by);
                    found.report(Property::Tickets, reason, shown_by.collect::<Vec<_>>());
                }
            }
            if let Some((_, status)) = before.filter(|(last, status)| *last == order.version && *status != order.status)
            {
                let reason = format!("order {} is {}, and its last event says {status}", order.id, order.status);
                found.report(Property::Tickets, reason, []);
            }
        }
    }

    fn is_step(&self, order: u32, from: OrderStatus, to: OrderStatus) -> bool {
        let is_recalled = (from, to) == (OrderStatus::Ready, OrderStatus::Preparing);
        from.can_advance_to(to)
            || (to == OrderStatus::Cancelled && from.is_open())
            || (is_recalled && self.of_order.contains_key(&order))
    }

    /// What the tables have at the end.
    fn look_at_the_end(&self, found: &mut Found) {
        for (place, tickets) in &self.of_order {
            let order = &self.tables.tables.orders[*place as usize];
            for ticket in tickets {
                let fits = match order.status {
                    OrderStatus::Pending => false,
                    OrderStatus::Accepted => ticket.state == TicketState::Queued,
                    OrderStatus::Preparing => ticket.state != TicketState::Void,
                    OrderStatus::Cancelled => !ticket.state.is_open(),
                    OrderStatus::Ready | OrderStatus::Completed => ticket.state == TicketState::Ready,
                };
                if !fits {
                    let what = format!("ticket {} is {}, and its order {}", ticket.id, ticket.state, order.id);
                    let shown_by = self.shown(order, &[ticket]);
                    found.report(Property::Tickets, format!("{what} {}", order.status), shown_by);
                }
            }
            if order.status == OrderStatus::Preparing && !tickets.iter().any(|ticket| ticket.state.is_open()) {
                let reason = format!("order {} is preparing, and all of its tickets are ready", order.id);
                found.report(Property::Tickets, reason, self.shown(order, tickets));
            }
        }
    }

    /// The calls that showed an order and its tickets as they are at the end.
    fn shown(&self, order: &OrderRow, tickets: &[&TicketRow]) -> Vec<u64> {
        let of_order = self.statuses.get(&(order.id, order.version)).map(|(_, by)| *by);
        let of_ticket = |ticket: &&TicketRow| self.states.get(&(ticket.id, ticket.version)).map(|(_, by)| *by);
        tickets.iter().filter_map(of_ticket).chain(of_order).collect()
    }

    /// What orders were while their tickets were made.
    fn look_at_reads(&self, found: &mut Found) {
        let mut done: HashMap<u32, Option<(u64, Vec<u64>)>> = HashMap::new();
        let mut unmade: HashMap<u32, (u64, Option<u64>)> = HashMap::new();
        for read in &self.reads {
            let is_made = matches!(read.status, OrderStatus::Ready | OrderStatus::Completed);
            let order = &self.tables.tables.orders[read.order as usize];
            let tickets = &self.of_order[&read.order];
            let (from, change) = *unmade.entry(read.order).or_insert_with(|| self.unmade(order, tickets));
            let made = done.entry(read.order).or_insert_with(|| self.done(tickets));
            let made = made.as_ref().filter(|(end, _)| *end < read.begin);
            found.look_at(Property::Tickets, usize::from(read.end < from) + usize::from(made.is_some()));
            if is_made && read.end < from {
                let reason = format!("order {} was {} before all of its tickets were ready", order.id, read.status);
                found.report(Property::Tickets, reason, change.into_iter().chain([read.sequence]));
            }
            if let Some((_, by)) = made
                && !is_made
                && read.status != OrderStatus::Cancelled
            {
                let reason = format!("all tickets of order {} were ready, and it was {}", order.id, read.status);
                found.report(Property::Tickets, reason, by.iter().copied().chain([read.sequence]));
            }
        }
    }

    /// Until when one of an order's tickets had certainly never been ready, and the call that made it so.
    fn unmade(&self, order: &OrderRow, tickets: &[&TicketRow]) -> (u64, Option<u64>) {
        let moved = self.moved.get(&order.id);
        let first = |row: &&TicketRow| self.made.get(&row.id).into_iter().chain(moved).min().copied();
        let firsts = tickets.iter().map(|row| first(row).map_or((u64::MAX, None), |(begin, by)| (begin, Some(by))));
        firsts.max().unwrap_or_default()
    }

    /// From when on all of these tickets were ready for good.
    fn done(&self, tickets: &[&TicketRow]) -> Option<(u64, Vec<u64>)> {
        let done: Option<Vec<(u64, u64)>> = tickets.iter().map(|row| self.done.get(&row.id).copied()).collect();
        let done = done?;
        let last = done.iter().map(|(end, _)| *end).max()?;
        Some((last, done.into_iter().map(|(_, sequence)| sequence).collect()))
    }
}

/// What an order was after an event, if that is told.
fn status_after(event: &EventRow, order: &OrderRow) -> Option<OrderStatus> {
    match event.kind.as_str() {
        "order.placed" if order.accepted_on_placement => Some(OrderStatus::Accepted),
        "order.placed" => Some(OrderStatus::Pending),
        _ => event.status,
    }
}

impl Checked for Tickets<'_> {
    fn see(&mut self, record: &Record, _: &mut Found) {
        if record.may_have_done_it() {
            self.see_change(record);
        }
        if !record.succeeded() {
            return;
        }
        match record.shown() {
            Shown::Ticket(ticket) => self.see_ticket(ticket, record),
            Shown::Tickets(tickets) => tickets.iter().for_each(|ticket| self.see_ticket(ticket, record)),
            Shown::Order(order) => self.see_order(order, record, record.did_it()),
            Shown::Orders(orders) => orders.iter().for_each(|order| self.see_order(order, record, false)),
            _ => {}
        }
    }

    fn conclude(self: Box<Self>, found: &mut Found) {
        self.look_at_steps(found);
        self.look_at_orders(found);
        self.look_at_the_end(found);
        self.look_at_reads(found);
    }
}
