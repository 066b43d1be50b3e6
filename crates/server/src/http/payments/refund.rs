use actix_web::{HttpResponse, http::StatusCode};
use comanda_application::Payments;
use comanda_domain::{Currency, Money, OrderId, PaymentId, Price, Reason, Refund, ports::RefundPaymentError};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::http::{
    extract::{Idempotent, Json, Path, Service, Staff, replayable},
    problem::{Code, Failure, Problem, problems},
    validation::{Violation, ViolationCode, Violations},
    wire::{MoneyResponse, PriceRequest, WireTime, names},
};

/// Gives money back: a part, or all that is left
///
/// What was refunded cannot be more than what was paid. Money that was paid by card goes back through the gateway;
/// `pending` until it has taken the refund.
#[utoipa::path(
    post, path = "/v1/orders/{id}/payments/{payment_id}/refunds", operation_id = "refund_payment",
    request_body = RefundRequest,
    responses((status = 201, description = "The refund", body = RefundResponse))
)]
pub async fn refund(
    payments: Service<Payments>,
    currency: Service<Currency>,
    Staff(staff): Staff,
    Path(order_id): Path<OrderId>,
    Path(payment_id): Path<PaymentId>,
    Idempotent(Json(request), key): Idempotent<Json<RefundRequest>>,
) -> Result<HttpResponse, Failure<RefundPaymentError>> {
    let (amount, reason) = request.validate(*currency)?;
    let refund = payments.refund(staff, order_id, payment_id, amount, reason, key).await?;
    Ok(replayable(StatusCode::CREATED, refund.replayed).json(RefundResponse::from(refund.outcome)))
}

#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefundRequest {
    /// All that is left unless given.
    #[serde(default)]
    amount: Option<PriceRequest>,
    /// Why; the audit log keeps it.
    #[schema(
        pattern = r"^[^\x00-\x08\x0B\x0C\x0E-\x1F\x7F-\x9F]*$",
        min_length = 1,
        max_length = 300,
        example = "The soup was cold"
    )]
    reason: String,
}

impl RefundRequest {
    fn validate(&self, currency: Currency) -> Result<(Option<Money>, Reason), Problem> {
        let mut violations = Violations::default();
        let amount = self.amount.as_ref().map(|amount| amount.read("/amount", currency, &mut violations));
        if let Some(Some(amount)) = &amount
            && amount.money().amount() == 0
        {
            violations.add("/amount/amount", ViolationCode::OutOfRange, "must be more than nothing");
        }
        let reason = violations.check("/reason", Reason::new(&self.reason));
        let reason = violations.finish(reason)?;
        Ok((amount.flatten().map(Price::money), reason))
    }
}

#[derive(Serialize, ToSchema)]
#[schema(as = Refund)]
pub struct RefundResponse {
    id: Uuid,
    payment_id: Uuid,
    amount: MoneyResponse,
    #[schema(value_type = names::RefundStatus)]
    status: &'static str,
    reason: String,
    created_at: WireTime,
}

impl From<Refund> for RefundResponse {
    fn from(refund: Refund) -> Self {
        Self {
            id: refund.id.as_uuid(),
            payment_id: refund.payment_id.as_uuid(),
            amount: refund.amount.into(),
            status: refund.status.as_str(),
            reason: refund.reason.as_str().to_owned(),
            created_at: WireTime(refund.created_at),
        }
    }
}

impl From<RefundPaymentError> for Problem {
    fn from(error: RefundPaymentError) -> Self {
        match error {
            RefundPaymentError::NotFound => Self::not_found("payment"),
            RefundPaymentError::NotPaid(status) => Self::new(
                Code::InvalidTransition,
                format!("A payment that is {} has no money to give back.", status.as_str()),
            ),
            RefundPaymentError::TooMuch { .. } => {
                let pointer = "/amount/amount".to_owned();
                let violation = Violation { pointer, code: ViolationCode::OutOfRange, detail: error.to_string() };
                Self::new(Code::ValidationFailed, "There is not so much left.").errors(vec![violation])
            }
            RefundPaymentError::NotChargeable(why) => {
                let pointer = "/amount/amount".to_owned();
                let violation = Violation { pointer, code: ViolationCode::OutOfRange, detail: why.to_string() };
                Self::new(Code::ValidationFailed, "The payment gateway cannot move this amount.")
                    .errors(vec![violation])
            }
            RefundPaymentError::Key(refusal) => refusal.into(),
            RefundPaymentError::Unavailable(cause) => cause.into(),
        }
    }
}

problems! {
    RefundPaymentError: [
        NotFound, InvalidTransition, ValidationFailed, IdempotencyKeyReused, IdempotencyInProgress, Unavailable
    ];
    NotFound,
    NotPaid(comanda_domain::PaymentStatus::Failed),
    TooMuch { left: Money::zero(Currency::EUR) },
    NotChargeable(comanda_domain::NotChargeable::Fraction { step: Money::new(10, Currency::EUR) }),
    Key(comanda_domain::KeyRefusal::Reused) and (comanda_domain::KeyRefusal::InProgress),
    Unavailable(Unavailable::new("test")),
}
