//! Placing orders: a queue, and one committer that places all orders that wait in one transaction.

mod asked_again;
mod columns;
mod committer;
mod definitions;
mod find_placed;
mod flush;
mod locked_stock;
mod queue;
mod repetitions;
mod replays;
mod statements;
mod transaction;
mod turn;
mod write;

use std::time::Duration;

use comanda_domain::AcceptOrders;

pub use self::flush::EarlyRelease;
pub(super) use self::{
    definitions::Definitions, find_placed::PlacedLookups, locked_stock::LockedStock, queue::PlacementQueue,
};

/// The limits of placing orders.
#[derive(Clone, Copy, Debug)]
pub struct PlacementConfig {
    /// How many orders may wait. One more is refused immediately.
    pub queue_capacity: usize,
    /// The most orders in one transaction.
    pub batch_limit: usize,
    /// How long an order may take, from being queued to being answered.
    pub deadline: Duration,
    /// Whether the locks of a batch are released before it is on disk.
    pub early_release: EarlyRelease,
    /// Who accepts what is placed.
    pub accept: AcceptOrders,
}
