use std::time::Duration;

use comanda_domain::ports::Unavailable;

use super::Payments;

impl Payments {
    /// For how long an event of the gateway is kept after it was handled: longer than the gateway repeats it, and long
    /// enough to look into a dispute.
    const EVENTS_KEPT: Duration = Duration::from_hours(90 * 24);

    /// Few enough that nobody waits for it.
    const BATCH: u32 = 500;

    /// Deletes events of the gateway that were handled long ago, in small batches. Returns how many.
    pub async fn delete_handled(&self) -> Result<u64, Unavailable> {
        let before = self.clock.now() - Self::EVENTS_KEPT;
        let mut deleted = 0;
        loop {
            match self.inbox.delete_handled(before, Self::BATCH).await? {
                0 => return Ok(deleted),
                more => deleted += more,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use comanda_domain::ports::MockGatewayInbox;

    use super::*;
    use crate::sample;

    #[tokio::test]
    async fn events_are_kept_for_ninety_days_and_deleted_until_none_is_left() {
        let mut inbox = MockGatewayInbox::new();
        let mut left = vec![0, 7, 500];
        inbox
            .expect_delete_handled()
            .times(3)
            .withf(|before, _| *before == sample::now() - Duration::from_hours(2160))
            .returning_st(move |_, _| Ok(left.pop().unwrap()));
        let payments = Payments { inbox: Arc::new(inbox), ..sample::payments() };
        assert_eq!(payments.delete_handled().await.unwrap(), 507);
    }
}
