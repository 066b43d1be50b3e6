//! Connecting to PostgreSQL and Redis: whom their certificates must come from, why one was refused, and whether they
//! are within reach.

mod authorities;
mod reachability;
mod refusal;

pub use authorities::{Authorities, InvalidAuthorities};
pub use reachability::Reachability;
pub use refusal::{reason, refusal};
