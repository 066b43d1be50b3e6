//! What an operator sees of a running server as a whole: its metrics, its state and its limits.

mod build;
mod counters;
mod descriptors;
mod gauges_only;
mod metrics;
mod process;
mod state;
mod table;

pub use self::{
    build::{COMMIT, VERSION},
    descriptors::{REFUSALS, raise_limit},
    metrics::Metrics,
    state::{Pools, State},
};
