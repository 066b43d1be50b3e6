use actix_web::HttpResponse;
use comanda_application::Payments;
use comanda_domain::{OrderId, PaymentId, RefundId, ports::Unavailable};
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use super::refund::RefundResponse;
use crate::http::{
    extract::{Filter, Paged, Path, Service, Staff, pages},
    problem::{Failure, Problem},
    validation::Violations,
};

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct RefundFilter {}

impl Filter for RefundFilter {
    const LIST: &'static str = "refunds";
    type Criteria = ();
    type Position = Uuid;

    fn criteria(self, _: &mut Violations) -> Result<(), Problem> {
        Ok(())
    }
}

pages! {
    RefundPage of RefundResponse;
}

/// Lists the refunds of a payment, oldest first
///
/// Also those that a rule decided or that were made at the gateway, and what has become of each: `failed` if the bank
/// did not accept it.
#[utoipa::path(
    get, path = "/v1/orders/{id}/payments/{payment_id}/refunds", operation_id = "list_refunds",
    responses((status = 200, description = "A page of the list", body = RefundPage))
)]
pub async fn list_refunds(
    payments: Service<Payments>,
    Staff(staff): Staff,
    Path(order_id): Path<OrderId>,
    Path(payment_id): Path<PaymentId>,
    Paged { limit, after, pages, .. }: Paged<RefundFilter>,
) -> Result<HttpResponse, Failure<Unavailable>> {
    let found = payments.list_refunds(staff, order_id, payment_id, after.map(RefundId::new), limit).await?;
    let found = found.ok_or_else(|| Problem::not_found("payment"))?;
    Ok(pages.respond::<RefundPage, _, _>(found, RefundId::as_uuid, RefundResponse::from))
}
