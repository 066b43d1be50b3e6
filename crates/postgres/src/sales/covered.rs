use chrono::TimeDelta;
use comanda_domain::Timestamp;

/// The part of a period that whole summaries of some length cover. What is left of the period are its edges.
pub(super) struct Covered {
    pub(super) from: Timestamp,
    pub(super) to: Timestamp,
}

impl Covered {
    /// Empty if no whole summary fits into the period: then it lies at the period's end, and all of the period is the
    /// edge before it.
    pub(super) fn by(length: TimeDelta, from: Timestamp, to: Timestamp) -> Self {
        let begun = |at: Timestamp| {
            let length = length.num_microseconds().unwrap_or(i64::MAX);
            at - TimeDelta::microseconds(at.timestamp_micros().rem_euclid(length))
        };
        let first = begun(from - TimeDelta::microseconds(1)) + length;
        let last = begun(to);
        if first < last { Self { from: first, to: last } } else { Self { from: to, to } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn only_whole_summaries_are_covered() {
        let covered = |from, to| {
            let hours = Covered::by(TimeDelta::hours(1), at(from), at(to));
            (hours.from, hours.to)
        };
        for (from, to, first, last) in [
            ("2026-03-01T10:00:00Z", "2026-03-01T12:00:00Z", "2026-03-01T10:00:00Z", "2026-03-01T12:00:00Z"),
            (
                "2026-03-01T10:00:00.001Z",
                "2026-03-01T11:59:59.999Z",
                "2026-03-01T11:59:59.999Z",
                "2026-03-01T11:59:59.999Z",
            ),
            ("2026-03-01T09:59:59.999Z", "2026-03-01T11:00:00.001Z", "2026-03-01T10:00:00Z", "2026-03-01T11:00:00Z"),
            ("2026-03-01T10:10:00Z", "2026-03-01T10:20:00Z", "2026-03-01T10:20:00Z", "2026-03-01T10:20:00Z"),
            ("1969-12-31T23:30:00Z", "1970-01-01T01:30:00Z", "1970-01-01T00:00:00Z", "1970-01-01T01:00:00Z"),
        ] {
            assert_eq!(covered(from, to), (at(first), at(last)), "{from} to {to}");
        }
    }
}
