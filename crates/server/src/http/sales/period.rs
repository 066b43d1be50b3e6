use chrono_tz::Tz;
use comanda_application::Sales;
use comanda_domain::Period;

use crate::http::{problem::Problem, validation::Violations, wire::Written};

/// `from` and `to` of a report. A date alone is its first moment in the time zone.
pub(super) fn period_in(
    from: Option<&str>,
    to: Option<&str>,
    zone: Tz,
    sales: &Sales,
    violations: &mut Violations,
) -> Result<Option<Period>, Problem> {
    let (to, from) = (Written::read("/to", to)?, Written::read("/from", from)?);
    let mut moment = |pointer, written: Option<Written>| {
        written.map_or(Some(None), |written| violations.check(pointer, written.moment(zone)).map(Some))
    };
    let (to, from) = (moment("/to", to), moment("/from", from));
    let Some((from, to)) = from.zip(to) else { return Ok(None) };
    Ok(violations.check("/to", sales.period(from, to)))
}
