//! Running the server: feature flags, lockouts, the audit log, and the deletion of what is of no use any more.

mod delete_old_rows;
mod end_sessions;
mod find_lockout;
mod list_lockouts;
mod read_audit_log;
mod read_flag;
mod set_flag;
mod unlock;

use std::sync::Arc;

use comanda_domain::{
    FlagDefaults,
    ports::{Accounts, AuditLog, Clock, FlagSettings, LockedAddresses, Lockouts, SecurityLog},
};

pub use delete_old_rows::Retention;
pub use end_sessions::{EndSessions, EndedAll};
pub use unlock::{OperatorUnlockError, UnlockError};

/// What admins see and change of a running server. One file per verb.
pub struct Operations {
    pub accounts: Arc<dyn Accounts>,
    pub lockouts: Arc<dyn Lockouts>,
    pub locked_addresses: Arc<dyn LockedAddresses>,
    pub audit_log: Arc<dyn AuditLog>,
    pub security: Arc<dyn SecurityLog>,
    pub flag_settings: Arc<dyn FlagSettings>,
    /// The percentages of flags until somebody sets them.
    pub flag_defaults: FlagDefaults,
    pub clock: Arc<dyn Clock>,
}
