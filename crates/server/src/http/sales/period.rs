use chrono::{DateTime, NaiveDate};
use chrono_tz::Tz;
use comanda_application::Sales;
use comanda_domain::{Period, Timestamp, first_moment_of};

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
    let (to, from) = (moment("/to", to, zone)?, moment("/from", from, zone)?);
    Ok(violations.check("/to", sales.period(from, to)))
}

fn moment(pointer: &str, text: Option<&str>, zone: Tz) -> Result<Option<Timestamp>, Problem> {
    let Some(text) = text else { return Ok(None) };
    // A plus sign that was not encoded has become a space.
    let text = text.replace(' ', "+");
    let moment = DateTime::parse_from_rfc3339(&text).map(|moment| moment.to_utc());
    let date = || text.parse::<NaiveDate>().ok().map(|date| first_moment_of(date, &zone));
    moment.ok().or_else(date).map(Some).ok_or_else(|| {
        let detail = "must be a time such as 2026-01-31T18:30:00Z, or a date";
        let violation = Violation { pointer: pointer.to_owned(), code: "malformed", detail: detail.to_owned() };
        Problem::new(Code::InvalidRequest, format!("A query parameter {detail}.")).errors(vec![violation])
    })
}
