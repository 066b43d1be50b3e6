use chrono::TimeDelta;
use comanda_domain::{Period, PeriodError, Timestamp};

use super::Sales;

/// How far a report goes back unless its reader says.
const DEFAULT_LENGTH: TimeDelta = TimeDelta::days(30);

impl Sales {
    /// The period of a report: up to now, and for thirty days before its end, unless its reader says otherwise.
    pub fn period(&self, from: Option<Timestamp>, to: Option<Timestamp>) -> Result<Period, PeriodError> {
        let to = to.unwrap_or_else(|| self.clock.now());
        // A reader may name the first moment that there is.
        let from = from.or_else(|| to.checked_sub_signed(DEFAULT_LENGTH)).unwrap_or(Timestamp::MIN_UTC);
        Period::new(from, to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn a_report_covers_the_last_thirty_days_unless_its_reader_says() {
        let (sales, now) = (sample::sales(), sample::now());
        let whole = sales.period(None, None).unwrap();
        assert_eq!((whole.from(), whole.to()), (now - TimeDelta::days(30), now));
        let earlier = sales.period(None, Some(now - TimeDelta::days(1))).unwrap();
        assert_eq!(earlier.from(), now - TimeDelta::days(31));
        let open = sales.period(Some(now - TimeDelta::hours(1)), None).unwrap();
        assert_eq!((open.from(), open.to()), (now - TimeDelta::hours(1), now));
    }
}
