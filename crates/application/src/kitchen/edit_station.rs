use comanda_domain::{StaffMember, Station, StationEdit, StationId, ports::EditStationError};

use super::Kitchen;

impl Kitchen {
    /// Changes a station. `revision` is the one the editor has seen, if they say it.
    pub async fn edit_station(
        &self,
        by: StaffMember,
        id: StationId,
        revision: Option<u32>,
        edit: StationEdit,
    ) -> Result<Station, EditStationError> {
        self.stations.edit(id, revision, edit, by.account_id(), self.clock.now()).await
    }
}
