//! Times as they are stored: `infinity`, and years that no client could read.

use chrono::{DateTime, Datelike, Utc};
use comanda_domain::Timestamp;
use diesel::{
    deserialize::{self, FromSql, FromSqlRow},
    pg::{Pg, PgValue, data_types::PgTimestamp},
    sql_types::{Nullable, Timestamptz},
};

/// Microseconds from 1970 to 2000, where PostgreSQL begins to count.
const BEGINNING: i64 = 946_684_800_000_000;

/// Of the years that RFC 3339 can write, the first and the last instant. What lies beyond is read as these: `infinity`,
/// for instance, which nothing but a statement by hand has written. One such time hides no record, and no page of them.
const FIRST: Timestamp = seconds(-62_135_596_800);
const LAST: Timestamp = seconds(253_402_300_799);

const fn seconds(since_1970: i64) -> Timestamp {
    match DateTime::from_timestamp(since_1970, 0) {
        Some(time) => time,
        None => Timestamp::UNIX_EPOCH,
    }
}

/// A time of a row, as a type of a column: `#[diesel(deserialize_as = StoredTime)]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromSqlRow)]
pub(crate) struct StoredTime(Timestamp);

/// The same of a column that may be null.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromSqlRow)]
pub(crate) struct MaybeStoredTime(Option<Timestamp>);

impl StoredTime {
    fn read(PgTimestamp(since): PgTimestamp) -> Self {
        let read = since.checked_add(BEGINNING).and_then(DateTime::from_timestamp_micros);
        Self(match read.filter(|time| (1..=9999).contains(&time.year())) {
            Some(time) => time,
            None if since < 0 => FIRST,
            None => LAST,
        })
    }

    pub(crate) const fn get(self) -> Timestamp {
        self.0
    }
}

impl FromSql<Timestamptz, Pg> for StoredTime {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        FromSql::<Timestamptz, Pg>::from_sql(value).map(Self::read)
    }
}

impl FromSql<Nullable<Timestamptz>, Pg> for MaybeStoredTime {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        StoredTime::from_sql(value).map(|time| Self(Some(time.get())))
    }

    fn from_nullable_sql(value: Option<PgValue<'_>>) -> deserialize::Result<Self> {
        value.map_or(Ok(Self(None)), Self::from_sql)
    }
}

impl From<StoredTime> for DateTime<Utc> {
    fn from(time: StoredTime) -> Self {
        time.0
    }
}

impl From<MaybeStoredTime> for Option<DateTime<Utc>> {
    fn from(time: MaybeStoredTime) -> Self {
        time.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_time_that_postgresql_can_store_can_be_read() {
        for (stored, read) in [
            (0, "2000-01-01T00:00:00Z"),
            (-BEGINNING, "1970-01-01T00:00:00Z"),
            (i64::MAX, "9999-12-31T23:59:59Z"),
            (i64::MIN, "0001-01-01T00:00:00Z"),
            // 294276-12-31 and 4713 BC, PostgreSQL's last and first.
            (9_223_371_331_199_999_999, "9999-12-31T23:59:59Z"),
            (-211_813_488_000_000_000, "0001-01-01T00:00:00Z"),
        ] {
            assert_eq!(StoredTime::read(PgTimestamp(stored)).get(), read.parse::<Timestamp>().unwrap(), "{stored}");
        }
    }
}
