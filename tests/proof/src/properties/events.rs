//! Every version has its event, every event is delivered at least once to every receiver, and in order per order, its
//! payments' included.

use std::collections::{BTreeMap, HashMap, HashSet};

use comanda_domain::PaymentId;
use uuid::Uuid;

use super::{Checked, Ordered, stand_in};
use crate::{EventRow, Property, Record, Request, Shown, WebhookEvent, finding::Found};

/// Where an event is in the outbox: its transaction and its id.
type Place = (i64, i64);

pub(super) struct Events<'t> {
    tables: &'t Ordered<'t>,
    receivers: Vec<String>,
    deliveries: Vec<Delivery>,
    /// Which call showed a version first, by what stands for both.
    told: HashMap<u64, u64>,
    /// What an event's id stands for, with a delivery that says so.
    ids: HashMap<Uuid, (u64, u64)>,
}

struct Delivery {
    /// Its place among the receivers.
    to: u32,
    event: u64,
    begin: u64,
    sequence: u64,
    /// Whether the receiver took it.
    is_taken: bool,
    /// It may be of an event that the tables do not have.
    is_late: bool,
}

/// Stands for an event, as far as its receivers know it.
fn of_webhook(event: &WebhookEvent) -> u64 {
    let of_order = event.kind.starts_with("order.").then_some(event.version);
    stand_in((&event.kind, event.subject, event.payment.map(PaymentId::as_uuid), of_order.flatten(), event.time_ms))
}

/// The same of an event in the outbox.
fn of_row(event: &EventRow) -> u64 {
    let payment = event.kind.starts_with("payment.").then_some(event.subject);
    let of_order = event.kind.starts_with("order.").then_some(event.version);
    stand_in((&event.kind, event.stream, payment, of_order, event.time_ms))
}

/// Tickets are told to the kitchen alone.
fn is_for_receivers(event: &EventRow) -> bool {
    event.kind != "ticket.changed"
}

impl<'t> Events<'t> {
    pub(super) fn of(tables: &'t Ordered<'t>) -> Self {
        let receivers = tables.tables.settings.receivers.clone();
        Self { tables, receivers, deliveries: Vec::new(), told: HashMap::new(), ids: HashMap::new() }
    }

    fn place(&mut self, receiver: &str) -> u32 {
        let place = self.receivers.iter().position(|known| known == receiver).unwrap_or_else(|| {
            self.receivers.push(receiver.to_owned());
            self.receivers.len() - 1
        });
        u32::try_from(place).unwrap_or(u32::MAX)
    }

    /// Whatever has versions must have an event for each of them.
    fn compare_versions(&self, found: &mut Found) {
        let tables = self.tables.tables;
        let mut versions: HashMap<Uuid, Vec<u32>> = HashMap::new();
        for event in tables.events.iter().filter(|event| !event.kind.starts_with("payment.")) {
            versions.entry(event.subject).or_default().push(event.version);
        }
        let orders = tables.orders.iter().map(|row| ("order", row.id.as_uuid(), row.version));
        let tickets = tables.tickets.iter().map(|row| ("ticket", row.id.as_uuid(), row.version));
        for (what, id, last) in orders.chain(tickets) {
            let mut has = versions.remove(&id).unwrap_or_default();
            has.sort_unstable();
            if has.iter().copied().eq(1..=last) {
                continue;
            }
            let missing = (1..=last).find(|version| !has.contains(version));
            let reason = match missing {
                Some(version) => format!("version {version} of {what} {id} has no event"),
                None => format!("{what} {id} is at version {last}, and has {} events", has.len()),
            };
            let told = missing.and_then(|version| self.told.get(&stand_in((id, version))).copied());
            found.report(Property::Events, reason, told);
        }
    }

    /// Every event must have been taken by every receiver, and no other.
    fn compare_deliveries(&self, found: &mut Found) {
        let tables = self.tables.tables;
        let (mut taken, mut refused) = (HashSet::new(), HashMap::new());
        for delivery in &self.deliveries {
            match delivery.is_taken {
                true => taken.insert((delivery.to, delivery.event)),
                false => refused.insert((delivery.to, delivery.event), delivery.sequence).is_none(),
            };
        }
        let dead: HashSet<i64> = tables.dead_letters.iter().copied().collect();
        let mut known = HashSet::new();
        for row in tables.events.iter().filter(|row| is_for_receivers(row)) {
            let event = of_row(row);
            known.insert(event);
            for (to, receiver) in (0..).zip(&self.receivers) {
                found.look_at(Property::Events, 1);
                if taken.contains(&(to, event)) || dead.contains(&row.id) {
                    continue;
                }
                let id = row.id;
                let reason = format!("event {id}, {} of {}, was never delivered to {receiver}", row.kind, row.stream);
                let told = self.told.get(&stand_in((row.subject, row.version))).copied();
                found.report(Property::Events, reason, refused.get(&(to, event)).copied().or(told));
            }
        }
        let is_unknown = |delivery: &&Delivery| !delivery.is_late && !known.contains(&delivery.event);
        for delivery in self.deliveries.iter().filter(is_unknown) {
            let reason = "an event was delivered, and is not in the outbox".to_owned();
            found.report(Property::Events, reason, [delivery.sequence]);
        }
    }

    /// Whoever gets an event of an order, or of its payments, has taken the one before it. Versions say which that is
    /// among those of one subject, and the outbox among all.
    fn compare_order(&self, found: &mut Found) {
        let dead: HashSet<i64> = self.tables.tables.dead_letters.iter().copied().collect();
        let is_ordered = |row: &&EventRow| is_for_receivers(row) && row.kind != "item.sold_out";
        let mut versions: HashMap<(Uuid, Uuid), BTreeMap<u32, u64>> = HashMap::new();
        let mut streams: HashMap<Uuid, BTreeMap<Place, (Uuid, u64)>> = HashMap::new();
        for row in self.tables.tables.events.iter().filter(is_ordered).filter(|row| !dead.contains(&row.id)) {
            let event = of_row(row);
            versions.entry((row.stream, row.subject)).or_default().insert(row.version, event);
            if let Some(transaction) = row.transaction {
                streams.entry(row.stream).or_default().insert((transaction, row.id), (row.subject, event));
            }
        }
        let mut pairs: Vec<(Uuid, [u64; 2])> = Vec::new();
        for ((stream, _), versions) in &versions {
            let events = versions.values().zip(versions.values().skip(1));
            pairs.extend(events.map(|(before, after)| (*stream, [*before, *after])));
        }
        for (stream, events) in &streams {
            let events = events.values().zip(events.values().skip(1));
            let of_two = events.filter(|((one, _), (other, _))| one != other);
            pairs.extend(of_two.map(|((_, before), (_, after))| (*stream, [*before, *after])));
        }
        // By event: when it came first, and when it was taken first, each with its delivery.
        let mut first: HashMap<(u32, u64), [(u64, u64); 2]> = HashMap::new();
        for Delivery { to, event, begin, sequence, is_taken, .. } in &self.deliveries {
            let moments = first.entry((*to, *event)).or_insert([(u64::MAX, 0); 2]);
            moments[0] = moments[0].min((*begin, *sequence));
            if *is_taken {
                moments[1] = moments[1].min((*begin, *sequence));
            }
        }
        for (stream, [before, after]) in pairs {
            for (to, receiver) in (0..).zip(&self.receivers) {
                let (Some(before), Some(after)) = (first.get(&(to, before)), first.get(&(to, after))) else { continue };
                found.look_at(Property::Events, 1);
                if after[0].0 < before[1].0 {
                    let reason = format!("{receiver} got an event of {stream} before it had taken the one before");
                    let taken = (before[1].0 < u64::MAX).then_some(before[1].1);
                    found.report(Property::Events, reason, taken.into_iter().chain([after[0].1]));
                }
            }
        }
    }
}

impl Checked for Events<'_> {
    fn see(&mut self, record: &Record, found: &mut Found) {
        let Record { begin, sequence, .. } = *record;
        if let Request::Webhook(event) = &record.request {
            let what = of_webhook(event);
            let (before, by) = *self.ids.entry(event.id).or_insert((what, sequence));
            if before != what {
                let reason = format!("two events have the id {}", event.id);
                found.report(Property::Events, reason, [by, sequence]);
            }
            let to = self.place(&event.receiver);
            let (is_taken, is_late) = (record.succeeded(), self.tables.were_read_before(record));
            self.deliveries.push(Delivery { to, event: what, begin, sequence, is_taken, is_late });
            return;
        }
        if !record.did_it() {
            return;
        }
        let told = match record.shown() {
            Shown::Order(order) => stand_in((order.id.as_uuid(), order.version)),
            Shown::Ticket(ticket) => stand_in((ticket.id.as_uuid(), ticket.version)),
            _ => return,
        };
        let first = self.told.entry(told).or_insert(sequence);
        *first = (*first).min(sequence);
    }

    fn conclude(self: Box<Self>, found: &mut Found) {
        self.compare_versions(found);
        self.compare_deliveries(found);
        self.compare_order(found);
    }
}
