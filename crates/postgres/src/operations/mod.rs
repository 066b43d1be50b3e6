//! The audit log and the settings of feature flags.

mod audit_access;
mod audit_log;
mod feature_flags;
mod session_access;
mod text_settings;

pub(crate) use self::audit_log::{write_record, write_records};
pub use self::{
    audit_access::ways_to_change_the_audit_log, audit_log::PostgresAuditLog, feature_flags::PostgresFlagSettings,
    session_access::gap_in_sight_of_sessions, text_settings::gap_in_texts,
};
