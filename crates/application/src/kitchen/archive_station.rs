use comanda_domain::{StaffMember, StationId, ports::ArchiveStationError};

use super::Kitchen;

impl Kitchen {
    /// Puts a station away for good; its tickets stay. `revision` is the one the editor has seen, if they say it.
    pub async fn archive_station(
        &self,
        by: StaffMember,
        id: StationId,
        revision: Option<u32>,
    ) -> Result<(), ArchiveStationError> {
        self.stations.archive(id, revision, by.account_id(), self.clock.now()).await
    }
}
