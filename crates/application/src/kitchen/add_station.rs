use comanda_domain::{
    NewStation, StaffMember, Station, StationCategories, StationId, StationName, StationPlace,
    ports::{AddStationError, Idempotent},
};

use super::Kitchen;
use crate::IdempotentRequest;

impl Kitchen {
    /// Adds a station, behind the last one unless it says where.
    pub async fn add_station(
        &self,
        by: StaffMember,
        name: StationName,
        categories: StationCategories,
        place: Option<StationPlace>,
        request: Option<IdempotentRequest>,
    ) -> Result<Idempotent<Station>, AddStationError> {
        let (id, added_at) = (StationId::new(self.ids.generate()), self.clock.now());
        let idempotency = request.map(|request| request.by(by.account_id()));
        let station = NewStation { id, name, categories, place, added_at };
        self.stations.add(station, by.account_id(), idempotency).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use comanda_domain::ports::MockStations;

    use super::*;
    use crate::sample;

    #[tokio::test]
    async fn adds_the_station_under_the_name_of_who_did_it() {
        let mut stored = MockStations::new();
        stored
            .expect_add()
            .once()
            .withf(|station, by, _| station.name.as_str() == "Grill" && *by == sample::staff().account_id())
            .returning(|_, _, _| Ok(Idempotent { outcome: sample::station(), replayed: false }));
        let kitchen = Kitchen { stations: Arc::new(stored), ..sample::kitchen() };
        let details = sample::station().details;
        let added = kitchen.add_station(sample::staff(), details.name, details.categories, None, None).await;
        assert!(added.is_ok());
    }
}
