//! Stations, and the categories that go to them.

mod add;
mod archive;
mod categories;
mod edit;
mod find;
mod list;
mod lock_for_use;
mod row;

use async_trait::async_trait;
use comanda_domain::{
    AccountId, Idempotency, NewStation, Page, Station, StationEdit, StationId, StationPosition, Timestamp,
    ports::{AddStationError, ArchiveStationError, EditStationError, Idempotent, Stations, StationsQuery, Unavailable},
};

pub(crate) use self::{
    find::station_exists,
    lock_for_use::{Use, lock_for_use},
};
use crate::Database;

/// The stations in the tables `kitchen_stations` and `kitchen_station_categories`.
pub struct PostgresStations {
    database: Database,
}

impl PostgresStations {
    pub fn new(database: Database) -> Self {
        Self { database }
    }
}

#[async_trait]
impl Stations for PostgresStations {
    async fn find(&self, id: StationId) -> Result<Option<Station>, Unavailable> {
        find::find(&self.database, id).await
    }

    async fn list(&self, query: StationsQuery) -> Result<Page<Station, StationPosition>, Unavailable> {
        list::list(&self.database, query).await
    }

    async fn add(
        &self,
        station: NewStation,
        added_by: AccountId,
        idempotency: Option<Idempotency>,
    ) -> Result<Idempotent<Station>, AddStationError> {
        add::add(&self.database, station, added_by, idempotency).await
    }

    async fn edit(
        &self,
        id: StationId,
        revision: Option<u32>,
        edit: StationEdit,
        edited_by: AccountId,
        edited_at: Timestamp,
    ) -> Result<Station, EditStationError> {
        edit::edit(&self.database, id, revision, edit, edited_by, edited_at).await
    }

    async fn archive(
        &self,
        id: StationId,
        revision: Option<u32>,
        archived_by: AccountId,
        archived_at: Timestamp,
    ) -> Result<(), ArchiveStationError> {
        archive::archive(&self.database, id, revision, archived_by, archived_at).await
    }
}
