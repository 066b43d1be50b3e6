//! What operators look at and set: the audit log, feature flags, lockouts and rate limits.

mod audit;
mod feature_flag;
mod lockout;
mod rate_limit;
mod retention;
mod security;

pub use audit::*;
pub use feature_flag::*;
pub use lockout::*;
pub use rate_limit::*;
pub use retention::*;
pub use security::*;
