use actix_web::HttpResponse;
use comanda_application::{Orders, orders::Relations};
use comanda_domain::{OrderId, OrderStatus, ports::Unavailable};
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use super::relations::relations_in;
use crate::http::{
    extract::{Filter, Paged, Service, SignedIn, pages},
    problem::{Failure, Problem},
    validation::Violations,
    wire::{OrderResponse, names},
};

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct OrderFilter {
    /// Only orders with this status.
    #[param(value_type = Option<names::OrderStatus>, inline)]
    status: Option<String>,
    /// Relations to add, separated by commas: `items`, `customer`, `payments`.
    #[param(pattern = "^(items|customer|payments)(,(items|customer|payments))*$", example = "items,customer")]
    include: Option<String>,
}

impl Filter for OrderFilter {
    const LIST: &'static str = "orders";
    type Criteria = (Option<OrderStatus>, Relations);
    type Position = Uuid;

    fn criteria(self, violations: &mut Violations) -> Result<Self::Criteria, Problem> {
        let relations = relations_in(self.include.as_deref())?;
        let status = self.status.and_then(|status| violations.read("/status", &status, "unknown-status"));
        Ok((status, relations))
    }
}

pages! {
    OrderPage of OrderResponse;
}

/// Lists orders, newest first: a customer's own, staff all
#[utoipa::path(
    get, path = "/v1/orders", operation_id = "list_orders",
    responses((status = 200, description = "A page of the list", body = OrderPage))
)]
pub async fn list(
    orders: Service<Orders>,
    SignedIn(reader): SignedIn,
    Paged { criteria: (status, relations), limit, after, pages }: Paged<OrderFilter>,
) -> Result<HttpResponse, Failure<Unavailable>> {
    let found = orders.list(reader, status, relations, after.map(OrderId::new), limit).await?;
    Ok(pages.respond::<OrderPage, _, _>(found, OrderId::as_uuid, OrderResponse::with_relations))
}
