//! The audit log, the settings of feature flags, and the deletion of what is of no use any more.

mod audit_access;
mod audit_log;
mod backlog;
mod feature_flags;
mod retention;
mod session_access;
mod snapshots;
mod text_settings;

pub(crate) use self::audit_log::{write_record, write_records};
pub use self::{
    audit_access::ways_to_change_the_audit_log,
    audit_log::PostgresAuditLog,
    backlog::{BacklogCounts, HeldLease, MOST_COUNTED, backlog, leases},
    feature_flags::PostgresFlagSettings,
    retention::PostgresRetention,
    session_access::gap_in_sight_of_sessions,
    snapshots::{EventHorizon, HeldSnapshot, dead_rows, event_horizon, oldest_snapshot},
    text_settings::gap_in_texts,
};
