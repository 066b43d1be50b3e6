//! Placing orders.

use std::time::Duration;

use comanda_domain::AcceptOrders;
use comanda_postgres::{EarlyRelease, PlacementConfig};

use super::setting::settings;

settings! {
    /// How orders are placed.
    pub struct PlacementSettings {
        PLACEMENT_QUEUE => queue: usize in 1..=1_000_000 = 1_024,
            "How many orders may wait for a transaction. One more is refused with 503 at once.";
        PLACEMENT_BATCH => batch: usize in 1..=10_000 = 256,
            "How many orders share a transaction at most.";
        PLACEMENT_DEADLINE_MS => deadline: Duration in 100..=60_000 ms = 5_000,
            "How long placing an order may take; also the limit of every transaction. Both end a little before \
             `REQUEST_TIMEOUT_MS` if that is shorter.";
        EARLY_LOCK_RELEASE => early_release: EarlyRelease = "never",
            "Whether orders that are committed make room for the next before they are on disk, and are answered when \
             they are: `always`, `never`, or `auto`, where flushing takes long and others wait.";
        ACCEPT_ORDERS => accept: AcceptOrders = "staff",
            "Who accepts orders, which sends them to the kitchen: `staff`; `paid`, the server as soon as an order is \
             paid or is to be paid at the counter, but not one that costs nothing; or `always`, the server on \
             placement. What is accepted is never cancelled for not being paid.";
    }
}

impl PlacementSettings {
    pub fn config(&self) -> PlacementConfig {
        PlacementConfig {
            queue_capacity: self.queue,
            batch_limit: self.batch,
            deadline: self.deadline,
            early_release: self.early_release,
            accept: self.accept,
        }
    }
}
