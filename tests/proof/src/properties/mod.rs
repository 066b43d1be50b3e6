//! A module per property. Each sees every record once, in whatever order, keeps what it needs, and concludes at the
//! end.

mod boards;
mod events;
mod locks;
mod menu;
mod money;
mod placed;
mod replays;
mod sessions;
mod stock;
mod tickets;
mod versions;

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
};

use comanda_domain::{AccountId, OrderId};

use crate::{Fault, OrderRow, Record, Request, Tables, finding::Found};

/// A property, while the history is read.
pub(crate) trait Checked {
    fn see(&mut self, record: &Record, found: &mut Found);

    fn conclude(self: Box<Self>, found: &mut Found);
}

/// All of them, about these tables.
pub(crate) fn all<'t>(tables: &'t Ordered<'t>) -> Vec<Box<dyn Checked + 't>> {
    vec![
        Box::new(placed::Placed::of(tables)),
        Box::new(stock::Stock::of(tables)),
        Box::new(replays::Replays::default()),
        Box::new(versions::Versions::of(tables)),
        Box::new(money::Money::of(tables)),
        Box::new(events::Events::of(tables)),
        Box::new(menu::Menus::of(tables)),
        Box::new(locks::Locks::of(tables)),
        Box::new(sessions::Sessions::of(tables)),
        Box::new(boards::Boards::of(tables)),
        Box::new(tickets::Tickets::of(tables)),
    ]
}

/// The tables, with their orders by id.
pub(crate) struct Ordered<'t> {
    pub(crate) tables: &'t Tables,
    by_id: HashMap<OrderId, u32>,
}

impl<'t> Ordered<'t> {
    pub(crate) fn of(tables: &'t Tables) -> Self {
        let by_id = (0_u32..).zip(&tables.orders).map(|(place, order)| (order.id, place)).collect();
        Self { tables, by_id }
    }

    fn place(&self, id: OrderId) -> Option<u32> {
        self.by_id.get(&id).copied()
    }

    /// Whether it reached somebody after the tables were read, which need not have it: servers go on by themselves.
    fn were_read_before(&self, record: &Record) -> bool {
        record.begin > self.tables.read_at
    }

    fn order(&self, id: OrderId) -> Option<&'t OrderRow> {
        self.place(id).map(|place| &self.tables.orders[place as usize])
    }
}

/// While something was broken, servers learn nothing of one another.
#[derive(Default)]
struct Faults {
    /// When they began and ended, in the order in which they began once all are seen.
    spans: Vec<(u64, u64)>,
}

impl Faults {
    fn see(&mut self, record: &Record) {
        // A server without the lockouts of all knows of everything else.
        if matches!(&record.request, Request::Fault { fault } if *fault != Fault::LockoutsAlone) {
            self.spans.push((record.begin, record.end));
        }
    }

    fn are_seen(&mut self) {
        self.spans.sort_unstable();
    }

    /// When every server knows of what there was at some moment, if that takes so long while nothing is broken.
    fn known_by(&self, moment: u64, within_ms: u64) -> u64 {
        let within = within_ms.saturating_mul(1_000_000);
        let mut by = moment.saturating_add(within);
        for (begin, end) in &self.spans {
            if *begin <= by && *end >= moment {
                by = by.max(end.saturating_add(within));
            }
        }
        by
    }
}

/// Stands for a value where a million of them would take too much room. That two values have the same is as likely as
/// being struck by lightning twice.
fn stand_in(value: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// Stands for a key within its account.
fn stand_in_for_key(account: AccountId, key: &str) -> u64 {
    stand_in((account, key))
}

/// Stands for the key that went along with a call.
fn key_of(record: &Record) -> Option<u64> {
    let (account, key) = record.account.zip(record.key.as_ref())?;
    Some(stand_in_for_key(account, &key.key))
}

/// The groups of those with the same key, of what is sorted by it.
fn groups<T, K: PartialEq>(sorted: &[T], key: impl Fn(&T) -> K) -> impl Iterator<Item = &[T]> {
    sorted.chunk_by(move |a, b| key(a) == key(b))
}
