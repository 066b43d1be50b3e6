//! Placing orders: a queue, and one committer that places all orders that wait in one transaction.

mod queue;
mod statements;
mod transaction;

use std::time::Duration;

pub(super) use self::queue::PlacementQueue;

/// How placing orders is bounded.
#[derive(Clone, Copy, Debug)]
pub struct PlacementConfig {
    /// How many orders may wait; one more is refused at once.
    pub queue_capacity: usize,
    /// The most orders in one transaction.
    pub batch_limit: usize,
    /// From the moment an order is handed over to its answer.
    pub deadline: Duration,
}
