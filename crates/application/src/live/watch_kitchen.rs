use std::time::Duration;

use comanda_domain::{StaffMember, StationId, Ticket, ports::Unavailable};

use super::{Live, Watch, position};

/// For how long a ticket that is ready is shown to somebody who begins to watch: it may have to be recalled.
const READY_FOR: Duration = Duration::from_hours(1);

impl Live {
    /// Begins to watch the tickets of a station, or of the whole kitchen, after the event with this id if the watcher
    /// has seen one. `None`: there is no such station.
    pub async fn watch_kitchen(
        &self,
        _: StaffMember,
        station: Option<StationId>,
        last_event_id: Option<&str>,
    ) -> Result<Option<Watch<Vec<Ticket>>>, Unavailable> {
        let (from, ready_since) = (position(last_event_id), self.clock.now() - READY_FOR);
        let opening = self.updates.open_kitchen(station, ready_since, from.clone()).await?;
        Ok(opening.map(|opening| Watch::begin(opening, last_event_id, from)))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use comanda_domain::{
        Role,
        ports::{MockLiveUpdates, Opening},
    };

    use super::*;
    use crate::{live::Beginning, sample};

    #[tokio::test]
    async fn the_tickets_that_are_ready_are_those_of_the_last_hour() {
        let station = sample::station().id;
        let mut updates = MockLiveUpdates::new();
        updates
            .expect_open_kitchen()
            .once()
            .withf(move |asked, since, from| {
                (*asked, *since, from) == (Some(station), sample::now() - Duration::from_hours(1), &None)
            })
            .returning(|_, _, _| {
                let position = "1.a.1.2.0".parse().unwrap();
                Ok(Some(Opening { shown: Vec::new(), position, resumes: false }))
            });
        let live = Live { updates: Arc::new(updates), clock: sample::clock() };
        let staff = sample::actor(Role::Staff).as_staff().unwrap();
        let watch = live.watch_kitchen(staff, Some(station), None).await.unwrap().unwrap();
        assert_eq!((watch.shown, watch.beginning), (Vec::new(), Beginning::Snapshot));
    }
}
