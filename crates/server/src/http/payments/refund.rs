use actix_web::HttpResponse;
use comanda_application::payments::RefundPayment;
use comanda_domain::{money::Currency, ports::RefundPaymentError};

use crate::http::{
    extract::{Json, PaymentPath, Service, Staff},
    problem::{Code, Problem, ProblemDocument},
    validation::Violation,
    wire::{RefundRequest, RefundResponse},
};

/// Gives money back: a part, or all that is left
#[utoipa::path(
    post, path = "/v1/orders/{id}/payments/{payment_id}/refunds", tag = "payments",
    params(("id" = uuid::Uuid, Path), ("payment_id" = uuid::Uuid, Path)),
    request_body = RefundRequest,
    responses(
        (status = 201, body = RefundResponse),
        (status = 403, description = "`forbidden`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "`not-found`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "`invalid-transition`: nothing was paid", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "`validation-failed`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn refund(
    refund: Service<RefundPayment>,
    currency: Service<Currency>,
    Staff(staff): Staff,
    PaymentPath { order_id, payment_id }: PaymentPath,
    Json(request): Json<RefundRequest>,
) -> Result<HttpResponse, Problem> {
    let (amount, reason) = request.validate(*currency)?;
    let refund = refund.execute(staff, order_id, payment_id, amount, reason).await.map_err(problem)?;
    Ok(HttpResponse::Created().json(RefundResponse::from(refund)))
}

fn problem(error: RefundPaymentError) -> Problem {
    match error {
        RefundPaymentError::NotFound => Problem::not_found("payment"),
        RefundPaymentError::NotPaid(status) => Problem::new(
            Code::InvalidTransition,
            format!("A payment that is {} has no money to give back.", status.as_str()),
        ),
        RefundPaymentError::TooMuch { .. } => {
            let violation =
                Violation { pointer: "/amount/amount".to_owned(), code: "out-of-range", detail: error.to_string() };
            Problem::new(Code::ValidationFailed, "There is not so much left.").errors(vec![violation])
        }
        RefundPaymentError::Unavailable(cause) => Problem::unavailable("payment.update", &cause),
    }
}
