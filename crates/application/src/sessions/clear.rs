use std::time::Duration;

use comanda_domain::ports::{Clearance, Unavailable};

use super::Sessions;

impl Sessions {
    /// How long a session that has ended is kept: longer than any token of it is valid.
    const KEPT: Duration = Duration::from_hours(48);

    /// For requests that are under way, and for servers whose clocks or settings differ.
    const SLACK: Duration = Duration::from_mins(10);

    /// Few enough that nobody waits for it.
    const BATCH: u32 = 500;

    /// Deletes some of the sessions that ended long ago, and of the refresh tokens that cannot come back any more.
    /// Returns whether there are more.
    pub async fn clear(&self) -> Result<bool, Unavailable> {
        let now = self.clock.now();
        let clearance = Clearance {
            ended_before: now - Self::KEPT,
            // A token whose row is gone is recognized by itself.
            spent_before: now - self.terms.refresh_grace() - Self::SLACK,
            limit: Self::BATCH,
        };
        self.sessions.clear(clearance).await
    }
}
