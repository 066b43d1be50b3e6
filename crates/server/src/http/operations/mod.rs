//! `/v1/admin`: lockouts, feature flags and the audit log; and `/health`

mod find_lockout;
mod flags;
mod health;
mod list_lockouts;
mod lockout_response;
mod read_audit_log;
mod unlock;

use self::lockout_response::LockoutResponse;
pub use self::{
    find_lockout::{__path_find_lockout, find_lockout},
    flags::{__path_read_flag, __path_set_flag, read_flag, set_flag},
    health::{__path_live, __path_ready, Health, live, ready},
    list_lockouts::{__path_list_lockouts, list_lockouts},
    read_audit_log::{__path_read_audit_log, read_audit_log},
    unlock::{__path_unlock, unlock},
};
