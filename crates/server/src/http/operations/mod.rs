//! `/v1/admin`: lockouts, feature flags and the audit log; and `/health`

mod find_lockout;
mod flag_response;
mod health;
mod list_lockouts;
mod lockout_response;
mod read_audit_log;
mod read_flag;
mod set_flag;
mod unlock;

pub use self::{
    find_lockout::{__path_find_lockout, find_lockout},
    health::{__path_live, __path_ready, Health, live, ready},
    list_lockouts::{__path_list_lockouts, list_lockouts},
    read_audit_log::{__path_read_audit_log, read_audit_log},
    read_flag::{__path_read_flag, read_flag},
    set_flag::{__path_set_flag, set_flag},
    unlock::{__path_unlock, unlock},
};
use self::{flag_response::FlagResponse, lockout_response::LockoutResponse};
