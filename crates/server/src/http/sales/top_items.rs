use actix_web::{HttpRequest, HttpResponse, http::header::VARY};
use chrono_tz::Tz;
use comanda_application::{Sales, sales::SalesReportError};
use comanda_domain::{PageLimit, ports::TopItem};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{
    csv_response::{csv_response, prefers_csv},
    period::period_in,
};
use crate::http::{
    extract::{Query, Service, Staff},
    problem::Failure,
    validation::Violations,
    wire::{MoneyResponse, QueryInteger},
};

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct TopItemsQuery {
    /// Only orders placed from this moment on; a date alone is its first moment in UTC. Thirty days before `to`
    /// unless given.
    #[param(example = "2026-01-01T00:00:00Z")]
    from: Option<String>,
    /// Only orders placed before this moment, at most ten years later. Now unless given.
    #[param(example = "2026-02-01T00:00:00Z")]
    to: Option<String>,
    /// The most menu items to respond with; 5 unless given.
    #[param(value_type = Option<i64>, minimum = 1, maximum = 100, default = 5)]
    limit: Option<QueryInteger>,
}

/// Reports the menu items that sold the largest quantities, cancelled orders left out; as CSV for `Accept: text/csv`
#[utoipa::path(
    get, path = "/v1/analytics/top-items", operation_id = "report_top_items",
    responses((status = 200, description = "A row per menu item",
        content((TopItems = "application/json"), (String = "text/csv"))))
)]
pub async fn top_items(
    sales: Service<Sales>,
    Staff(staff): Staff,
    Query(query): Query<TopItemsQuery>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure<SalesReportError>> {
    let mut violations = Violations::default();
    let period = period_in(query.from.as_deref(), query.to.as_deref(), Tz::UTC, &sales, &mut violations)?;
    let limit = violations.check("/limit", PageLimit::new(query.limit.map_or(5, |limit| limit.0)));
    let (period, limit) = violations.finish(period.zip(limit))?;

    let items = sales.top_items(staff, period, limit).await.map_err(SalesReportError::from)?;
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

#[derive(Serialize, ToSchema)]
#[schema(as = TopItem)]
pub struct TopItemResponse {
    menu_item_id: Uuid,
    /// The menu item's name today.
    name: String,
    /// The quantity sold.
    quantity: u64,
    /// At the prices of the orders.
    revenue: MoneyResponse,
}

impl From<&TopItem> for TopItemResponse {
    fn from(item: &TopItem) -> Self {
        Self {
            menu_item_id: item.menu_item_id.as_uuid(),
            name: item.name.as_str().to_owned(),
            quantity: item.quantity,
            revenue: item.revenue.into(),
        }
    }
}

#[derive(Serialize, ToSchema)]
pub struct TopItems {
    data: Vec<TopItemResponse>,
}
