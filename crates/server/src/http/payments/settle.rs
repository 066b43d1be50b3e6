use actix_web::{HttpResponse, http::StatusCode};
use comanda_application::Payments;
use comanda_domain::{OrderId, PaymentId, ports::SettlePaymentError};

use crate::http::{
    extract::{Idempotent, JsonOrNothing, Path, Service, Staff, replayable},
    problem::{Code, Failure, Problem, problems},
    wire::{Nothing, PaymentResponse},
};

/// Records that a customer has paid at the counter
///
/// The order counts as paid. One that was paid already is 409.
#[utoipa::path(
    post, path = "/v1/orders/{id}/payments/{payment_id}/settle", operation_id = "settle_payment",
    request_body(content = Option<Nothing>, content_type = "application/json"),
    responses((status = 200, description = "The payment", body = PaymentResponse))
)]
pub async fn settle(
    payments: Service<Payments>,
    Staff(staff): Staff,
    Path(order_id): Path<OrderId>,
    Path(payment_id): Path<PaymentId>,
    Idempotent(JsonOrNothing(Nothing {}), key): Idempotent<JsonOrNothing<Nothing>>,
) -> Result<HttpResponse, Failure<SettlePaymentError>> {
    let settled = payments.settle(staff, order_id, payment_id, key).await?;
    Ok(replayable(StatusCode::OK, settled.replayed).json(PaymentResponse::from(settled.outcome)))
}

impl From<SettlePaymentError> for Problem {
    fn from(error: SettlePaymentError) -> Self {
        match error {
            SettlePaymentError::NotFound => Self::not_found("payment"),
            SettlePaymentError::NotSettleable(_) => Self::new(Code::InvalidTransition, format!("This is {error}.")),
            SettlePaymentError::Key(refusal) => refusal.into(),
            SettlePaymentError::Unavailable(cause) => cause.into(),
        }
    }
}

problems! {
    SettlePaymentError: [NotFound, InvalidTransition, IdempotencyKeyReused, IdempotencyInProgress, Unavailable];
    NotFound,
    NotSettleable(comanda_domain::NotSettleable {
        method: comanda_domain::PaymentMethod::Counter,
        status: comanda_domain::PaymentStatus::Failed
    }),
    Key(comanda_domain::KeyRefusal::Reused) and (comanda_domain::KeyRefusal::InProgress),
    Unavailable(Unavailable::new("test")),
}
