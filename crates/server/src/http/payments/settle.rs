use actix_web::HttpResponse;
use comanda_application::Payments;
use comanda_domain::{OrderId, PaymentId, ports::SettlePaymentError};

use crate::http::{
    extract::{Path, Service, Staff},
    problem::{Code, Failure, Problem, problems},
    wire::PaymentResponse,
};

/// Records that a customer has paid at the counter
#[utoipa::path(
    post, path = "/v1/orders/{id}/payments/{payment_id}/settle", operation_id = "settle_payment",
    responses((status = 200, description = "The payment", body = PaymentResponse))
)]
pub async fn settle(
    payments: Service<Payments>,
    Staff(staff): Staff,
    Path(order_id): Path<OrderId>,
    Path(payment_id): Path<PaymentId>,
) -> Result<HttpResponse, Failure<SettlePaymentError>> {
    let payment = payments.settle(staff, order_id, payment_id).await?;
    Ok(HttpResponse::Ok().json(PaymentResponse::from(payment)))
}

impl From<SettlePaymentError> for Problem {
    fn from(error: SettlePaymentError) -> Self {
        match error {
            SettlePaymentError::NotFound => Self::not_found("payment"),
            SettlePaymentError::NotSettleable(_) => Self::new(Code::InvalidTransition, format!("This is {error}.")),
            SettlePaymentError::Unavailable(cause) => cause.into(),
        }
    }
}

problems! {
    SettlePaymentError: [NotFound, InvalidTransition, Unavailable];
    NotFound,
    NotSettleable(comanda_domain::NotSettleable {
        method: comanda_domain::PaymentMethod::Counter,
        status: comanda_domain::PaymentStatus::Failed
    }),
    Unavailable(Unavailable::new("test")),
}
