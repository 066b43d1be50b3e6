use std::sync::Arc;

use comanda_domain::{
    account::StaffMember,
    page::PageLimit,
    ports::{SalesFigures, TopItem, Unavailable},
    sales::Period,
};

/// Which menu items most quantity were sold of.
pub struct ReportTopItems {
    figures: Arc<dyn SalesFigures>,
}

impl ReportTopItems {
    pub fn new(figures: Arc<dyn SalesFigures>) -> Self {
        Self { figures }
    }

    pub async fn execute(
        &self,
        _by: StaffMember,
        period: Period,
        limit: PageLimit,
    ) -> Result<Vec<TopItem>, Unavailable> {
        self.figures.top_items(period, limit).await
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use comanda_domain::ports::MockSalesFigures;

    use super::*;
    use crate::sample;

    #[tokio::test]
    async fn asks_for_the_period_and_the_number() {
        let period = Period::new(sample::now() - TimeDelta::days(30), sample::now()).unwrap();
        let mut figures = MockSalesFigures::new();
        figures
            .expect_top_items()
            .once()
            .withf(move |asked, limit| *asked == period && limit.get() == 5)
            .returning(|_, _| Ok(Vec::new()));
        let report = ReportTopItems::new(Arc::new(figures));
        assert!(report.execute(sample::staff(), period, PageLimit::new(5).unwrap()).await.is_ok());
    }
}
