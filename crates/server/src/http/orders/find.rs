use actix_web::HttpResponse;
use comanda_application::{Orders, orders::Relations};
use comanda_domain::{OrderId, ports::Unavailable};
use serde::Deserialize;
use utoipa::IntoParams;

use super::relations::relations_in;
use crate::http::{
    extract::{Path, Query, Service, SignedIn},
    problem::{Failure, Problem},
    wire::OrderResponse,
};

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Include {
    /// Relations to add, separated by commas: `customer`, `payments`. `items` are always shown.
    #[param(pattern = "^((items|customer|payments)(,(items|customer|payments))*)?$", example = "customer")]
    include: Option<String>,
}

/// Shows an order: a customer's own, staff any
///
/// With its lines; `include` adds the customer and payments. Another customer's order is 404.
#[utoipa::path(
    get, path = "/v1/orders/{id}", operation_id = "get_order",
    responses((status = 200, description = "The order", body = OrderResponse))
)]
pub async fn find(
    orders: Service<Orders>,
    SignedIn(reader): SignedIn,
    Path(id): Path<OrderId>,
    Query(query): Query<Include>,
) -> Result<HttpResponse, Failure<Unavailable>> {
    let relations = Relations { items: true, ..relations_in(query.include.as_deref())? };
    let order = orders.find(reader, id, relations).await?.ok_or_else(|| Problem::not_found("order"))?;
    Ok(HttpResponse::Ok().json(OrderResponse::with_relations(order)))
}
