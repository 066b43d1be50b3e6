//! Versions only rise: what was seen once is never older later. Each is written once, and stands for one thing.

use std::{
    collections::{HashMap, HashSet},
    fmt,
};

use comanda_domain::MenuItemId;
use uuid::Uuid;

use super::{Checked, Ordered, groups, stand_in};
use crate::{
    Caller, Change, Counter, LineShown, MenuItemShown, OrderShown, Property, Record, Request, Shown, StockShown,
    StreamMessage, TicketShown, finding::Found,
};

pub(super) struct Versions<'t> {
    tables: &'t Ordered<'t>,
    seen: Vec<Seen>,
    /// Items whose details have changed: orders show at which revision they were sold.
    changed: HashSet<MenuItemId>,
    sold: Vec<Sold>,
}

/// What has versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Subject {
    Order(Uuid),
    Ticket(Uuid),
    /// Every write raises it.
    Item(Uuid),
    /// A change of details raises it.
    Revision(Uuid),
    Supply(Uuid),
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Order(id) => write!(f, "order {id}"),
            Self::Ticket(id) => write!(f, "ticket {id}"),
            Self::Item(id) => write!(f, "menu item {id}"),
            Self::Revision(id) => write!(f, "the details of menu item {id}"),
            Self::Supply(id) => write!(f, "supply {id}"),
        }
    }
}

/// A version that somebody was shown.
#[derive(Clone, Copy)]
struct Seen {
    subject: Subject,
    version: u64,
    /// Stands for what it was at this version.
    what: u64,
    begin: u64,
    end: u64,
    sequence: u64,
    how: How,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    /// It is what the database had at some moment of the call.
    Read,
    /// The call wrote this version, and no other call can have.
    Written,
    /// It was so once: a copy, a list, a message, a response that was repeated.
    Told,
}

/// At which price an order was placed.
struct Sold {
    item: MenuItemId,
    price: i64,
    begin: u64,
    end: u64,
    sequence: u64,
}

impl<'t> Versions<'t> {
    pub(super) fn of(tables: &'t Ordered<'t>) -> Self {
        let changed = tables.tables.items.iter().filter(|item| item.revision > 1).map(|item| item.id);
        Self { tables, seen: Vec::new(), changed: changed.collect(), sold: Vec::new() }
    }

    fn add(&mut self, record: &Record, how: How, subject: Subject, version: u64, what: u64) {
        let Record { begin, end, sequence, .. } = *record;
        self.seen.push(Seen { subject, version, what, begin, end, sequence, how });
    }

    fn see_order(&mut self, record: &Record, how: How, order: &OrderShown) {
        let what = stand_in(order.status.as_str());
        self.add(record, how, Subject::Order(order.id.as_uuid()), order.version.into(), what);
    }

    fn see_ticket(&mut self, record: &Record, how: How, ticket: &TicketShown) {
        let what = stand_in(ticket.state.as_str());
        self.add(record, how, Subject::Ticket(ticket.id.as_uuid()), ticket.version.into(), what);
    }

    fn see_item(&mut self, record: &Record, how: How, item: &MenuItemShown) {
        let id = item.id.as_uuid();
        let raised = match &record.request {
            Request::EditItem { if_match, .. } => if_match.is_some_and(|before| before < item.revision),
            _ => true,
        };
        let of_details = if how == How::Written && !raised { How::Read } else { how };
        self.add(record, of_details, Subject::Revision(id), item.revision.into(), stand_in(item.price));
        // Without its stock, the version is not told either.
        if let Some((version, stock)) = item.version.zip(item.stock) {
            let how = if how == How::Written { How::Read } else { how };
            self.add(record, how, Subject::Item(id), version, stand_in(stock));
        }
    }

    fn see_stock(&mut self, record: &Record, how: How, stock: &StockShown) {
        let subject = match stock.of {
            Counter::Item(id) => Subject::Item(id.as_uuid()),
            Counter::Supply(id) => Subject::Supply(id.as_uuid()),
        };
        self.add(record, how, subject, stock.version, stand_in(stock.stock));
    }

    fn see_lines(&mut self, record: &Record, lines: &[LineShown]) {
        let Record { begin, end, sequence, .. } = *record;
        for line in lines.iter().filter(|line| self.changed.contains(&line.item)) {
            self.sold.push(Sold { item: line.item, price: line.unit_price, begin, end, sequence });
        }
    }

    fn see_shown(&mut self, record: &Record, how: How, shown: &Shown) {
        match shown {
            Shown::Order(order) => self.see_order(record, how, order),
            Shown::Orders(orders) => orders.iter().for_each(|order| self.see_order(record, How::Told, order)),
            Shown::Ticket(ticket) => self.see_ticket(record, how, ticket),
            Shown::Tickets(tickets) => tickets.iter().for_each(|ticket| self.see_ticket(record, How::Told, ticket)),
            Shown::Item(item) => self.see_item(record, how, item),
            Shown::Stock(stock) => self.see_stock(record, how, stock),
            Shown::Menu(menu) => {
                menu.items.iter().flatten().for_each(|item| self.see_item(record, How::Told, item));
            }
            _ => {}
        }
    }

    /// At which revision an item had a price, if at one alone.
    fn revisions(&self) -> HashMap<(Uuid, u64), Option<u64>> {
        let mut revisions: HashMap<(Uuid, u64), Option<u64>> = HashMap::new();
        let mut note = |id, price, revision| {
            let known = revisions.entry((id, price)).or_insert(Some(revision));
            if *known != Some(revision) {
                *known = None;
            }
        };
        for row in &self.tables.tables.items {
            note(row.id.as_uuid(), stand_in(row.price), row.revision.into());
        }
        for seen in &self.seen {
            if let Subject::Revision(id) = seen.subject {
                note(id, seen.what, seen.version);
            }
        }
        revisions
    }

    /// What the tables have at the end.
    fn last(&self) -> HashMap<Subject, (u64, u64)> {
        let tables = self.tables.tables;
        let orders = tables
            .orders
            .iter()
            .map(|row| (Subject::Order(row.id.as_uuid()), (row.version.into(), stand_in(row.status.as_str()))));
        let tickets = tables
            .tickets
            .iter()
            .map(|row| (Subject::Ticket(row.id.as_uuid()), (row.version.into(), stand_in(row.state.as_str()))));
        let supplies =
            tables.supplies.iter().map(|row| (Subject::Supply(row.id.as_uuid()), (row.version, stand_in(row.stock))));
        let details = tables
            .items
            .iter()
            .map(|row| (Subject::Revision(row.id.as_uuid()), (row.revision.into(), stand_in(row.price))));
        let items = tables
            .items
            .iter()
            .filter_map(|row| Some((Subject::Item(row.id.as_uuid()), (row.version, stand_in(row.stock?)))));
        orders.chain(tickets).chain(supplies).chain(details).chain(items).collect()
    }
}

impl Checked for Versions<'_> {
    fn see(&mut self, record: &Record, _: &mut Found) {
        match &record.request {
            Request::Stream { .. } | Request::Webhook(_) if self.tables.were_read_before(record) => return,
            Request::Stream { message: StreamMessage::Snapshot(shown) | StreamMessage::Changed(shown), .. } => {
                self.see_shown(record, How::Told, shown);
                return;
            }
            Request::Webhook(event) => {
                if let Some((version, status)) = event.version.zip(event.status)
                    && event.payment.is_none()
                {
                    let what = stand_in(status.as_str());
                    self.add(record, How::Told, Subject::Order(event.subject), version.into(), what);
                }
                return;
            }
            _ => {}
        }
        if !record.succeeded() && !matches!(record.request, Request::ReadMenu) {
            return;
        }
        let how = match &record.request {
            _ if !record.did_it() => How::Told,
            Request::ReadItem { .. } if matches!(record.caller, Caller::Customer | Caller::Anonymous) => How::Told,
            Request::AdjustStock { change: Change::Delta(_), .. }
            | Request::Cancel { .. }
            | Request::ChangeStatus { .. }
            | Request::EditItem { .. } => How::Written,
            _ => How::Read,
        };
        if let (Request::PlaceOrder { .. }, Shown::Order(order), true) =
            (&record.request, record.shown(), record.did_it())
        {
            self.see_lines(record, order.lines.as_deref().unwrap_or_default());
        }
        self.see_shown(record, how, record.shown());
    }

    fn conclude(mut self: Box<Self>, found: &mut Found) {
        if !self.sold.is_empty() {
            let revisions = self.revisions();
            for Sold { item, price, begin, end, sequence } in std::mem::take(&mut self.sold) {
                let (id, what) = (item.as_uuid(), stand_in(price));
                if let Some(Some(version)) = revisions.get(&(id, what)).copied() {
                    let subject = Subject::Revision(id);
                    self.seen.push(Seen { subject, version, what, begin, end, sequence, how: How::Read });
                }
            }
        }
        let last = self.last();
        let mut seen = std::mem::take(&mut self.seen);
        seen.sort_unstable_by_key(|seen| (seen.subject, seen.begin, seen.sequence));
        for group in groups(&seen, |seen| seen.subject) {
            older_later(group, found);
            let mut by_version = group.to_vec();
            by_version.sort_unstable_by_key(|seen| (seen.version, seen.how != How::Written, seen.end));
            for same in groups(&by_version, |seen| seen.version) {
                one_thing(same, last.get(&same[0].subject).copied(), found);
            }
        }
    }
}

/// Whoever reads after a version was shown must see at least that.
fn older_later(seen: &[Seen], found: &mut Found) {
    let mut by_end: Vec<&Seen> = seen.iter().collect();
    by_end.sort_unstable_by_key(|seen| seen.end);
    let mut ended = by_end.into_iter().peekable();
    let mut newest: Option<&Seen> = None;
    for this in seen {
        while let Some(next) = ended.next_if(|next| next.end < this.begin) {
            newest = newest.filter(|newest| newest.version >= next.version).or(Some(next));
        }
        let Some(newest) = newest.filter(|_| this.how != How::Told) else { continue };
        found.look_at(Property::Versions, 1);
        if newest.version > this.version {
            let (was, is) = (newest.version, this.version);
            let reason = format!("{} was at version {was}, and later at version {is}", this.subject);
            found.report(Property::Versions, reason, [newest.sequence, this.sequence]);
            return;
        }
    }
}

/// One version is written once and is one thing, at the end as well.
fn one_thing(same: &[Seen], last: Option<(u64, u64)>, found: &mut Found) {
    found.look_at(Property::Versions, same.len() - 1);
    let Seen { subject, version, what, sequence, .. } = same[0];
    if let Some(other) = same.iter().find(|other| other.what != what) {
        let reason = format!("version {version} of {subject} was shown as two different things");
        found.report(Property::Versions, reason, [sequence, other.sequence]);
    }
    if let Some(other) = same.iter().skip(1).find(|other| other.how == How::Written) {
        let reason = format!("version {version} of {subject} was written by two calls");
        found.report(Property::Versions, reason, [sequence, other.sequence]);
    }
    let (last, is) = match last {
        Some(last) => last,
        // Only what is guarded has its row in the tables.
        None if matches!(subject, Subject::Order(_) | Subject::Ticket(_)) => (0, 0),
        None => return,
    };
    if version > last {
        let reason = format!("version {version} of {subject} was shown, and the tables have version {last}");
        found.report(Property::Versions, reason, [sequence]);
    } else if version == last && what != is {
        let reason = format!("version {version} of {subject} was shown as something else than the tables have");
        found.report(Property::Versions, reason, [sequence]);
    }
}
