use actix_web::{HttpRequest, HttpResponse, http::header::VARY};
use chrono::SecondsFormat;
use comanda_application::{Sales, sales::SalesReportError};
use serde::Deserialize;
use utoipa::IntoParams;

use super::csv_response::{csv_response, prefers_csv};
use crate::http::{
    extract::{Query, Service, Staff},
    problem::{Problem, ProblemDocument},
    validation::Violations,
    wire::{SalesReport, interval_in, period_in, zone_in},
};

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// Only orders placed from this moment on; a date alone is its first moment in `tz`. Thirty days before `to` unless given.
    #[param(example = "2026-01-01")]
    from: Option<String>,
    /// Only orders placed before this moment, at most ten years later. Now unless given.
    #[param(example = "2026-02-01")]
    to: Option<String>,
    /// How the time is divided: `day` unless given. At most 10,000 intervals; the first and the last are cut off where the
    /// report is.
    #[param(pattern = "^(hour|day|week)$", default = "day")]
    interval: Option<String>,
    /// Where hours, days and weeks (from Monday) begin: a name of the IANA time zone database, `UTC` unless given.
    #[param(example = "Europe/Berlin")]
    tz: Option<String>,
}

/// Reports what was sold in each hour, day or week, empty ones included; as CSV for `Accept: text/csv`
#[utoipa::path(
    get, path = "/v1/analytics/sales", tag = "analytics", params(Filter),
    responses(
        (status = 200, content((SalesReport = "application/json"), (String = "text/csv"))),
        (status = 403, description = "`forbidden`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "`validation-failed`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn sales(
    sales: Service<Sales>,
    Staff(staff): Staff,
    Query(filter): Query<Filter>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let mut violations = Violations::default();
    let zone = zone_in(filter.tz.as_deref(), &mut violations);
    let interval = interval_in(filter.interval.as_deref(), &mut violations);
    let period =
        period_in(filter.from.as_deref(), filter.to.as_deref(), zone.unwrap_or_default(), &sales, &mut violations)?;
    let ((zone, interval), period) = violations.finish(zone.zip(interval).zip(period))?;

    let rows = sales.report(staff, period, interval, &zone).await.map_err(|error| match error {
        SalesReportError::TooManyIntervals(violation) => Violations::only("/interval", &violation),
        SalesReportError::Unavailable(cause) => Problem::unavailable("analytics.read", &cause),
    })?;
    if prefers_csv(&request) {
        let header = ["from", "to", "orders", "quantity", "revenue", "currency", "paid", "refunded"];
        // By the clock on the wall, for whoever reads a spreadsheet.
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
