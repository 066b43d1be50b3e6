use async_trait::async_trait;
use thiserror::Error;

use crate::{
    AccountId, Idempotency, KeyRefusal, NewStation, Page, PageLimit, Station, StationEdit, StationId, StationPosition,
    Timestamp,
};

use super::{Idempotent, Unavailable};

/// Which stations to list. Archived ones are never listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StationsQuery {
    /// Only stations after this one.
    pub after: Option<StationPosition>,
    /// The most stations to return.
    pub limit: PageLimit,
}

/// Why a station was not added.
#[derive(Debug, Error)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum AddStationError {
    /// The categories at these positions (counted from 0) go to other stations.
    #[error("the categories {0:?} go to other stations")]
    CategoriesTaken(Vec<usize>),
    /// The key is not free.
    #[error(transparent)]
    Key(#[from] KeyRefusal),
    /// The store failed.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// Why a station was not edited.
#[derive(Debug, Error)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum EditStationError {
    /// There is no such station, or it is archived.
    #[error("no such station")]
    NotFound,
    /// Somebody changed it after the revision the caller had seen.
    #[error("the station was changed meanwhile; it is at revision {current}")]
    Stale {
        /// Its revision now.
        current: u32,
    },
    /// The categories at these positions (counted from 0) go to other stations.
    #[error("the categories {0:?} go to other stations")]
    CategoriesTaken(Vec<usize>),
    /// The store failed.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// Why a station was not archived.
#[derive(Debug, Error)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum ArchiveStationError {
    /// There is no such station, or it is archived.
    #[error("no such station")]
    NotFound,
    /// Somebody changed it after the revision the caller had seen.
    #[error("the station was changed meanwhile; it is at revision {current}")]
    Stale {
        /// Its revision now.
        current: u32,
    },
    /// The store failed.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// The stations of the kitchen. Changes go one after the other, so that no category ever goes to two of them.
///
/// A `revision` is the one that the editor has seen; `None`: whatever it is.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait Stations: Send + Sync {
    /// One station that is not archived.
    async fn find(&self, id: StationId) -> Result<Option<Station>, Unavailable>;

    /// A page of stations, sorted by place, then name, then id.
    async fn list(&self, query: StationsQuery) -> Result<Page<Station, StationPosition>, Unavailable>;

    /// Adds a station. What is accepted from now on goes to it.
    async fn add(
        &self,
        station: NewStation,
        added_by: AccountId,
        idempotency: Option<Idempotency>,
    ) -> Result<Idempotent<Station>, AddStationError>;

    /// Edits a station. An edit that changes nothing MUST NOT raise the revision. Tickets that are written stay.
    async fn edit(
        &self,
        id: StationId,
        revision: Option<u32>,
        edit: StationEdit,
        edited_by: AccountId,
        edited_at: Timestamp,
    ) -> Result<Station, EditStationError>;

    /// Puts a station away for good. Its tickets stay, its categories are free, and menu items that had it for their
    /// own go where their categories go.
    async fn archive(
        &self,
        id: StationId,
        revision: Option<u32>,
        archived_by: AccountId,
        archived_at: Timestamp,
    ) -> Result<(), ArchiveStationError>;
}
