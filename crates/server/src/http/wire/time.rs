use chrono::{DateTime, Datelike, NaiveDate, SecondsFormat};
use chrono_tz::Tz;
use comanda_domain::{Period, PeriodError, Timestamp, first_moment_of};
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

use crate::http::{
    problem::{Code, Problem},
    validation::Violation,
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
            let violation = Violation { pointer: pointer.to_owned(), code: "malformed", detail: detail.to_owned() };
            Problem::new(Code::InvalidRequest, format!("A query parameter {detail}.")).errors(vec![violation])
        })
    }

    /// The moment, which for a date alone is its first in the time zone. Dates are compared with the range before they
    /// are moved by a time zone, which they can be only within it.
    pub fn moment(self, zone: Tz) -> Result<Timestamp, PeriodError> {
        let moment = match self {
            Self::Moment(moment) => moment,
            Self::Date(date) if Period::YEARS.contains(&date.year()) => first_moment_of(date, &zone),
            Self::Date(_) => return Err(PeriodError::OutOfRange),
        };
        if Period::reaches(moment) { Ok(moment) } else { Err(PeriodError::OutOfRange) }
    }
}
