//! What is written of a batch, by the columns of its tables.

use chrono::{DateTime, Utc};
use comanda_domain::{Filled, NewOrder, Note, OrderLine};
use serde_json::Value;
use uuid::Uuid;

use super::{
    locked_stock::LockedStock,
    statements::{InsertAcceptedOrders, InsertEvents, InsertLines, InsertOrders},
};
use crate::{
    idempotency::fingerprint_of,
    orders::chosen::{extras_of, selections_of, taken_of},
};

/// The orders.
#[derive(Default)]
pub(super) struct OrderColumns<'a> {
    pub(super) ids: Vec<Uuid>,
    customers: Vec<Uuid>,
    totals: Vec<i64>,
    line_counts: Vec<i16>,
    notes: Vec<Option<&'a str>>,
    pub(super) placed_at: Vec<DateTime<Utc>>,
    keys: Vec<Option<&'a str>>,
    fingerprints: Vec<Option<Uuid>>,
}

impl<'a> OrderColumns<'a> {
    pub(super) fn of(filled: &[(&'a NewOrder, &'a Filled)]) -> Self {
        let mut columns = Self::default();
        for (order, filled) in filled {
            columns.ids.push(order.id.as_uuid());
            columns.customers.push(order.customer_id.as_uuid());
            columns.totals.push(filled.total.amount());
            columns.line_counts.push(small(filled.lines.len()));
            columns.notes.push(order.note.as_ref().map(Note::as_str));
            columns.placed_at.push(order.placed_at);
            let request = order.idempotency.as_ref();
            #[cfg(feature = "planted")]
            let request = request.filter(|_| !comanda_planted::Fault::RepetitionExecuted.is_planted());
            columns.keys.push(request.map(|request| request.key.as_str()));
            columns.fingerprints.push(request.map(fingerprint_of));
        }
        columns
    }

    pub(super) fn insert(&self) -> InsertOrders<'_> {
        InsertOrders {
            ids: &self.ids,
            customers: &self.customers,
            totals: &self.totals,
            line_counts: &self.line_counts,
            notes: &self.notes,
            placed_at: &self.placed_at,
            keys: &self.keys,
            fingerprints: &self.fingerprints,
        }
    }

    /// As orders that the server accepts by placing them.
    pub(super) fn insert_accepted(&self) -> InsertAcceptedOrders<'_> {
        InsertAcceptedOrders {
            ids: &self.ids,
            customers: &self.customers,
            totals: &self.totals,
            line_counts: &self.line_counts,
            notes: &self.notes,
            placed_at: &self.placed_at,
            keys: &self.keys,
            fingerprints: &self.fingerprints,
        }
    }
}

/// Their lines.
#[derive(Default)]
pub(super) struct LineColumns<'a> {
    orders: Vec<Uuid>,
    positions: Vec<i16>,
    items: Vec<Uuid>,
    quantities: Vec<i32>,
    unit_prices: Vec<i64>,
    names: Vec<&'a str>,
    notes: Vec<Option<&'a str>>,
    counted: Vec<bool>,
    extras: Vec<i64>,
    selections: Vec<Option<String>>,
    taken: Vec<Option<String>>,
}

impl<'a> LineColumns<'a> {
    pub(super) fn of(filled: &[(&'a NewOrder, &'a Filled)], stock: &LockedStock) -> Self {
        let mut columns = Self::default();
        for (order, filled) in filled {
            for (position, line) in filled.lines.iter().enumerate() {
                columns.orders.push(order.id.as_uuid());
                columns.positions.push(small(position));
                columns.add(line, stock);
            }
        }
        columns
    }

    fn add(&mut self, line: &'a OrderLine, stock: &LockedStock) {
        let text = |json: Option<Value>| json.map(|json| json.to_string());
        self.items.push(line.menu_item_id.as_uuid());
        self.quantities.push(small(line.quantity.get() as usize).into());
        self.unit_prices.push(line.unit_price.amount());
        self.names.push(line.name.as_str());
        self.notes.push(line.note.as_ref().map(Note::as_str));
        self.counted.push(stock.is_counted(line.menu_item_id));
        self.extras.push(extras_of(line));
        self.selections.push(text(selections_of(line)));
        self.taken.push(text(taken_of(line)));
    }

    pub(super) fn insert(&self) -> InsertLines<'_> {
        InsertLines {
            orders: &self.orders,
            positions: &self.positions,
            items: &self.items,
            quantities: &self.quantities,
            unit_prices: &self.unit_prices,
            names: &self.names,
            notes: &self.notes,
            counted: &self.counted,
            extras: &self.extras,
            selections: &self.selections,
            taken: &self.taken,
        }
    }
}

/// The events that announce the orders, and what is sold out by them.
#[derive(Default)]
pub(super) struct EventColumns {
    kinds: Vec<&'static str>,
    subjects: Vec<Uuid>,
    occurred_at: Vec<DateTime<Utc>>,
}

impl EventColumns {
    pub(super) fn of(filled: &[(&NewOrder, &Filled)], sold_out: &[Uuid]) -> Self {
        let mut columns = Self::default();
        for (order, _) in filled {
            columns.add("order.placed", order.id.as_uuid(), order.placed_at);
        }
        let last = columns.occurred_at.iter().max().copied().unwrap_or_default();
        for item in sold_out {
            columns.add("item.sold_out", *item, last);
        }
        columns
    }

    fn add(&mut self, kind: &'static str, subject: Uuid, occurred_at: DateTime<Utc>) {
        self.kinds.push(kind);
        self.subjects.push(subject);
        self.occurred_at.push(occurred_at);
    }

    pub(super) fn insert(&self) -> InsertEvents<'_> {
        InsertEvents { kinds: &self.kinds, subjects: &self.subjects, occurred_at: &self.occurred_at }
    }
}

/// Line numbers, line counts and quantities are at most a hundred.
fn small(number: usize) -> i16 {
    i16::try_from(number).unwrap_or(i16::MAX)
}
