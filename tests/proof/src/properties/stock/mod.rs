//! No stock is ever below nothing, the ledgers come to what is left, and what is said to be left was left.

mod adjustments;
mod timeline;

use std::collections::HashMap;

use comanda_domain::{OrderId, OrderStatus};

use self::{
    adjustments::Adjustments,
    timeline::{Flow, Timeline},
};
use super::{Checked, Ordered, key_of, stand_in_for_key};
use crate::{Counter, OrderShown, OrderedLine, Property, Record, Request, Shown, finding::Found};

pub(super) struct Stock<'t> {
    tables: &'t Ordered<'t>,
    /// Of each order, by its place in the tables.
    orders: Vec<Lived>,
    /// When an order was first asked for under a key, by a call that may have placed it.
    asked: HashMap<u64, (u64, u64)>,
    adjustments: Adjustments,
    said: Vec<Said>,
}

/// When an order took stock, and gave it back.
#[derive(Clone, Copy)]
struct Lived {
    /// When the call that placed it began; `None` while it is not known.
    placed_from: Option<u64>,
    placed_by: u64,
    placed_in: Option<u64>,
    cancelled_from: Option<u64>,
    cancelled_by: u64,
    cancelled_in: Option<u64>,
}

impl Lived {
    const UNKNOWN: Self = Self {
        placed_from: None,
        placed_by: u64::MAX,
        placed_in: None,
        cancelled_from: None,
        cancelled_by: u64::MAX,
        cancelled_in: None,
    };
}

/// What a response says was there.
struct Said {
    of: Counter,
    quantity: i64,
    begin: u64,
    end: u64,
    sequence: u64,
    is_refusal: bool,
}

impl<'t> Stock<'t> {
    pub(super) fn of(tables: &'t Ordered<'t>) -> Self {
        let orders = vec![Lived::UNKNOWN; tables.tables.orders.len()];
        Self { tables, orders, asked: HashMap::new(), adjustments: Adjustments::default(), said: Vec::new() }
    }

    fn lived(&mut self, id: OrderId) -> Option<&mut Lived> {
        self.tables.place(id).map(|place| &mut self.orders[place as usize])
    }

    fn see_order(&mut self, shown: &OrderShown, record: &Record) {
        let Some(lived) = self.lived(shown.id) else { return };
        lived.placed_by = lived.placed_by.min(record.end);
        if shown.status == OrderStatus::Cancelled {
            lived.cancelled_by = lived.cancelled_by.min(record.end);
        }
    }

    fn see_placement(&mut self, record: &Record, lines: &[OrderedLine], found: &mut Found) {
        let Record { begin, sequence, .. } = *record;
        match record.shown() {
            Shown::Order(shown) if record.succeeded() => {
                let Some(lived) = self.lived(shown.id) else { return };
                lived.placed_in = lived.placed_in.filter(|_| !record.did_it()).or(Some(sequence));
                if record.did_it() {
                    lived.placed_from = Some(begin);
                }
            }
            Shown::Shortages { items, supplies } => {
                for short in items {
                    let ordered = lines.iter().filter(|line| line.item == short.item).map(|line| line.quantity);
                    let asked: i64 = ordered.map(i64::from).sum();
                    if short.requested != asked {
                        let said = short.requested;
                        let reason = format!("{said} of item {} are said to be asked for, not {asked}", short.item);
                        found.report(Property::Refusals, reason, [sequence]);
                    }
                    self.say(Counter::Item(short.item), short.available, record, true);
                    refuse_in_vain(short.requested, short.available, sequence, found);
                }
                for short in supplies {
                    self.say(Counter::Supply(short.supply), short.available, record, true);
                    refuse_in_vain(short.requested, short.available, sequence, found);
                }
            }
            _ => {}
        }
        if let Some(key) = key_of(record)
            && record.is_unknown()
        {
            let first = self.asked.entry(key).or_insert((begin, sequence));
            *first = (*first).min((begin, sequence));
        }
    }

    fn say(&mut self, of: Counter, quantity: i64, record: &Record, is_refusal: bool) {
        let Record { begin, end, sequence, .. } = *record;
        self.said.push(Said { of, quantity, begin, end, sequence, is_refusal });
    }

    /// Whatever was put to each stock, and taken from it.
    fn flows(&self) -> HashMap<Counter, Vec<Flow>> {
        let mut flows: HashMap<Counter, Vec<Flow>> = HashMap::new();
        for (of, flow) in self.adjustments.flows(&self.tables.tables.ledger) {
            flows.entry(of).or_default().push(flow);
        }
        for (order, lived) in self.tables.tables.orders.iter().zip(&self.orders) {
            let asked = || self.asked.get(&stand_in_for_key(order.customer, order.key.as_deref()?));
            let (from, sequence) = match (lived.placed_from, lived.placed_in) {
                (Some(from), sequence) => (from, sequence),
                (None, replayed) => asked().map_or((0, replayed), |(begin, first)| (*begin, Some(*first))),
            };
            let taken = Flow { amount: 0, from, by: lived.placed_by, sequence };
            let is_back = !order.status.holds_stock();
            // Servers cancel orders by themselves, too.
            let back_from = lived.cancelled_from.unwrap_or(from);
            let back_by = lived.cancelled_by.min(self.tables.tables.read_at);
            let back = Flow { amount: 0, from: back_from, by: back_by, sequence: lived.cancelled_in };
            let mut take = |of: Counter, quantity: i64| {
                let of = flows.entry(of).or_default();
                of.push(Flow { amount: -quantity, ..taken });
                if is_back {
                    of.push(Flow { amount: quantity, ..back });
                }
            };
            for line in &order.lines {
                if line.counted {
                    take(Counter::Item(line.item), i64::from(line.quantity));
                }
                for (supply, quantity) in &line.taken {
                    take(Counter::Supply(*supply), *quantity);
                }
            }
        }
        flows
    }

    /// Whatever is counted at the end, with what is left of it.
    fn left(&self) -> impl Iterator<Item = (Counter, i64)> {
        let items = self.tables.tables.items.iter().filter_map(|row| Some((Counter::Item(row.id), row.stock?)));
        items.chain(self.tables.tables.supplies.iter().map(|row| (Counter::Supply(row.id), row.stock)))
    }
}

fn refuse_in_vain(requested: i64, available: i64, sequence: u64, found: &mut Found) {
    if requested <= available {
        let reason = format!("{requested} were refused though {available} are said to be there");
        found.report(Property::Refusals, reason, [sequence]);
    }
}

fn name(of: Counter) -> String {
    match of {
        Counter::Item(id) => format!("item {id}"),
        Counter::Supply(id) => format!("supply {id}"),
    }
}

impl Checked for Stock<'_> {
    fn see(&mut self, record: &Record, found: &mut Found) {
        if record.succeeded() {
            match record.shown() {
                Shown::Order(order) => self.see_order(order, record),
                Shown::Orders(orders) => orders.iter().for_each(|order| self.see_order(order, record)),
                Shown::Stock(stock) if !record.response().is_some_and(|response| response.replayed) => {
                    self.say(stock.of, stock.stock, record, false);
                }
                Shown::Item(item) if matches!(record.request, Request::ReadItem { .. }) => {
                    if let Some(stock) = item.stock {
                        self.say(Counter::Item(item.id), stock, record, false);
                    }
                }
                _ => {}
            }
        }
        match &record.request {
            Request::PlaceOrder { lines } => self.see_placement(record, lines, found),
            Request::Cancel { order } if record.did_it() => {
                if let Some(lived) = self.lived(*order) {
                    lived.cancelled_from = Some(record.begin);
                    lived.cancelled_in = Some(record.sequence);
                }
            }
            Request::AdjustStock { .. } | Request::Import { .. } => self.adjustments.see(record),
            _ => {}
        }
    }

    fn conclude(mut self: Box<Self>, found: &mut Found) {
        self.adjustments.conclude(&self.tables.tables.ledger, found);
        let left: HashMap<Counter, i64> = self.left().collect();
        let mut timelines = HashMap::new();
        for (of, flows) in self.flows() {
            let Some(left) = left.get(&of) else { continue };
            let comes_to: i64 = flows.iter().map(|flow| flow.amount).sum();
            if comes_to != *left {
                let reason = format!("of {}, {left} are left, and its ledger and orders come to {comes_to}", name(of));
                found.report(Property::Stock, reason, []);
            }
            found.look_at(Property::Stock, flows.len());
            let timeline = Timeline::of(flows);
            if let Some((too_many, shown_by)) = timeline.oversold() {
                let reason = format!("of {}, {too_many} more were sold than there were", name(of));
                found.report(Property::Stock, reason, shown_by);
            }
            timelines.insert(of, timeline);
        }
        for (of, left) in left {
            if left < 0 || (left != 0 && !timelines.contains_key(&of)) {
                found.report(Property::Stock, format!("of {}, {left} are left", name(of)), []);
            }
        }
        for said in std::mem::take(&mut self.said) {
            let Some(timeline) = timelines.get(&said.of).filter(|_| !found.is_plenty(Property::Refusals)) else {
                continue;
            };
            found.look_at(Property::Refusals, 1);
            let Err((least, most, shown_by)) = timeline.may_be(said.quantity, said.begin, said.end) else { continue };
            let what = if said.is_refusal { "was refused because" } else { "was said that" };
            let bounds = format!("between {least} and {most} were there all that time");
            let reason = format!("it {what} {} of {} were left, and {bounds}", said.quantity, name(said.of));
            found.report(Property::Refusals, reason, shown_by.into_iter().chain([said.sequence]));
        }
    }
}
