use async_trait::async_trait;

use crate::{
    audit::{AuditEntry, Deed},
    page::{Page, PageLimit},
};

use super::Unavailable;

/// The audit log. What is recorded cannot be changed. Adapters record changes of the menu and of accounts in the transaction that
/// makes them.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait AuditLog: Send + Sync {
    /// Adds an entry.
    async fn record(&self, deed: Deed) -> Result<(), Unavailable>;

    /// A page of entries, the newest first; `before` is the last entry of the page before.
    async fn entries(&self, before: Option<i64>, limit: PageLimit) -> Result<Page<AuditEntry>, Unavailable>;
}
