use chrono::{DateTime, Datelike, NaiveDate, SecondsFormat};
use chrono_tz::{TZ_VARIANTS, Tz};
use comanda_domain::{Period, PeriodError, Timestamp, first_moment_of};
use serde::{Serialize, Serializer};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{KnownFormat, ObjectBuilder, OneOfBuilder, RefOr, Schema, SchemaFormat, schema::Type},
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

/// What [`Written`] reads, as far as patterns can tell.
///
/// Two formats rather than one pattern: generated clients have types for them, which write what is read here. Their
/// patterns tell the formats apart also for those to whom a format is a mere remark.
pub enum MomentOrDate {}

impl PartialSchema for MomentOrDate {
    fn schema() -> RefOr<Schema> {
        // Those of `Period::YEARS`: 0001 to 9998.
        const YEAR: &str = "(000[1-9]|00[1-9][0-9]|0[1-9][0-9]{2}|[1-8][0-9]{3}|9[0-8][0-9]{2}|99[0-8][0-9]|999[0-8])";
        const DAY: &str = "(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])";
        const TIME: &str = r"[Tt]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]+)?";
        const OFFSET: &str = "([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])";
        let text = |format, pattern| {
            let text = ObjectBuilder::new().schema_type(Type::String).format(Some(SchemaFormat::KnownFormat(format)));
            text.pattern(Some(pattern))
        };
        OneOfBuilder::new()
            .item(text(KnownFormat::DateTime, format!("^{YEAR}-{DAY}{TIME}{OFFSET}$")))
            .item(text(KnownFormat::Date, format!("^{YEAR}-{DAY}$")))
            .description(Some("A moment (RFC 3339), or a date for its first moment, of the years 1 to 9998."))
            .into()
    }
}

impl ToSchema for MomentOrDate {}

/// A name of the IANA time zone database, in any case, as far as a pattern can tell.
pub enum TimeZoneName {}

impl PartialSchema for TimeZoneName {
    fn schema() -> RefOr<Schema> {
        let longest = TZ_VARIANTS.iter().map(|zone| zone.name().len()).max();
        let text = ObjectBuilder::new().schema_type(Type::String).pattern(Some("^[A-Za-z0-9_+/-]+$"));
        text.max_length(longest).into()
    }
}

impl ToSchema for TimeZoneName {}

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

    #[test]
    fn the_document_knows_every_time_zone() {
        let schema = serde_json::to_value(TimeZoneName::schema()).unwrap();
        let (longest, pattern) = (schema["maxLength"].as_u64().unwrap(), schema["pattern"].as_str().unwrap());
        let others = pattern.strip_prefix("^[A-Za-z0-9").unwrap().strip_suffix("]+$").unwrap();
        let is_known = |character: char| character.is_ascii_alphanumeric() || others.contains(character);
        for zone in TZ_VARIANTS {
            let name = zone.name();
            assert!(name.len() as u64 <= longest && name.chars().all(is_known), "{name}");
        }
    }
}
