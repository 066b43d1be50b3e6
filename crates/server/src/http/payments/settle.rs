use actix_web::HttpResponse;
use comanda_application::payments::SettlePayment;
use comanda_domain::ports::SettlePaymentError;

use crate::http::{
    extract::{PaymentPath, Service, Staff},
    problem::{Code, Problem, ProblemDocument},
    wire::PaymentResponse,
};

/// Notes that a customer has paid at the counter
#[utoipa::path(
    post, path = "/v1/orders/{id}/payments/{payment_id}/settle", tag = "payments",
    params(("id" = uuid::Uuid, Path), ("payment_id" = uuid::Uuid, Path)),
    responses(
        (status = 200, body = PaymentResponse),
        (status = 403, description = "`forbidden`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "`not-found`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "`invalid-transition`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn settle(
    settle: Service<SettlePayment>,
    Staff(staff): Staff,
    PaymentPath { order_id, payment_id }: PaymentPath,
) -> Result<HttpResponse, Problem> {
    let payment = settle.execute(staff, order_id, payment_id).await.map_err(problem)?;
    Ok(HttpResponse::Ok().json(PaymentResponse::from(payment)))
}

fn problem(error: SettlePaymentError) -> Problem {
    match error {
        SettlePaymentError::NotFound => Problem::not_found("payment"),
        SettlePaymentError::NotSettleable { .. } => Problem::new(Code::InvalidTransition, format!("This is {error}.")),
        SettlePaymentError::Unavailable(cause) => Problem::unavailable("payment.update", &cause),
    }
}
