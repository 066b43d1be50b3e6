use comanda_domain::{StaffMember, Station, StationId, ports::Unavailable};

use super::Kitchen;

impl Kitchen {
    /// Finds a station as it is at this moment.
    pub async fn find_station(&self, _by: StaffMember, id: StationId) -> Result<Option<Station>, Unavailable> {
        self.stations.find(id).await
    }
}
