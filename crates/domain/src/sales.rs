//! Periods of business, and what was sold in them.

use chrono::{NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeDelta, TimeZone, Timelike};
use thiserror::Error;

use crate::{Timestamp, money::Money};

/// The period ends before it begins, or is longer than [`Period::LONGEST`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PeriodError {
    /// The end is not after the beginning.
    #[error("must be after the beginning")]
    EndsTooEarly,
    /// More than ten years.
    #[error("must be at most ten years after the beginning")]
    TooLong,
}

/// From a moment up to, and without, a later one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    from: Timestamp,
    to: Timestamp,
}

impl Period {
    /// Ten years, leap days included.
    pub const LONGEST: TimeDelta = TimeDelta::days(3653);

    /// Checks that it has an extent, and one that can be reported on.
    pub fn new(from: Timestamp, to: Timestamp) -> Result<Self, PeriodError> {
        if to <= from {
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

/// How a period is divided, by the clock on a wall.
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
    /// So many rows are reported at most: a year of hours, and some.
    pub const MOST: usize = 10_000;

    /// Divides a period where, in a time zone, an interval begins; the first and the last interval are cut off where the period
    /// is. Where clocks are changed an interval is longer or shorter by as much: a day may have 23 hours or 25, and of the hour
    /// that comes twice each is an interval.
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
            // In steps of what all time zones' offsets have been multiples of since 1972: the moments at which the clock on
            // the wall shows a full hour, whatever it did in between.
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

/// The first moment of a date in a time zone: midnight as a rule; where clocks are set forward at midnight, the moment they are.
pub fn first_moment_of<Z: TimeZone>(date: NaiveDate, zone: &Z) -> Timestamp {
    let midnight: NaiveDateTime = date.and_time(NaiveTime::MIN);
    match zone.from_local_datetime(&midnight) {
        chrono::LocalResult::Single(moment) | chrono::LocalResult::Ambiguous(moment, _) => moment.to_utc(),
        chrono::LocalResult::None => {
            // The offset before the gap says when, in UTC, it would have been midnight: that is when the gap begins.
            let before = zone.offset_from_utc_datetime(&(midnight - TimeDelta::days(1))).fix();
            (midnight - TimeDelta::seconds(i64::from(before.local_minus_utc()))).and_utc()
        }
    }
}

/// What was sold in a period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sales {
    /// When.
    pub period: Period,
    /// Orders that were placed and not cancelled.
    pub orders: u64,
    /// Portions.
    pub quantity: u64,
    /// The orders' totals.
    pub revenue: Money,
}
