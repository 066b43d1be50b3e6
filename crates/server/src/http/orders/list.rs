use actix_web::HttpResponse;
use chrono_tz::Tz;
use comanda_application::{Orders, orders::Relations};
use comanda_domain::{
    OrderId, PeriodError,
    ports::{OrderCriteria, Unavailable},
};
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use super::relations::relations_in;
use crate::http::{
    extract::{Filter, Paged, Service, SignedIn, pages},
    problem::{Code, Failure, Problem},
    validation::{BrokenRule, ViolationCode, Violations},
    wire::{MomentOrDate, OrderResponse, Written, names},
};

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct OrderFilter {
    /// Only orders with this status.
    #[param(value_type = Option<names::OrderStatus>, inline)]
    status: Option<String>,
    /// Only orders with this number; the letter in either case. Numbers start again after 24,000 orders, so there may
    /// be several.
    #[param(pattern = "^[A-HJ-NP-Za-hj-np-z][0-9]{3}$", example = "K417")]
    number: Option<String>,
    /// Only orders placed at or after this moment, or on or after this date (UTC).
    #[param(value_type = Option<MomentOrDate>, example = "2026-01-31T18:30:00Z")]
    created_from: Option<String>,
    /// Only orders placed before this moment, or before this date (UTC). Must be after `created_from`.
    #[param(value_type = Option<MomentOrDate>, example = "2026-02-01")]
    created_to: Option<String>,
    /// Relations to add, separated by commas: `items`, `customer`, `payments`.
    #[param(pattern = "^((items|customer|payments)(,(items|customer|payments))*)?$", example = "items,customer")]
    include: Option<String>,
}

impl Filter for OrderFilter {
    const LIST: &'static str = "orders";
    type Criteria = (OrderCriteria, Relations);
    type Position = Uuid;

    fn criteria(self, violations: &mut Violations) -> Result<Self::Criteria, Problem> {
        let relations = relations_in(self.include.as_deref())?;
        let from = Written::read("/created_from", self.created_from.as_deref())?;
        let to = Written::read("/created_to", self.created_to.as_deref())?;
        let mut moment = |pointer, written: Option<Written>| {
            violations.check_optional(pointer, written.map(|written| written.moment(Tz::UTC)))
        };
        let (created_from, created_to) = (moment("/created_from", from), moment("/created_to", to));
        if created_from.zip(created_to).is_some_and(|(from, to)| to <= from) {
            violations.add("/created_to", PeriodError::EndsTooEarly.code(), PeriodError::EndsTooEarly.to_string());
        }
        let number = self.number.and_then(|number| violations.read("/number", &number, ViolationCode::Malformed));
        let status = self.status.and_then(|status| violations.read("/status", &status, ViolationCode::UnknownStatus));
        Ok((OrderCriteria { status, number, created_from, created_to }, relations))
    }
}

pages! {
    OrderPage of OrderResponse;
}

/// Lists orders, newest first: a customer's own, staff all
///
/// Narrowed by status, by number, or by when they were placed. Relations are left out unless `include` names them.
#[utoipa::path(
    get, path = "/v1/orders", operation_id = "list_orders",
    responses((status = 200, description = "A page of the list", body = OrderPage))
)]
pub async fn list(
    orders: Service<Orders>,
    SignedIn(reader): SignedIn,
    Paged { criteria: (criteria, relations), limit, after, pages }: Paged<OrderFilter>,
) -> Result<HttpResponse, Failure<Unavailable>> {
    let found = orders.list(reader, criteria, relations, after.map(OrderId::new), limit).await?;
    let found =
        found.ok_or_else(|| Problem::new(Code::InvalidCursor, "The order at which the last page ended is gone."))?;
    Ok(pages.respond::<OrderPage, _, _>(found, OrderId::as_uuid, OrderResponse::with_relations))
}
