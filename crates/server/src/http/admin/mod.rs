//! `/v1/admin`

mod accounts;
mod audit_log;
mod dead_letters;
mod flags;
mod lockouts;

pub use accounts::{__path_accounts, __path_change_account, accounts, change_account};
pub use audit_log::{__path_audit_log, audit_log};
pub use dead_letters::{__path_dead_letters, __path_resend, dead_letters, resend};
pub use flags::{__path_flag, __path_set_flag, flag, set_flag};
pub use lockouts::{__path_lockout, __path_lockouts, __path_unlock, lockout, lockouts, unlock};
