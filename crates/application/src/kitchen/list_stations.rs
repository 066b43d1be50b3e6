use comanda_domain::{
    Page, PageLimit, StaffMember, Station, StationPosition,
    ports::{StationsQuery, Unavailable},
};

use super::Kitchen;

impl Kitchen {
    /// Lists stations a page at a time.
    pub async fn list_stations(
        &self,
        _by: StaffMember,
        after: Option<StationPosition>,
        limit: PageLimit,
    ) -> Result<Page<Station, StationPosition>, Unavailable> {
        self.stations.list(StationsQuery { after, limit }).await
    }
}
