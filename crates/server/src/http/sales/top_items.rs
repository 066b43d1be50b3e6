use actix_web::{HttpRequest, HttpResponse, http::header::VARY};
use chrono_tz::Tz;
use comanda_application::{
    Sales,
    sales::{ReportedItem, SalesReportError},
};
use comanda_domain::{Money, PageLimit, ports::SoldOption};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{
    csv_response::{csv_response, prefers_csv},
    period::period_in,
};
use crate::http::{
    extract::{Query, Service, Staff},
    problem::{Code, Failure, Problem},
    validation::Violations,
    wire::{MomentOrDate, MoneyResponse, QueryInteger},
};

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct TopItemsQuery {
    /// Only orders placed from this moment on; a date alone is its first moment in UTC. Thirty days before `to`
    /// unless given.
    #[param(value_type = Option<MomentOrDate>, example = "2026-01-01T00:00:00Z")]
    from: Option<String>,
    /// Only orders placed before this moment, at most ten years later. Now unless given.
    #[param(value_type = Option<MomentOrDate>, example = "2026-02-01T00:00:00Z")]
    to: Option<String>,
    /// The most menu items to respond with; 5 unless given.
    #[param(value_type = Option<i64>, minimum = 1, maximum = 100, default = 5)]
    limit: Option<QueryInteger>,
    /// What to add to each menu item: `options`, what was chosen with it.
    #[param(pattern = "^(options)?$", example = "options")]
    include: Option<String>,
}

/// Whether options are asked for.
fn with_options(include: Option<&str>) -> Result<bool, Problem> {
    match include {
        None | Some("") => Ok(false),
        Some("options") => Ok(true),
        Some(name) => {
            let detail = format!("The report has no {name:?}: include can name options.");
            Err(Problem::new(Code::InvalidRequest, detail))
        }
    }
}

/// Reports the menu items that sold the largest quantities, cancelled orders left out; as CSV for `Accept: text/csv`
///
/// Those that sold the same quantity are in order of revenue.
#[utoipa::path(
    get, path = "/v1/analytics/top-items", operation_id = "report_top_items",
    responses((status = 200, description = "A row per menu item",
        content((TopItems = "application/json"), (String = "text/csv")),
        headers(("Vary" = String, description = "`accept`"))))
)]
pub async fn top_items(
    sales: Service<Sales>,
    Staff(staff): Staff,
    Query(query): Query<TopItemsQuery>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure<SalesReportError>> {
    let with_options = with_options(query.include.as_deref())?;
    let mut violations = Violations::default();
    let period = period_in(query.from.as_deref(), query.to.as_deref(), Tz::UTC, &sales, &mut violations)?;
    let limit = violations.check("/limit", PageLimit::new(query.limit.map_or(5, |limit| limit.0)));
    let (period, limit) = violations.finish(period.zip(limit))?;

    let items = sales.top_items(staff, period, limit, with_options).await.map_err(SalesReportError::from)?;
    if prefers_csv(&request) {
        return Ok(if with_options { with_options_as_csv(&items) } else { as_csv(&items) });
    }
    let data = items.iter().map(Into::into).collect();
    Ok(HttpResponse::Ok().insert_header((VARY, "accept")).json(TopItems { data }))
}

fn as_csv(items: &[ReportedItem]) -> HttpResponse {
    let header = ["menu_item_id", "name", "quantity", "revenue", "currency"];
    csv_response(
        header,
        items.iter().map(|ReportedItem { item, .. }| {
            let (revenue, currency) = (item.revenue.to_string(), item.revenue.currency().to_string());
            let (id, name) = (item.menu_item_id.to_string(), item.name.as_str().to_owned());
            [id, name, item.quantity.to_string(), revenue, currency]
        }),
    )
}

/// A row per menu item, followed by one per option that was chosen with it.
fn with_options_as_csv(items: &[ReportedItem]) -> HttpResponse {
    let header = ["menu_item_id", "name", "option_id", "group", "option", "quantity", "revenue", "currency"];
    let rows = items.iter().flat_map(|ReportedItem { item, options }| {
        let (id, name) = (item.menu_item_id.to_string(), item.name.as_str().to_owned());
        let row = move |[option_id, group, option]: [String; 3], quantity: u64, revenue: Money| {
            let currency = revenue.currency().to_string();
            let (id, name) = (id.clone(), name.clone());
            [id, name, option_id, group, option, quantity.to_string(), revenue.to_string(), currency]
        };
        let of_item = row(Default::default(), item.quantity, item.revenue);
        let of_option = move |option: &SoldOption| {
            let (group, name) = (option.group.as_str().to_owned(), option.name.as_str().to_owned());
            row([option.option_id.to_string(), group, name], option.quantity, option.revenue)
        };
        std::iter::once(of_item).chain(options.iter().flatten().map(of_option))
    });
    csv_response(header, rows)
}

#[derive(Serialize, ToSchema)]
#[schema(as = TopItem)]
pub struct TopItemResponse {
    menu_item_id: Uuid,
    /// The menu item's name today.
    name: String,
    /// The quantity sold.
    quantity: u64,
    /// At the prices of the orders, with what was chosen.
    revenue: MoneyResponse,
    /// On request: what was chosen with it, the options that sold the largest quantities first.
    #[serde(skip_serializing_if = "Option::is_none")]
    options: Option<Vec<SoldOptionResponse>>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = SoldOption)]
struct SoldOptionResponse {
    option_id: Uuid,
    /// The name of its group today.
    group: String,
    /// The option's name today.
    name: String,
    /// How often it was chosen, with each of the menu items that were sold.
    quantity: u64,
    /// At the prices of the orders: a part of the menu item's.
    revenue: MoneyResponse,
}

impl From<&SoldOption> for SoldOptionResponse {
    fn from(option: &SoldOption) -> Self {
        Self {
            option_id: option.option_id.as_uuid(),
            group: option.group.as_str().to_owned(),
            name: option.name.as_str().to_owned(),
            quantity: option.quantity,
            revenue: option.revenue.into(),
        }
    }
}

impl From<&ReportedItem> for TopItemResponse {
    fn from(ReportedItem { item, options }: &ReportedItem) -> Self {
        Self {
            menu_item_id: item.menu_item_id.as_uuid(),
            name: item.name.as_str().to_owned(),
            quantity: item.quantity,
            revenue: item.revenue.into(),
            options: options.as_ref().map(|options| options.iter().map(Into::into).collect()),
        }
    }
}

#[derive(Serialize, ToSchema)]
pub struct TopItems {
    data: Vec<TopItemResponse>,
}
