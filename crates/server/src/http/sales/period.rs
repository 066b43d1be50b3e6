use chrono::{DateTime, Datelike, NaiveDate};
use chrono_tz::Tz;
use comanda_application::Sales;
use comanda_domain::{Period, PeriodError, Timestamp, first_moment_of};

use crate::http::{
    problem::{Code, Problem},
    validation::{Violation, Violations},
};

/// `from` and `to` of a report. A date alone is its first moment in the time zone.
pub(super) fn period_in(
    from: Option<&str>,
    to: Option<&str>,
    zone: Tz,
    sales: &Sales,
    violations: &mut Violations,
) -> Result<Option<Period>, Problem> {
    let (to, from) = (written("/to", to)?, written("/from", from)?);
    let mut moment = |pointer, written: Option<Written>| {
        written.map_or(Some(None), |written| violations.check(pointer, written.moment(zone)).map(Some))
    };
    let (to, from) = (moment("/to", to), moment("/from", from));
    let Some((from, to)) = from.zip(to) else { return Ok(None) };
    Ok(violations.check("/to", sales.period(from, to)))
}

/// A moment, or a date.
enum Written {
    Moment(Timestamp),
    Date(NaiveDate),
}

fn written(pointer: &str, text: Option<&str>) -> Result<Option<Written>, Problem> {
    let Some(text) = text else { return Ok(None) };
    // A plus sign that was not encoded has become a space.
    let text = text.replace(' ', "+");
    let moment = DateTime::parse_from_rfc3339(&text).map(|moment| Written::Moment(moment.to_utc()));
    let date = || text.parse::<NaiveDate>().map(Written::Date);
    moment.or_else(|_| date()).map(Some).map_err(|_| {
        let detail = "must be a time such as 2026-01-31T18:30:00Z, or a date";
        let violation = Violation { pointer: pointer.to_owned(), code: "malformed", detail: detail.to_owned() };
        Problem::new(Code::InvalidRequest, format!("A query parameter {detail}.")).errors(vec![violation])
    })
}

impl Written {
    /// Dates are compared with the range before they are moved by a time zone, which they can be only within it.
    fn moment(self, zone: Tz) -> Result<Timestamp, PeriodError> {
        let moment = match self {
            Self::Moment(moment) => moment,
            Self::Date(date) if Period::YEARS.contains(&date.year()) => first_moment_of(date, &zone),
            Self::Date(_) => return Err(PeriodError::OutOfRange),
        };
        if Period::YEARS.contains(&moment.year()) { Ok(moment) } else { Err(PeriodError::OutOfRange) }
    }
}
