//! What an operator sees of a running server as a whole: its metrics, its state and its limits.

mod build;
mod counters;
mod gauges_only;
mod metrics;
mod state;

pub use self::{
    build::{COMMIT, VERSION},
    metrics::Metrics,
    state::{Pools, State},
};
