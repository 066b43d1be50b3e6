//! Every 201 is in the tables exactly once, as it was confirmed and as it was asked for, and nothing else is.

use std::collections::{HashMap, HashSet};

use comanda_domain::{AccountId, OrderId};

use super::{Checked, Ordered, key_of, stand_in, stand_in_for_key};
use crate::{LineRow, LineShown, OrderRow, OrderShown, OrderedLine, Property, Record, Request, Shown, finding::Found};

pub(super) struct Placed<'t> {
    tables: &'t Ordered<'t>,
    /// Orders that were confirmed, with the call that did it.
    confirmed: HashMap<OrderId, Option<u64>>,
    /// A call of unknown outcome by its key.
    unknown: HashMap<u64, u64>,
    /// What was asked for under these keys.
    asked: HashSet<(u64, u64)>,
    /// How many calls of unknown outcome had no key, by who asked for what.
    unknown_without_key: HashMap<u64, u32>,
    /// A refused call by its key.
    refused: HashMap<u64, u64>,
    people: HashSet<AccountId>,
}

impl<'t> Placed<'t> {
    pub(super) fn of(tables: &'t Ordered<'t>) -> Self {
        Self {
            tables,
            confirmed: HashMap::new(),
            unknown: HashMap::new(),
            asked: HashSet::new(),
            unknown_without_key: HashMap::new(),
            refused: HashMap::new(),
            people: HashSet::new(),
        }
    }

    fn confirm(&mut self, record: &Record, shown: &OrderShown, lines: &[OrderedLine], found: &mut Found) {
        let (id, this) = (shown.id, record.sequence);
        let before = self.confirmed.entry(id).or_default();
        if record.did_it()
            && let Some(before) = before.replace(this)
        {
            found.report(Property::Placed, format!("two calls have placed order {id}"), [before, this]);
        }
        found.look_at(Property::Placed, 1);
        let differs = match self.tables.order(id) {
            None => Some("is not in the tables".to_owned()),
            Some(row) => difference(record, shown, lines, row),
        };
        if let Some(what) = differs {
            found.report(Property::Placed, format!("order {id} was confirmed, and {what}"), [this]);
        }
    }
}

impl Checked for Placed<'_> {
    fn see(&mut self, record: &Record, found: &mut Found) {
        self.people.extend(record.account);
        let Request::PlaceOrder { lines } = &record.request else { return };
        if record.succeeded() {
            if let Shown::Order(shown) = record.shown() {
                self.confirm(record, shown, lines, found);
            }
            return;
        }
        match (key_of(record), record.is_unknown()) {
            (Some(key), true) => {
                self.unknown.insert(key, record.sequence);
                self.asked.insert((key, stand_in_for_asked(lines)));
            }
            (Some(key), false) => {
                self.refused.insert(key, record.sequence);
            }
            (None, true) => {
                let asked = stand_in((record.account, stand_in_for_asked(lines)));
                *self.unknown_without_key.entry(asked).or_default() += 1;
            }
            (None, false) => {}
        }
    }

    fn conclude(mut self: Box<Self>, found: &mut Found) {
        let mut keys = HashMap::new();
        for row in &self.tables.tables.orders {
            let key = row.key.as_deref().map(|key| stand_in_for_key(row.customer, key));
            if let Some(key) = key
                && let Some(other) = keys.insert(key, row.id)
            {
                let reason = format!("orders {other} and {} were placed under one key", row.id);
                let by = [other, row.id].into_iter().filter_map(|id| self.confirmed.get(&id).copied().flatten());
                let unknown = self.unknown.get(&key).copied();
                found.report(Property::Placed, reason, by.chain(unknown));
            }
            if self.confirmed.contains_key(&row.id) || !self.people.contains(&row.customer) {
                continue;
            }
            found.look_at(Property::Placed, 1);
            let there = stand_in_for_row(&row.lines);
            if let Some(key) = key {
                match self.unknown.get(&key) {
                    Some(_) if self.asked.contains(&(key, there)) => {}
                    Some(sequence) => {
                        let reason = format!("order {} has other lines than were asked for under its key", row.id);
                        found.report(Property::Placed, reason, [*sequence]);
                    }
                    None => {
                        let reason = match self.refused.contains_key(&key) {
                            true => format!("order {} is in the tables, and its customer was refused it", row.id),
                            false => format!("order {} is in the tables, and nobody has placed it", row.id),
                        };
                        found.report(Property::Placed, reason, self.refused.get(&key).copied());
                    }
                }
                continue;
            }
            match self.unknown_without_key.get_mut(&stand_in((Some(row.customer), there))) {
                Some(left) if *left > 0 => *left -= 1,
                _ => {
                    let reason = format!("order {} is in the tables more often than it was asked for", row.id);
                    found.report(Property::Placed, reason, []);
                }
            }
        }
    }
}

/// Stands for what was asked for.
fn stand_in_for_asked(lines: &[OrderedLine]) -> u64 {
    let line = |line: &OrderedLine| {
        let selections = line.selections.iter().map(|selection| (selection.option, selection.quantity));
        (line.item, line.quantity, selections.collect::<Vec<_>>())
    };
    stand_in(lines.iter().map(line).collect::<Vec<_>>())
}

/// The same of what is there.
fn stand_in_for_row(lines: &[LineRow]) -> u64 {
    let line = |line: &LineRow| {
        let selections = line.selections.iter().map(|(option, quantity, _)| (*option, *quantity));
        (line.item, line.quantity, selections.collect::<Vec<_>>())
    };
    stand_in(lines.iter().map(line).collect::<Vec<_>>())
}

/// What is not as it was confirmed, or not as it was asked for.
fn difference(record: &Record, shown: &OrderShown, asked: &[OrderedLine], row: &OrderRow) -> Option<String> {
    if shown.total != row.total {
        return Some(format!("its total was {} and is {}", shown.total, row.total));
    }
    if record.account.is_some_and(|account| account != row.customer) || shown.customer != row.customer {
        return Some(format!("it is of customer {}", row.customer));
    }
    if let Some(key) = &record.key
        && row.key.as_ref() != Some(&key.key)
    {
        return Some(format!("it is under the key {:?}", row.key));
    }
    if stand_in_for_asked(asked) != stand_in_for_row(&row.lines) {
        return Some("it has other lines than were asked for".to_owned());
    }
    let lines_total: i64 = row.lines.iter().map(total_of).sum();
    if lines_total != row.total {
        return Some(format!("its lines come to {lines_total}, and it to {}", row.total));
    }
    let lines = shown.lines.as_ref()?;
    if shown.line_count as usize != row.lines.len() || lines.len() != row.lines.len() {
        return Some(format!("it had {} lines and has {}", shown.line_count, row.lines.len()));
    }
    let differs = |(_, (shown, row)): &(usize, (&LineShown, &LineRow))| !is_same(shown, row);
    let (place, _) = lines.iter().zip(&row.lines).enumerate().find(differs)?;
    Some(format!("its line {place} is another one by now"))
}

fn total_of(line: &LineRow) -> i64 {
    i64::from(line.quantity) * (line.unit_price + line.extras)
}

fn is_same(shown: &LineShown, row: &LineRow) -> bool {
    let selections = shown.selections.iter().map(|chosen| (chosen.option, chosen.quantity, chosen.unit_price));
    shown.item == row.item
        && shown.quantity == row.quantity
        && shown.unit_price == row.unit_price
        && shown.line_total == total_of(row)
        && selections.eq(row.selections.iter().copied())
}
