use crate::SecurityEvent;

/// Where whoever watches for attacks reads what happened. Recording never waits and never fails: what must not be lost
/// is in the [`AuditLog`](super::AuditLog).
#[cfg_attr(feature = "mocks", mockall::automock)]
pub trait SecurityLog: Send + Sync {
    /// Records an event.
    fn record(&self, event: SecurityEvent);
}
