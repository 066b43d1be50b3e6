use actix_web::HttpResponse;
use comanda_application::{Orders, orders::Relations};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::http::{
    extract::{OrderIdPath, Query, Service, SignedIn},
    problem::{Problem, ProblemDocument},
    wire::{OrderResponse, relations_in},
};

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Include {
    /// Relations to add, separated by commas: `customer`, `payments`. `items` are always shown.
    #[param(pattern = "^(items|customer|payments)(,(items|customer|payments))*$", example = "customer")]
    include: Option<String>,
}

/// Shows an order: a customer's own, staff any
#[utoipa::path(
    get, path = "/v1/orders/{id}", tag = "orders",
    params(("id" = uuid::Uuid, Path), Include),
    responses(
        (status = 200, body = OrderResponse),
        (status = 404, description = "`not-found`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn order(
    orders: Service<Orders>,
    SignedIn(reader): SignedIn,
    OrderIdPath(id): OrderIdPath,
    Query(query): Query<Include>,
) -> Result<HttpResponse, Problem> {
    let relations = Relations { items: true, ..relations_in(query.include.as_deref())? };
    let order = orders
        .find(reader, id, relations)
        .await
        .map_err(|cause| Problem::unavailable("order.lookup", &cause))?
        .ok_or_else(|| Problem::not_found("order"))?;
    Ok(HttpResponse::Ok().json(OrderResponse::with_relations(order)))
}
