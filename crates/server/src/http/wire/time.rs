use chrono::{DateTime, Datelike, NaiveDate, SecondsFormat};
use chrono_tz::Tz;
use comanda_domain::{Period, PeriodError, Timestamp, first_moment_of};
use serde::{Serialize, Serializer};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, schema::Type},
};

use crate::http::{
    problem::{Code, Problem},
    validation::{Violation, ViolationCode},
};

/// RFC 3339 in UTC, to the millisecond.
#[derive(ToSchema)]
#[schema(as = Timestamp, value_type = String, format = DateTime, example = "2026-01-31T18:30:00.123Z")]
pub struct WireTime(pub Timestamp);

impl Serialize for WireTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.to_rfc3339_opts(SecondsFormat::Millis, true))
    }
}

/// What [`Written`] reads, as far as a pattern can tell.
pub enum MomentOrDate {}

impl PartialSchema for MomentOrDate {
    fn schema() -> RefOr<Schema> {
        const DATE: &str = "[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])";
        const TIME: &str = r"[Tt]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]+)?";
        const OFFSET: &str = "([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])";
        let pattern = format!("^{DATE}({TIME}{OFFSET})?$");
        ObjectBuilder::new().schema_type(Type::String).pattern(Some(pattern)).into()
    }
}

impl ToSchema for MomentOrDate {}

/// A query parameter that is a moment, or a date.
pub enum Written {
    Moment(Timestamp),
    Date(NaiveDate),
}

impl Written {
    /// Reads the parameter that `pointer` names.
    pub fn read(pointer: &str, text: Option<&str>) -> Result<Option<Self>, Problem> {
        let Some(text) = text else { return Ok(None) };
        // A plus sign that was not encoded has become a space.
        let text = text.replace(' ', "+");
        let moment = DateTime::parse_from_rfc3339(&text).map(|moment| Self::Moment(moment.to_utc()));
        let date = || text.parse::<NaiveDate>().map(Self::Date);
        moment.or_else(|_| date()).map(Some).map_err(|_| {
            let detail = "must be a time such as 2026-01-31T18:30:00Z, or a date";
            let violation =
                Violation { pointer: pointer.to_owned(), code: ViolationCode::Malformed, detail: detail.to_owned() };
            Problem::new(Code::InvalidRequest, format!("A query parameter {detail}.")).errors(vec![violation])
        })
    }

    /// The moment, which for a date alone is its first in the time zone. What counts is the year there: a date and its
    /// first moment, however that is written, are both of the range or both not.
    pub fn moment(self, zone: Tz) -> Result<Timestamp, PeriodError> {
        let year = match &self {
            Self::Moment(moment) => moment.with_timezone(&zone).year(),
            Self::Date(date) => date.year(),
        };
        if !Period::YEARS.contains(&year) {
            return Err(PeriodError::OutOfRange);
        }
        let moment = match self {
            Self::Moment(moment) => moment,
            Self::Date(date) => first_moment_of(date, &zone),
        };
        if Period::reaches(moment) { Ok(moment) } else { Err(PeriodError::OutOfRange) }
    }
}

#[cfg(test)]
mod tests {
    use chrono_tz::{America, Asia};

    use super::*;

    #[test]
    fn the_years_of_a_range_are_those_of_the_time_zone() {
        let moment = |text, zone| Written::read("/from", Some(text)).unwrap().unwrap().moment(zone);
        for (text, zone, is_taken) in [
            ("0000-12-31", Tz::UTC, false),
            ("0000-12-31T00:00:00Z", Tz::UTC, false),
            ("0000-12-31T23:59:59Z", Tz::UTC, false),
            ("0001-01-01T00:00:00Z", Tz::UTC, true),
            ("0001-01-01", Asia::Kolkata, true),
            ("0000-12-31T23:00:00Z", Asia::Kolkata, true),
            ("0000-12-31T12:00:00Z", Asia::Kolkata, false),
            ("0001-01-01T00:00:00Z", America::New_York, false),
            ("0001-01-01", America::New_York, true),
            ("9998-12-31", America::New_York, true),
            ("9998-12-31T23:59:59Z", Tz::UTC, true),
            ("9998-12-31T23:59:59Z", Asia::Kolkata, false),
            ("9999-01-01T00:00:00Z", Tz::UTC, false),
        ] {
            assert_eq!(moment(text, zone).is_ok(), is_taken, "{text} in {zone}");
        }
    }
}
