use actix_web::HttpResponse;
use comanda_application::Orders;
use comanda_domain::ids::OrderId;
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use crate::http::{
    extract::{CursorSigner, Query, Service, SignedIn},
    problem::{Problem, ProblemDocument},
    validation::Violations,
    wire::{OrderPage, OrderResponse, PageQuery, QueryInteger, relations_in, status_in},
};

const LIST: &str = "orders";

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// Only orders that stand here.
    #[param(pattern = "^(pending|accepted|preparing|ready|completed|cancelled)$", example = "pending")]
    status: Option<String>,
    /// Relations to add, separated by commas: `items`, `customer`, `payments`.
    #[param(pattern = "^(items|customer|payments)(,(items|customer|payments))*$", example = "items,customer")]
    include: Option<String>,
    // Described by `PageQuery`; a struct within a struct cannot be read from a query string and refuse unknown parameters.
    #[param(ignore)]
    limit: Option<QueryInteger>,
    #[param(ignore)]
    cursor: Option<String>,
}

/// Lists orders, newest first: a customer's own, staff all
#[utoipa::path(
    get, path = "/v1/orders", tag = "orders",
    params(Filter, PageQuery),
    responses(
        (status = 200, body = OrderPage),
        (status = 400, description = "`invalid-cursor`, `invalid-request`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn list(
    orders: Service<Orders>,
    cursors: Service<CursorSigner>,
    SignedIn(reader): SignedIn,
    Query(filter): Query<Filter>,
) -> Result<HttpResponse, Problem> {
    let relations = relations_in(filter.include.as_deref())?;
    let page = PageQuery { limit: filter.limit, cursor: filter.cursor };
    let mut violations = Violations::default();
    let limit = page.limit(&mut violations);
    let status = filter.status.and_then(|status| status_in("/status", &status, &mut violations));
    let limit = violations.finish(limit)?;
    let after = page.after::<Uuid>(LIST, &cursors)?.map(OrderId::new);

    let found = orders
        .list(reader, status, relations, after, limit)
        .await
        .map_err(|cause| Problem::unavailable("order.lookup", &cause))?;
    let last = found.entries.last().filter(|_| found.has_more);
    let next_cursor = last.map(|last| cursors.sign(LIST, &last.order.id.as_uuid()));
    let data = found.entries.into_iter().map(OrderResponse::with_relations).collect();
    Ok(HttpResponse::Ok().json(OrderPage { data, next_cursor }))
}
