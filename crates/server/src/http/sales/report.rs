use actix_web::{HttpRequest, HttpResponse, http::header::VARY};
use chrono::SecondsFormat;
use chrono_tz::{TZ_VARIANTS, Tz};
use comanda_application::{Sales, sales::SalesReportError};
use comanda_domain::SalesInterval;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    csv_response::{csv_response, prefers_csv},
    period::period_in,
};
use crate::http::{
    extract::{Query, Service, Staff},
    problem::{Failure, Problem, problems},
    validation::{ViolationCode, Violations},
    wire::{MomentOrDate, MoneyResponse, TimeZoneName, WireTime, names},
};

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ReportQuery {
    /// Only orders placed from this moment on; a date alone is its first moment in `tz`. Thirty days before `to`
    /// unless given.
    #[param(value_type = Option<MomentOrDate>, example = "2026-01-01")]
    from: Option<String>,
    /// Only orders placed before this moment, at most ten years later. Now unless given.
    #[param(value_type = Option<MomentOrDate>, example = "2026-02-01")]
    to: Option<String>,
    /// How the time is divided: `day` unless given. At most 10,000 intervals; the first and the last are cut off
    /// where the report is.
    #[param(value_type = Option<names::Interval>, inline)]
    interval: Option<String>,
    /// Where hours, days and weeks (from Monday) begin: a name of the IANA time zone database, in any case, `UTC`
    /// unless given.
    #[param(value_type = Option<TimeZoneName>, inline, example = "Europe/Berlin")]
    tz: Option<String>,
}

/// Reports what was sold in each hour, day or week, empty ones included; as CSV for `Accept: text/csv`
///
/// Intervals are those of the calendar in `tz`: a day has 23 or 25 hours when clocks change.
#[utoipa::path(
    get, path = "/v1/analytics/sales", operation_id = "report_sales",
    responses((status = 200, description = "A row per interval",
        content((SalesReport = "application/json"), (String = "text/csv")),
        headers(("Vary" = String, description = "`accept`"))))
)]
pub async fn report(
    sales: Service<Sales>,
    Staff(staff): Staff,
    Query(query): Query<ReportQuery>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure<SalesReportError>> {
    let mut violations = Violations::default();
    let zone = zone_in(query.tz.as_deref(), &mut violations);
    let interval = interval_in(query.interval.as_deref(), &mut violations);
    let (from, to) = (query.from.as_deref(), query.to.as_deref());
    let period = period_in(from, to, zone.unwrap_or_default(), &sales, &mut violations)?;
    let ((zone, interval), period) = violations.finish(zone.zip(interval).zip(period))?;

    let rows = sales.report(staff, period, interval, &zone).await?;
    if prefers_csv(&request) {
        let header = ["from", "to", "orders", "quantity", "revenue", "currency", "paid", "refunded"];
        // In the time zone of the report, for readers of spreadsheets.
        let time =
            |moment: comanda_domain::Timestamp| moment.with_timezone(&zone).to_rfc3339_opts(SecondsFormat::Secs, true);
        return Ok(csv_response(
            header,
            rows.iter().map(|row| {
                let (from, to) = (time(row.period.from()), time(row.period.to()));
                let (revenue, currency) = (row.revenue.to_string(), row.revenue.currency().to_string());
                let (paid, refunded) = (row.paid.to_string(), row.refunded.to_string());
                [from, to, row.orders.to_string(), row.quantity.to_string(), revenue, currency, paid, refunded]
            }),
        ));
    }
    let data = rows.iter().map(Into::into).collect();
    Ok(HttpResponse::Ok().insert_header((VARY, "accept")).json(SalesReport { data }))
}

/// `tz`, a name of the IANA time zone database.
fn zone_in(name: Option<&str>, violations: &mut Violations) -> Option<Tz> {
    let name = name.unwrap_or("UTC");
    // No two names differ in nothing but case.
    let in_any_case = || TZ_VARIANTS.iter().copied().find(|zone| zone.name().eq_ignore_ascii_case(name));
    let zone = name.parse().ok().or_else(in_any_case);
    if zone.is_none() {
        violations.add("/tz", ViolationCode::UnknownTimeZone, "must be a time zone such as Europe/Berlin");
    }
    zone
}

/// `interval`
fn interval_in(name: Option<&str>, violations: &mut Violations) -> Option<SalesInterval> {
    match name.unwrap_or("day") {
        "hour" => Some(SalesInterval::Hour),
        "day" => Some(SalesInterval::Day),
        "week" => Some(SalesInterval::Week),
        _ => {
            violations.add("/interval", ViolationCode::UnknownInterval, "must be hour, day or week");
            None
        }
    }
}

#[derive(Serialize, ToSchema)]
#[schema(as = Sales)]
pub struct SalesResponse {
    /// The first moment of the interval.
    from: WireTime,
    /// The first moment after it.
    to: WireTime,
    /// Orders placed and not cancelled.
    orders: u64,
    /// The quantity sold.
    quantity: u64,
    revenue: MoneyResponse,
    /// What was paid during the interval, for orders of any time.
    paid: MoneyResponse,
    /// What was refunded during the interval, less refunds that failed during it after they had succeeded: below zero
    /// if these are more.
    refunded: MoneyResponse,
}

impl From<&comanda_domain::Sales> for SalesResponse {
    fn from(sales: &comanda_domain::Sales) -> Self {
        Self {
            from: WireTime(sales.period.from()),
            to: WireTime(sales.period.to()),
            orders: sales.orders,
            quantity: sales.quantity,
            revenue: sales.revenue.into(),
            paid: sales.paid.into(),
            refunded: sales.refunded.into(),
        }
    }
}

#[derive(Serialize, ToSchema)]
pub struct SalesReport {
    data: Vec<SalesResponse>,
}

impl From<SalesReportError> for Problem {
    fn from(error: SalesReportError) -> Self {
        match error {
            SalesReportError::TooManyIntervals(violation) => Violations::only("/interval", &violation),
            SalesReportError::Unavailable(cause) => cause.into(),
        }
    }
}

problems! {
    SalesReportError: [ValidationFailed, Unavailable];
    TooManyIntervals(comanda_domain::TooManyIntervals),
    Unavailable(Unavailable::new("test")),
}
