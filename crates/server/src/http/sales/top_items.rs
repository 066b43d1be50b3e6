use actix_web::{HttpRequest, HttpResponse, http::header::VARY};
use chrono_tz::Tz;
use comanda_application::Sales;
use comanda_domain::page::PageLimit;
use serde::Deserialize;
use utoipa::IntoParams;

use super::csv_response::{csv_response, prefers_csv};
use crate::http::{
    extract::{Query, Service, Staff},
    problem::{Problem, ProblemDocument},
    validation::Violations,
    wire::{QueryInteger, TopItems, period_in},
};

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// Only orders placed from this moment on; a date alone is its first moment in UTC. Thirty days before `to` unless given.
    #[param(example = "2026-01-01T00:00:00Z")]
    from: Option<String>,
    /// Only orders placed before this moment, at most ten years later. Now unless given.
    #[param(example = "2026-02-01T00:00:00Z")]
    to: Option<String>,
    /// The most menu items to answer with; 5 unless given.
    #[param(value_type = Option<i64>, minimum = 1, maximum = 100, default = 5)]
    limit: Option<QueryInteger>,
}

/// Reports the menu items most quantity were sold of, cancelled orders left out; as CSV for `Accept: text/csv`
#[utoipa::path(
    get, path = "/v1/analytics/top-items", tag = "analytics", params(Filter),
    responses(
        (status = 200, content((TopItems = "application/json"), (String = "text/csv"))),
        (status = 403, description = "`forbidden`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "`validation-failed`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn top_items(
    sales: Service<Sales>,
    Staff(staff): Staff,
    Query(filter): Query<Filter>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let mut violations = Violations::default();
    let period = period_in(filter.from.as_deref(), filter.to.as_deref(), Tz::UTC, &sales, &mut violations)?;
    let limit = violations.check("/limit", PageLimit::new(filter.limit.map_or(5, |limit| limit.0)));
    let (period, limit) = violations.finish(period.zip(limit))?;

    let items =
        sales.top_items(staff, period, limit).await.map_err(|cause| Problem::unavailable("analytics.read", &cause))?;
    if prefers_csv(&request) {
        let header = ["menu_item_id", "name", "quantity", "revenue", "currency"];
        return Ok(csv_response(
            header,
            items.iter().map(|item| {
                let (revenue, currency) = (item.revenue.to_string(), item.revenue.currency().to_string());
                let (id, name) = (item.menu_item_id.to_string(), item.name.as_str().to_owned());
                [id, name, item.quantity.to_string(), revenue, currency]
            }),
        ));
    }
    let data = items.iter().map(Into::into).collect();
    Ok(HttpResponse::Ok().insert_header((VARY, "accept")).json(TopItems { data }))
}
