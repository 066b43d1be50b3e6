use actix_web::{HttpResponse, http::StatusCode};
use comanda_application::{Payments, payments::PayOrderError};
use comanda_domain::{OrderId, PaymentMethod, ports::BeginPaymentError};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::http::{
    extract::{Idempotent, Json, Path, Service, SignedIn, replayable},
    problem::{Code, Failure, Operation, Problem, Problems},
    validation::{Violation, ViolationCode, Violations},
    wire::{PaymentResponse, names},
};

/// Begins to pay for an order
///
/// For a card, the response's `client_secret` is what the customer's browser pays with. The order's stock is held
/// meanwhile, and the order is cancelled when it is not paid in time. Asked again while a payment is open, the same
/// one is shown; another method cancels it.
#[utoipa::path(
    post, path = "/v1/orders/{id}/payments", operation_id = "pay_order",
    request_body = PayRequest,
    responses((status = 201, description = "The payment", body = PaymentResponse))
)]
pub async fn pay(
    payments: Service<Payments>,
    SignedIn(customer): SignedIn,
    Path(id): Path<OrderId>,
    Idempotent(Json(request), key): Idempotent<Json<PayRequest>>,
) -> Result<HttpResponse, Failure<PayOrderError>> {
    let method = request.validate()?;
    let begun = payments.pay(customer, id, method, key).await?;
    Ok(replayable(StatusCode::CREATED, begun.replayed).json(PaymentResponse::from(begun.outcome)))
}

#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PayRequest {
    #[schema(value_type = names::PaymentMethod)]
    method: String,
}

impl PayRequest {
    fn validate(&self) -> Result<PaymentMethod, Problem> {
        let mut violations = Violations::default();
        let method = violations.read("/method", &self.method, ViolationCode::UnknownMethod);
        violations.finish(method)
    }
}

impl From<PayOrderError> for Problem {
    fn from(error: PayOrderError) -> Self {
        match error {
            PayOrderError::Begin(error) => match error {
                BeginPaymentError::NotFound => Self::not_found("order"),
                BeginPaymentError::AlreadyPaid => Self::new(Code::AlreadyPaid, "The order is paid."),
                BeginPaymentError::NotPayable(status) => {
                    Self::new(Code::InvalidTransition, format!("An order that is {status} cannot be paid."))
                }
                BeginPaymentError::CardsNotTaken => cards_not_taken(),
                BeginPaymentError::NotChargeable(why) => refused(why.to_string()),
                BeginPaymentError::Key(refusal) => refusal.into(),
                BeginPaymentError::Unavailable(cause) => cause.into(),
            },
            PayOrderError::CardsNotTaken => cards_not_taken(),
            PayOrderError::Refused(why) => {
                tracing::warn!(why, "the payment gateway refuses to begin a payment");
                refused("the payment gateway does not take this payment".to_owned())
            }
            PayOrderError::GatewayUnavailable(cause) => Self::unavailable(cause).during(Operation::Stripe),
        }
    }
}

fn cards_not_taken() -> Problem {
    let violation = Violation {
        pointer: "/method".to_owned(),
        code: ViolationCode::NotOffered,
        detail: "cards are not taken here".to_owned(),
    };
    Problem::new(Code::ValidationFailed, "Cards are not taken here.").errors(vec![violation])
}

/// Whatever the gateway has said is for the log: it may be about us.
fn refused(why: String) -> Problem {
    let violation = Violation { pointer: "/method".to_owned(), code: ViolationCode::Refused, detail: why };
    let detail = "This cannot be paid by card; the order can be paid in another way.";
    Problem::new(Code::PaymentRefused, detail).errors(vec![violation])
}

impl Problems for PayOrderError {
    const CODES: &'static [Code] = &[
        Code::NotFound,
        Code::AlreadyPaid,
        Code::InvalidTransition,
        Code::IdempotencyKeyReused,
        Code::IdempotencyInProgress,
        Code::ValidationFailed,
        Code::PaymentRefused,
        Code::Unavailable,
    ];
}

#[cfg(test)]
mod tests {
    use comanda_domain::{Currency, KeyRefusal, Money, NotChargeable, OrderStatus, ports::Unavailable};

    use super::*;
    use crate::http::problem::documents;

    #[test]
    fn every_error_becomes_a_problem_that_is_stated() {
        let unavailable = || Unavailable::new("test");
        let errors = [
            PayOrderError::Begin(BeginPaymentError::NotFound),
            PayOrderError::Begin(BeginPaymentError::AlreadyPaid),
            PayOrderError::Begin(BeginPaymentError::NotPayable(OrderStatus::Cancelled)),
            PayOrderError::Begin(BeginPaymentError::NotChargeable(NotChargeable::BelowMinimum {
                minimum: Money::new(50, Currency::EUR),
            })),
            PayOrderError::Begin(BeginPaymentError::Key(KeyRefusal::Reused)),
            PayOrderError::Begin(BeginPaymentError::Key(KeyRefusal::InProgress)),
            PayOrderError::Begin(BeginPaymentError::Unavailable(unavailable())),
            PayOrderError::CardsNotTaken,
            PayOrderError::Refused("no".to_owned()),
            PayOrderError::GatewayUnavailable(unavailable()),
        ];
        let documents = documents(errors, |error| match error {
            PayOrderError::Begin(
                BeginPaymentError::NotFound
                | BeginPaymentError::AlreadyPaid
                | BeginPaymentError::NotPayable(_)
                | BeginPaymentError::CardsNotTaken
                | BeginPaymentError::NotChargeable(_)
                | BeginPaymentError::Key(_)
                | BeginPaymentError::Unavailable(_),
            )
            | PayOrderError::CardsNotTaken
            | PayOrderError::Refused(_)
            | PayOrderError::GatewayUnavailable(_) => {}
        });
        insta::assert_snapshot!("PayOrderError", documents);
    }
}
