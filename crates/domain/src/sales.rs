//! Periods, and what was sold in them.

use std::ops::RangeInclusive;

use chrono::{Datelike, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeDelta, TimeZone, Timelike};
use thiserror::Error;

use crate::{Money, Timestamp};

/// The period ends before it begins, is longer than [`Period::LONGEST`], or lies in no year of [`Period::YEARS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum PeriodError {
    /// The end is not after the beginning.
    #[error("must be after the beginning")]
    EndsTooEarly,
    /// More than ten years.
    #[error("must be at most ten years after the beginning")]
    TooLong,
    /// A year that RFC 3339 may not be able to write in every time zone.
    #[error("must be a moment of the years {} to {}", Period::YEARS.start(), Period::YEARS.end())]
    OutOfRange,
}

/// The time from one moment up to, but not including, a later one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    from: Timestamp,
    to: Timestamp,
}

impl Period {
    /// Ten years, leap days included.
    pub const LONGEST: TimeDelta = TimeDelta::days(3653);

    /// The years that both ends lie in: those that RFC 3339 can write in every time zone. Databases and calendars reach
    /// further, but not equally far.
    pub const YEARS: RangeInclusive<i32> = 1..=9998;

    /// Whether the moment is of [`Period::YEARS`], in UTC or in a time zone east of it, where years begin earlier.
    pub fn reaches(moment: Timestamp) -> bool {
        let a_day_later = moment.checked_add_signed(TimeDelta::days(1));
        [Some(moment), a_day_later].into_iter().flatten().any(|moment| Self::YEARS.contains(&moment.year()))
    }

    /// Checks that the period is not empty, not too long to report on, and in [`Period::YEARS`].
    pub fn new(from: Timestamp, to: Timestamp) -> Result<Self, PeriodError> {
        if ![from, to].into_iter().all(Self::reaches) {
            Err(PeriodError::OutOfRange)
        } else if to <= from {
            Err(PeriodError::EndsTooEarly)
        } else if to - from > Self::LONGEST {
            Err(PeriodError::TooLong)
        } else {
            Ok(Self { from, to })
        }
    }

    /// Its first moment.
    pub const fn from(self) -> Timestamp {
        self.from
    }

    /// The first moment after it.
    pub const fn to(self) -> Timestamp {
        self.to
    }
}

/// How a period is divided, by local time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SalesInterval {
    /// From each full hour.
    Hour,
    /// From the first moment of each day.
    Day,
    /// From the first moment of each Monday (ISO 8601).
    Week,
}

/// There would be more than [`SalesInterval::MOST`] intervals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("there would be more than {} intervals", SalesInterval::MOST)]
pub struct TooManyIntervals;

impl SalesInterval {
    /// The most rows a report has: a year of hours, and some.
    pub const MOST: usize = 10_000;

    /// Divides a period at the moments at which an interval begins in a time zone. The first and the last interval are
    /// cut off at the ends of the period. When clocks are changed, an interval is longer or shorter by as much: a day
    /// may have 23 or 25 hours. An hour that comes twice is two intervals.
    pub fn divide<Z: TimeZone>(self, period: Period, zone: &Z) -> Result<Vec<Period>, TooManyIntervals> {
        let mut periods = Vec::new();
        let mut from = period.from;
        while from < period.to {
            if periods.len() == Self::MOST {
                return Err(TooManyIntervals);
            }
            let to = self.next_beginning(from, zone).min(period.to);
            periods.push(Period { from, to });
            from = to;
        }
        Ok(periods)
    }

    /// The first moment after `at` in which an interval begins.
    fn next_beginning<Z: TimeZone>(self, at: Timestamp, zone: &Z) -> Timestamp {
        let local = at.with_timezone(zone).naive_local();
        match self {
            // Finds the next moment at which the clock on the wall shows a full hour, whatever it did in between. The
            // steps are quarters of an hour, because all time zones' offsets have been multiples of those since 1972.
            Self::Hour => {
                let full_hour = |slot: &Timestamp| slot.with_timezone(zone).naive_local().minute() == 0;
                let slots = (1..=8).map(|n| quarter_hour_of(at) + QUARTER_HOUR * n);
                // Local mean times of long ago never show one at these moments.
                slots.into_iter().find(full_hour).unwrap_or(quarter_hour_of(at) + TimeDelta::hours(1))
            }
            Self::Day => first_moment_of(local.date() + TimeDelta::days(1), zone),
            Self::Week => {
                let monday = local.date().week(chrono::Weekday::Mon).first_day();
                first_moment_of(monday + TimeDelta::days(7), zone)
            }
        }
    }
}

/// A quarter of an hour.
pub const QUARTER_HOUR: TimeDelta = TimeDelta::minutes(15);

/// The beginning of the quarter of an hour (in UTC, and so in every zone) that a moment lies in.
pub fn quarter_hour_of(at: Timestamp) -> Timestamp {
    let begun = at.timestamp_micros().rem_euclid(QUARTER_HOUR.num_minutes() * 60_000_000);
    at - TimeDelta::microseconds(begun)
}

/// The first moment of a date in a time zone: midnight as a rule; if clocks are set forward at midnight, that moment.
/// Where that is beyond what chrono can tell, some 262,000 years from now, it is midnight in UTC.
pub fn first_moment_of<Z: TimeZone>(date: NaiveDate, zone: &Z) -> Timestamp {
    let midnight: NaiveDateTime = date.and_time(NaiveTime::MIN);
    match zone.from_local_datetime(&midnight) {
        chrono::LocalResult::Single(moment) | chrono::LocalResult::Ambiguous(moment, _) => moment.to_utc(),
        chrono::LocalResult::None => {
            // The offset before the gap says when, in UTC, it would have been midnight: that is when the gap begins.
            let day_before = midnight.checked_sub_signed(TimeDelta::days(1)).unwrap_or(midnight);
            let before = zone.offset_from_utc_datetime(&day_before).fix();
            let gap = midnight.checked_sub_signed(TimeDelta::seconds(i64::from(before.local_minus_utc())));
            gap.unwrap_or(midnight).and_utc()
        }
    }
}

/// What was sold in a period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sales {
    /// The period.
    pub period: Period,
    /// Orders that were placed and not cancelled.
    pub orders: u64,
    /// The quantity sold, over all menu items.
    pub quantity: u64,
    /// The orders' totals.
    pub revenue: Money,
    /// Money received in the period, whenever its order was placed.
    pub paid: Money,
    /// Money returned in the period, whenever its order was placed.
    pub refunded: Money,
}

#[cfg(test)]
mod tests {
    use chrono_tz::{America, Asia, Australia, Europe, Tz};
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn starts(interval: SalesInterval, from: &str, to: &str, zone: Tz) -> Vec<String> {
        let periods = interval.divide(Period::new(at(from), at(to)).unwrap(), &zone).unwrap();
        periods.iter().map(|period| period.from().with_timezone(&zone).format("%a %d %H:%M %z").to_string()).collect()
    }

    #[test]
    fn days_are_as_long_as_the_clock_on_the_wall_makes_them() {
        let hours = |day: &str, zone: Tz| {
            let first = first_moment_of(day.parse().unwrap(), &zone);
            let next =
                SalesInterval::Day.divide(Period::new(first, first + TimeDelta::days(2)).unwrap(), &zone).unwrap();
            (next[0].to() - next[0].from()).num_hours()
        };
        for (day, zone, expected) in [
            ("2026-03-29", Europe::Berlin, 23),
            ("2026-10-25", Europe::Berlin, 25),
            ("2026-03-08", America::New_York, 23),
            ("2026-11-01", America::New_York, 25),
            // Clocks go forward at midnight: the day begins at one.
            ("2025-09-07", America::Santiago, 23),
            ("2026-07-01", Europe::Berlin, 24),
        ] {
            assert_eq!(hours(day, zone), expected, "{day} in {zone}");
        }
    }

    #[test]
    fn the_hour_that_comes_twice_is_two_and_the_one_that_is_left_out_none() {
        let autumn = starts(SalesInterval::Hour, "2026-10-25T00:00:00Z", "2026-10-25T03:00:00Z", Europe::Berlin);
        assert_eq!(autumn, ["Sun 25 02:00 +0200", "Sun 25 02:00 +0100", "Sun 25 03:00 +0100"]);
        let spring = starts(SalesInterval::Hour, "2026-03-29T00:00:00Z", "2026-03-29T02:00:00Z", Europe::Berlin);
        assert_eq!(spring, ["Sun 29 01:00 +0100", "Sun 29 03:00 +0200"]);
        let india = starts(SalesInterval::Hour, "2026-01-01T00:00:00Z", "2026-01-01T02:00:00Z", Asia::Kolkata);
        assert_eq!(india, ["Thu 01 05:30 +0530", "Thu 01 06:00 +0530", "Thu 01 07:00 +0530"]);
        // Half an hour is what clocks are changed by there.
        let island = starts(SalesInterval::Hour, "2026-04-04T13:30:00Z", "2026-04-04T17:00:00Z", Australia::Lord_Howe);
        assert_eq!(island, ["Sun 05 00:30 +1100", "Sun 05 01:00 +1100", "Sun 05 02:00 +1030", "Sun 05 03:00 +1030"]);
    }

    #[test]
    fn weeks_begin_on_mondays_and_the_report_cuts_off_the_first_and_the_last() {
        let weeks = starts(SalesInterval::Week, "2026-03-25T12:00:00Z", "2026-04-07T00:00:00Z", Europe::Berlin);
        assert_eq!(weeks, ["Wed 25 13:00 +0100", "Mon 30 00:00 +0200", "Mon 06 00:00 +0200"]);
    }

    #[test]
    fn a_report_is_about_the_years_1_to_9998() {
        let day = TimeDelta::days(1);
        let (first, last) = (at("0000-12-31T00:00:00Z"), at("9998-12-31T23:59:59.999999999Z"));
        for (from, to) in [(first, first + day), (last - day, last)] {
            let period = Period::new(from, to).unwrap();
            for zone in [Asia::Kolkata, America::New_York, Tz::UTC] {
                for interval in [SalesInterval::Hour, SalesInterval::Day, SalesInterval::Week] {
                    assert!(interval.divide(period, &zone).is_ok());
                }
            }
        }
        for date in [NaiveDate::MIN, NaiveDate::MAX] {
            for zone in [Asia::Kolkata, America::New_York, Tz::UTC] {
                let moment = first_moment_of(date, &zone);
                assert_eq!(Period::new(moment, moment), Err(PeriodError::OutOfRange));
            }
        }
        let instant = TimeDelta::nanoseconds(1);
        for (from, to) in [
            (first - instant, first + day),
            (last - day, last + instant),
            (Timestamp::MIN_UTC, Timestamp::MAX_UTC),
            (Timestamp::MIN_UTC, Timestamp::MIN_UTC + day),
            (Timestamp::MAX_UTC - day, Timestamp::MAX_UTC),
        ] {
            assert_eq!(Period::new(from, to), Err(PeriodError::OutOfRange), "{from} {to}");
        }
    }

    #[test]
    fn a_report_has_an_end() {
        let day = |text: &str| at(&format!("{text}T00:00:00Z"));
        assert_eq!(Period::new(day("2026-01-02"), day("2026-01-02")), Err(PeriodError::EndsTooEarly));
        assert_eq!(Period::new(day("2016-01-01"), day("2026-01-03")), Err(PeriodError::TooLong));
        let long = Period::new(day("2020-01-01"), day("2026-01-01")).unwrap();
        assert_eq!(SalesInterval::Hour.divide(long, &Europe::Berlin), Err(TooManyIntervals));
        // Local mean time, 19 minutes and 32 seconds from UTC, shows no full hour at a quarter.
        let long_ago = Period::new(day("1890-01-01"), day("1890-01-02")).unwrap();
        assert!(SalesInterval::Hour.divide(long_ago, &Europe::Amsterdam).is_ok());
    }

    proptest! {
        #[test]
        fn intervals_follow_one_another_from_the_beginning_to_the_end(
            from in 0_i64..2_000_000_000,
            seconds in 1_i64..10_000_000,
            zone in proptest::sample::select(chrono_tz::TZ_VARIANTS.as_slice()),
            interval in proptest::sample::select(vec![SalesInterval::Hour, SalesInterval::Day, SalesInterval::Week]),
        ) {
            let moment = |seconds| Timestamp::from_timestamp(seconds, 0).unwrap();
            let whole = Period::new(moment(from), moment(from + seconds)).unwrap();
            let periods = interval.divide(whole, &zone).unwrap();
            prop_assert_eq!(periods[0].from(), whole.from());
            prop_assert_eq!(periods.last().unwrap().to(), whole.to());
            prop_assert!(periods.iter().all(|period| period.from() < period.to()));
            prop_assert!(periods.windows(2).all(|pair| pair[0].to() == pair[1].from()));
        }
    }
}
