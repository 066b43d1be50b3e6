use std::{sync::Arc, time::Duration};

use comanda_domain::{
    Perishable, RetentionTerms,
    ports::{self, Deleted, Unavailable},
};

/// Deletes what is of no use any more.
pub struct Retention {
    pub rows: Arc<dyn ports::Retention>,
    /// The subscribers that this server delivers to.
    pub subscribers: Vec<String>,
    pub terms: RetentionTerms,
}

impl Retention {
    /// Few enough rows that nobody waits for them.
    const BATCH: u32 = 500;

    /// Longer than between two batches, and than between two rounds.
    const LEASE: Duration = Duration::from_mins(1);

    /// Records which subscribers events are kept for. Every server has to do so, whoever deletes.
    pub async fn see_subscribers(&self) -> Result<(), Unavailable> {
        self.rows.see_subscribers(&self.subscribers).await
    }

    /// Deletes a batch. `None`: another server is the one that deletes.
    pub async fn delete_some(&self, what: Perishable) -> Result<Option<Deleted>, Unavailable> {
        if !self.rows.hold_lease(Self::LEASE).await? {
            return Ok(None);
        }
        self.rows.delete(what, self.terms.age(what), Self::BATCH).await.map(Some)
    }
}

#[cfg(test)]
mod tests {
    use comanda_domain::ports::MockRetention;

    use super::*;

    fn retention(rows: MockRetention) -> Retention {
        let terms = RetentionTerms {
            events: Duration::from_hours(720),
            gateway_events: Duration::from_hours(2160),
            unknown_gateway_events: Duration::from_hours(2160),
            refresh_grace: Duration::from_secs(10),
        };
        Retention { rows: Arc::new(rows), subscribers: Vec::new(), terms }
    }

    #[tokio::test]
    async fn only_the_holder_of_the_lease_deletes() {
        let mut rows = MockRetention::new();
        rows.expect_hold_lease().times(1).returning(|_| Ok(false));
        rows.expect_delete().never();
        assert_eq!(retention(rows).delete_some(Perishable::Mails).await.unwrap(), None);
    }

    #[tokio::test]
    async fn what_is_older_than_the_terms_say_is_deleted() {
        let mut rows = MockRetention::new();
        rows.expect_hold_lease().returning(|_| Ok(true));
        let batch = Deleted { rows: 7, more: false };
        rows.expect_delete()
            .times(1)
            .withf(|what, age, _| *what == Perishable::GatewayEvents && *age == Duration::from_hours(2160))
            .returning(move |_, _, _| Ok(batch));
        assert_eq!(retention(rows).delete_some(Perishable::GatewayEvents).await.unwrap(), Some(batch));
    }
}
