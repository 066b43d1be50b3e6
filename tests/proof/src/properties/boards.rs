//! What a watcher was shown, message by message, comes to what the tables say; and nothing it was shown goes
//! backwards.

use std::collections::HashMap;

use comanda_domain::{OrderId, TicketId};

use super::{Checked, Ordered, groups};
use crate::{ClientId, OrderShown, Property, Record, Request, Shown, StreamMessage, TicketShown, finding::Found};

pub(super) struct Boards<'t> {
    tables: &'t Ordered<'t>,
    messages: Vec<Message>,
    /// When the last call ended that may have changed anything.
    quiet_from: u64,
    /// Lists of open tickets: when each began, and what it shows.
    lists: Vec<(u64, u64, Vec<TicketShown>)>,
}

struct Message {
    client: ClientId,
    of: Option<OrderId>,
    begin: u64,
    sequence: u64,
    says: Says,
}

enum Says {
    Opened { resumed: bool },
    Reset,
    Tickets(Vec<TicketShown>),
    Ticket(TicketShown),
    Order(OrderShown),
    Closed,
    Nothing,
}

impl<'t> Boards<'t> {
    pub(super) fn of(tables: &'t Ordered<'t>) -> Self {
        Self { tables, messages: Vec::new(), quiet_from: 0, lists: Vec::new() }
    }

    /// A list of open tickets that was read when nothing changed any more.
    fn compare_list(&self, sequence: u64, list: &[TicketShown], found: &mut Found) {
        found.look_at(Property::Boards, 1);
        let open: HashMap<TicketId, u32> = self.open();
        let shown: HashMap<TicketId, u32> = list.iter().map(|ticket| (ticket.id, ticket.version)).collect();
        if open != shown {
            let (told, are) = (shown.len(), open.len());
            let differs = open.iter().find(|(id, version)| shown.get(*id) != Some(*version)).map(|(id, _)| id);
            let differs = differs.or_else(|| shown.keys().find(|id| !open.contains_key(*id)));
            let ticket = differs.map(ToString::to_string).unwrap_or_default();
            let reason = format!("the last list shows {told} open tickets of {are}, and ticket {ticket} otherwise");
            found.report(Property::Boards, reason, [sequence]);
        }
    }

    fn open(&self) -> HashMap<TicketId, u32> {
        let rows = self.tables.tables.tickets.iter().filter(|row| row.state.is_open());
        rows.map(|row| (row.id, row.version)).collect()
    }
}

/// A board of the kitchen: each ticket as it was shown last.
#[derive(Default)]
struct Board<'m> {
    /// With the message that showed it.
    tickets: HashMap<TicketId, (&'m TicketShown, &'m Message)>,
    order: Option<(&'m OrderShown, &'m Message)>,
    opened: Option<u64>,
    is_open: bool,
}

impl<'m> Board<'m> {
    fn hear(&mut self, message: &'m Message, found: &mut Found) {
        match &message.says {
            Says::Opened { resumed } => {
                if !resumed {
                    (self.tickets, self.order) = Default::default();
                }
                (self.opened, self.is_open) = (Some(message.sequence), true);
            }
            Says::Reset => (self.tickets, self.order) = Default::default(),
            Says::Tickets(tickets) => {
                self.tickets = tickets.iter().map(|ticket| (ticket.id, (ticket, message))).collect();
            }
            Says::Ticket(ticket) => {
                let before = self.tickets.insert(ticket.id, (ticket, message));
                found.look_at(Property::Boards, usize::from(before.is_some()));
                if let Some((before, by)) = before.filter(|(before, _)| before.version > ticket.version) {
                    let (was, is) = (before.version, ticket.version);
                    let reason = format!("a stream went from version {was} of ticket {} back to {is}", ticket.id);
                    found.report(Property::Boards, reason, [by.sequence, message.sequence]);
                }
            }
            Says::Order(order) => {
                let before = self.order.replace((order, message));
                found.look_at(Property::Boards, usize::from(before.is_some()));
                if let Some((before, by)) = before.filter(|(before, _)| before.version > order.version) {
                    let (was, is) = (before.version, order.version);
                    let reason = format!("a stream went from version {was} of order {} back to {is}", order.id);
                    found.report(Property::Boards, reason, [by.sequence, message.sequence]);
                }
            }
            Says::Closed => self.is_open = false,
            Says::Nothing => {}
        }
    }

    /// Compares what was shown last with the tables.
    fn compare(&self, of: Option<OrderId>, tables: &Ordered<'_>, found: &mut Found) {
        if let Some(order) = of.and_then(|id| tables.order(id)) {
            found.look_at(Property::Boards, 1);
            let (version, by) = self.order.map_or((0, self.opened), |(order, by)| (order.version, Some(by.sequence)));
            if version != order.version {
                let reason =
                    format!("order {} is at version {}, and its watcher knows {version}", order.id, order.version);
                found.report(Property::Boards, reason, by);
            }
            return;
        }
        for row in &tables.tables.tickets {
            let shown = self.tickets.get(&row.id);
            // It may have been ready for long when the watcher came, or void.
            if shown.is_none() && !row.state.is_open() {
                continue;
            }
            found.look_at(Property::Boards, 1);
            let (version, by) = match shown {
                None => (0, self.opened),
                Some((shown, _)) if (shown.version, shown.state) == (row.version, row.state) => continue,
                Some((shown, by)) => (shown.version, Some(by.sequence)),
            };
            let what = format!("ticket {} is {} at version {}", row.id, row.state, row.version);
            found.report(Property::Boards, format!("{what}, and a board knows version {version}"), by);
        }
    }
}

impl Checked for Boards<'_> {
    fn see(&mut self, record: &Record, _: &mut Found) {
        let Record { client, begin, sequence, .. } = *record;
        match &record.request {
            // Whoever left after that was there until the end.
            Request::Stream { .. } if self.tables.were_read_before(record) => {}
            Request::Stream { of, message, .. } => {
                let says = match message {
                    StreamMessage::Opened { resumed } => Says::Opened { resumed: *resumed },
                    StreamMessage::Reset => Says::Reset,
                    StreamMessage::Snapshot(Shown::Tickets(tickets)) => Says::Tickets(tickets.clone()),
                    StreamMessage::Snapshot(Shown::Order(order)) | StreamMessage::Changed(Shown::Order(order)) => {
                        Says::Order(OrderShown { lines: None, ..order.clone() })
                    }
                    StreamMessage::Changed(Shown::Ticket(ticket)) => Says::Ticket(ticket.clone()),
                    StreamMessage::Snapshot(_) | StreamMessage::Changed(_) => Says::Nothing,
                    StreamMessage::Closed => Says::Closed,
                };
                self.messages.push(Message { client, of: *of, begin, sequence, says });
            }
            Request::ReadTickets { open: true } => {
                if let (Shown::Tickets(tickets), true) = (record.shown(), record.succeeded()) {
                    // Only the last ones can be compared.
                    self.lists.retain(|(begin, ..)| *begin >= self.quiet_from);
                    self.lists.push((begin, sequence, tickets.clone()));
                }
            }
            Request::ReadMenu
            | Request::ReadItem { .. }
            | Request::ReadSupply { .. }
            | Request::ReadOrder { .. }
            | Request::ReadTickets { .. }
            | Request::ReadLock { .. }
            | Request::ListOrders
            | Request::Webhook(_) => {}
            _ => self.quiet_from = self.quiet_from.max(record.end),
        }
    }

    fn conclude(mut self: Box<Self>, found: &mut Found) {
        for (begin, sequence, list) in &self.lists {
            if *begin > self.quiet_from {
                self.compare_list(*sequence, list, found);
            }
        }
        let whose = |message: &Message| (message.client, message.of);
        self.messages.sort_unstable_by_key(|message| (whose(message), message.begin, message.sequence));
        for messages in groups(&self.messages, whose) {
            let mut board = Board::default();
            for message in messages {
                board.hear(message, found);
            }
            if board.is_open {
                board.compare(messages[0].of, self.tables, found);
            }
        }
    }
}
