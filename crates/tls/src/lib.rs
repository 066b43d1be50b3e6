//! Whom the certificates of PostgreSQL and Redis must come from, and why one was refused.

mod authorities;
mod refusal;

pub use authorities::{Authorities, InvalidAuthorities};
pub use refusal::refusal;
