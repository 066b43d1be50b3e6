use std::sync::Arc;

use chrono::TimeZone;
use comanda_domain::{
    account::StaffMember,
    ports::{SalesFigures, Unavailable},
    sales::{Period, Sales, SalesInterval, TooManyIntervals},
};
use thiserror::Error;

/// Why there is no report.
#[derive(Debug, Error)]
pub enum ReportSalesError {
    #[error(transparent)]
    TooManyIntervals(#[from] TooManyIntervals),
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// What was sold in each hour, day or week.
pub struct ReportSales {
    figures: Arc<dyn SalesFigures>,
}

impl ReportSales {
    pub fn new(figures: Arc<dyn SalesFigures>) -> Self {
        Self { figures }
    }

    /// A row an interval of the time zone, those without sales included.
    pub async fn execute<Z: TimeZone>(
        &self,
        _by: StaffMember,
        period: Period,
        interval: SalesInterval,
        zone: &Z,
    ) -> Result<Vec<Sales>, ReportSalesError> {
        let periods = interval.divide(period, zone)?;
        Ok(self.figures.sales(&periods).await?)
    }
}

#[cfg(test)]
mod tests {
    use chrono::{TimeDelta, Utc};
    use comanda_domain::ports::MockSalesFigures;

    use super::*;
    use crate::sample;

    #[tokio::test]
    async fn asks_for_each_interval_and_not_for_too_many() {
        let period = |hours| Period::new(sample::now(), sample::now() + TimeDelta::hours(hours)).unwrap();
        let mut figures = MockSalesFigures::new();
        figures.expect_sales().once().withf(|periods| periods.len() == 4).returning(|_| Ok(Vec::new()));
        let report = ReportSales::new(Arc::new(figures));
        assert!(report.execute(sample::staff(), period(3), SalesInterval::Hour, &Utc).await.is_ok());
        let refused = report.execute(sample::staff(), period(10_000), SalesInterval::Hour, &Utc).await;
        assert!(matches!(refused, Err(ReportSalesError::TooManyIntervals(_))));
    }
}
