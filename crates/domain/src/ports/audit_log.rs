use async_trait::async_trait;

use crate::{AccountId, AuditAction, AuditEntry, AuditRecord, Page, PageLimit};

use super::Unavailable;

/// Which entries to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditQuery {
    /// Only records of this kind.
    pub action: Option<AuditAction>,
    /// Only records of this account.
    pub actor: Option<AccountId>,
    /// Only records done to this id or address.
    pub target: Option<String>,
    /// Only those before this one: the last entry of the page before.
    pub before: Option<i64>,
    /// Only those after this one.
    pub after: Option<i64>,
    /// The size of the page.
    pub limit: PageLimit,
}

/// The audit log. What is recorded cannot be changed. Adapters record changes of the menu and of accounts in the
/// transaction that makes them.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait AuditLog: Send + Sync {
    /// Adds an entry.
    async fn record(&self, record: AuditRecord) -> Result<(), Unavailable>;

    /// The id of the newest entry, whether it can be read or not; `0` if there is none.
    async fn newest(&self) -> Result<i64, Unavailable>;

    /// A page of entries, the newest first.
    async fn entries(&self, query: AuditQuery) -> Result<Page<AuditEntry, i64>, Unavailable>;
}
