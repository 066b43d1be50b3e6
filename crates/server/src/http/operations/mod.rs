//! `/v1/admin`: lockouts, feature flags and the audit log; and `/health`

mod audit_log;
mod flags;
mod health;
mod lockouts;

pub use audit_log::{__path_audit_log, audit_log};
pub use flags::{__path_flag, __path_set_flag, flag, set_flag};
pub use health::{__path_live, __path_ready, Health, live, ready};
pub use lockouts::{__path_lockout, __path_lockouts, __path_unlock, lockout, lockouts, unlock};
