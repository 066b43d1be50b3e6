use async_trait::async_trait;

use crate::{Page, PageLimit, Supply, SupplyId, SupplyPosition};

use super::{Unavailable, UnreadableRecord};

/// Which supplies to list. Archived ones are never listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SuppliesQuery {
    /// Only supplies whose name contains this text or a similar word, regardless of case.
    pub name_like: Option<String>,
    /// Only supplies after this one.
    pub after: Option<SupplyPosition>,
    /// The most supplies to return.
    pub limit: PageLimit,
}

/// Every supply that is not archived, and what of them is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SupplyListing {
    /// Sorted by name, then id.
    pub supplies: Vec<Supply>,
    /// Those that cannot be read.
    pub unreadable: Vec<UnreadableRecord>,
}

/// The supplies as they are at this moment, with their stock.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait SupplyList: Send + Sync {
    /// One supply that is not archived.
    async fn supply(&self, id: SupplyId) -> Result<Option<Supply>, Unavailable>;

    /// A page of supplies, sorted by name, then id.
    async fn supplies(&self, query: SuppliesQuery) -> Result<Page<Supply, SupplyPosition>, Unavailable>;

    /// All of them, as they were at one moment.
    async fn listing(&self) -> Result<SupplyListing, Unavailable>;
}
