use chrono::TimeZone;
use comanda_domain::{Period, SalesInterval, StaffMember, TooManyIntervals, ports::Unavailable};
use thiserror::Error;

use super::Sales;

/// Why there is no report.
#[derive(Debug, Error)]
pub enum SalesReportError {
    #[error(transparent)]
    TooManyIntervals(#[from] TooManyIntervals),
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl Sales {
    /// Reports what was sold in each hour, day or week of the time zone, those without sales included.
    pub async fn report<Z: TimeZone>(
        &self,
        _by: StaffMember,
        period: Period,
        interval: SalesInterval,
        zone: &Z,
    ) -> Result<Vec<comanda_domain::Sales>, SalesReportError> {
        let periods = interval.divide(period, zone)?;
        Ok(self.figures.sales(&periods).await?)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use chrono::{TimeDelta, Utc};
    use comanda_domain::ports::MockSalesFigures;

    use super::*;
    use crate::sample;

    #[tokio::test]
    async fn asks_for_each_interval_and_not_for_too_many() {
        let period = |hours| Period::new(sample::now(), sample::now() + TimeDelta::hours(hours)).unwrap();
        let mut figures = MockSalesFigures::new();
        figures.expect_sales().once().withf(|periods| periods.len() == 4).returning(|_| Ok(Vec::new()));
        let sales = Sales { figures: Arc::new(figures), ..sample::sales() };
        assert!(sales.report(sample::staff(), period(3), SalesInterval::Hour, &Utc).await.is_ok());
        let refused = sales.report(sample::staff(), period(10_000), SalesInterval::Hour, &Utc).await;
        assert!(matches!(refused, Err(SalesReportError::TooManyIntervals(_))));
    }
}
