use actix_web::HttpResponse;
use comanda_application::payments::{PayOrder, PayOrderError};
use comanda_domain::ports::BeginPaymentError;

use crate::http::{
    extract::{IdempotencyHeader, Json, OrderIdPath, Service, SignedIn},
    orders::{REPLAYED, key_reused},
    problem::{Code, Problem, ProblemDocument},
    validation::Violation,
    wire::{PayRequest, PaymentResponse},
};

/// Begins to pay for an order
///
/// By card, the answer's `client_secret` is what the customer's browser pays with; the order's stock is held meanwhile, and the order is cancelled when it
/// is not paid in time. Asked again while a payment is open, the same one is answered; another method calls it off.
#[utoipa::path(
    post, path = "/v1/orders/{id}/payments", tag = "payments",
    params(("id" = uuid::Uuid, Path), ("Idempotency-Key" = Option<String>, Header, pattern = r"^[\x21-\x7E]+$", min_length = 1, max_length = 255,
        description = "Makes the request repeatable")),
    request_body = PayRequest,
    responses(
        (status = 201, body = PaymentResponse, headers(("Idempotency-Replayed" = Option<String>))),
        (status = 404, description = "`not-found`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "`already-paid`, `invalid-transition`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "`validation-failed`, `idempotency-key-reused`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "`unavailable`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn pay(
    pay: Service<PayOrder>,
    SignedIn(customer): SignedIn,
    OrderIdPath(id): OrderIdPath,
    key: IdempotencyHeader,
    Json(request): Json<PayRequest>,
) -> Result<HttpResponse, Problem> {
    let method = request.validate()?;
    let answer = pay.execute(customer, id, method, key.with_body(&request)).await.map_err(problem)?;
    let mut response = HttpResponse::Created();
    if answer.replayed {
        response.insert_header(REPLAYED);
    }
    Ok(response.json(PaymentResponse::from(answer.outcome)))
}

fn problem(error: PayOrderError) -> Problem {
    match error {
        PayOrderError::Begin(error) => match error {
            BeginPaymentError::NotFound => Problem::not_found("order"),
            BeginPaymentError::AlreadyPaid => Problem::new(Code::AlreadyPaid, "The order is paid."),
            BeginPaymentError::NotPayable(status) => {
                Problem::new(Code::InvalidTransition, format!("An order that is {status} cannot be paid."))
            }
            BeginPaymentError::KeyReused => key_reused(),
            BeginPaymentError::Unavailable(cause) => Problem::unavailable("payment.create", &cause),
        },
        PayOrderError::CardsNotTaken => {
            let violation = Violation {
                pointer: "/method".to_owned(),
                code: "not-offered",
                detail: "cards are not taken here".to_owned(),
            };
            Problem::new(Code::ValidationFailed, "Cards are not taken here.").errors(vec![violation])
        }
        PayOrderError::Refused(why) => {
            // Nothing that a customer could mend: the gateway does not take the amount, the currency, or us.
            tracing::error!(why, "the payment gateway refuses to begin a payment");
            Problem::overloaded("stripe").retry_after(60)
        }
        PayOrderError::GatewayUnavailable(cause) => Problem::unavailable("stripe", &cause),
    }
}
