//! The audit log and the settings of feature flags.

mod audit_log;
mod feature_flags;

pub(crate) use self::audit_log::write_record;
pub use self::{audit_log::PostgresAuditLog, feature_flags::PostgresFlagSettings};
