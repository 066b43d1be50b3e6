use async_trait::async_trait;

use crate::{Admission, AttemptId, AttemptOutcome, Claimant, Email, Lock, LockReason, LockedAddress, Page, PageLimit};

use super::Unavailable;

/// Where a page of locked addresses ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockedAddressPosition {
    /// When the last entry's lock ends.
    pub unlock_at: crate::Timestamp,
    /// The last entry's address.
    pub email: Email,
}

/// Which locked addresses to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LockoutsQuery {
    /// Only those that are locked for this reason.
    pub reason: Option<LockReason>,
    /// Only those after this position.
    pub after: Option<LockedAddressPosition>,
    /// The size of the page.
    pub limit: PageLimit,
}

/// Runs a [`LockoutPolicy`](crate::LockoutPolicy) for every [`Claimant`], each step atomically, for however many
/// servers.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait Lockouts: Send + Sync {
    /// Announces an attempt. While others in flight might use up the allowance, it waits for them for some seconds;
    /// [`Admission::Busy`] means that it stopped waiting.
    async fn begin(&self, claimant: &Claimant, id: AttemptId) -> Result<Admission, Unavailable>;

    /// Settles an attempt that was allowed. Returns the lock, if a failure has led to one.
    async fn settle(
        &self,
        claimant: &Claimant,
        id: AttemptId,
        outcome: AttemptOutcome,
    ) -> Result<Option<Lock>, Unavailable>;

    /// Takes over a lock that was set where these lockouts were out of reach. A lock that lasts longer stays.
    async fn adopt(&self, claimant: &Claimant, lock: Lock) -> Result<(), Unavailable>;

    /// Forgets everything about the address, and about the devices of its account.
    async fn unlock(&self, email: &Email) -> Result<(), Unavailable>;
}

/// The addresses that are locked now, for admins.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait LockedAddresses: Send + Sync {
    /// The lock of the address for strangers, or otherwise for one of its account's devices, if there is one now.
    async fn find(&self, email: &Email) -> Result<Option<LockedAddress>, Unavailable>;

    /// The addresses that are locked for strangers now, those that open first at the front.
    async fn list(&self, query: LockoutsQuery) -> Result<Page<LockedAddress, LockedAddressPosition>, Unavailable>;
}
