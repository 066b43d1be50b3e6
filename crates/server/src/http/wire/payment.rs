use comanda_domain::{
    money::{Currency, Money, Price},
    payment::{Payment, PaymentMethod, Refund},
    ports::PaymentReceipt,
    text::Reason,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{MoneyResponse, WireTime, money::PriceRequest};
use crate::http::{problem::Problem, validation::Violations};

#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PayRequest {
    /// By card, through the payment gateway, or at the counter.
    #[schema(pattern = "^(card|counter)$", example = "card")]
    method: String,
}

impl PayRequest {
    pub fn validate(&self) -> Result<PaymentMethod, Problem> {
        let mut violations = Violations::default();
        let method = violations.read("/method", &self.method, "unknown-method");
        violations.finish(method)
    }
}

#[derive(Serialize, ToSchema)]
#[schema(as = Payment)]
pub struct PaymentResponse {
    id: Uuid,
    #[schema(
        example = "succeeded",
        pattern = "^(pending|requires_action|succeeded|failed|cancelled|partly_refunded|refunded)$"
    )]
    status: &'static str,
    #[schema(example = "card", pattern = "^(card|counter)$")]
    method: &'static str,
    amount: MoneyResponse,
    /// What was given back, or is about to be; nothing unless shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    refunded: Option<MoneyResponse>,
    /// What the customer's browser pays with (Stripe.js), when a payment by card begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<String>,
}

impl From<Payment> for PaymentResponse {
    fn from(payment: Payment) -> Self {
        Self {
            id: payment.id.as_uuid(),
            status: payment.status.as_str(),
            method: payment.method.as_str(),
            amount: payment.amount.into(),
            refunded: (payment.refunded.amount() > 0).then(|| payment.refunded.into()),
            client_secret: None,
        }
    }
}

impl From<PaymentReceipt> for PaymentResponse {
    fn from(receipt: PaymentReceipt) -> Self {
        // Whatever happened since, a repeated request is answered as the first was.
        let refunded = None;
        let client_secret = receipt.client_secret.map(|secret| secret.0);
        Self { refunded, client_secret, ..receipt.payment.into() }
    }
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefundRequest {
    /// All that is left unless given.
    #[serde(default)]
    amount: Option<PriceRequest>,
    /// Why; the audit log keeps it.
    #[schema(min_length = 1, max_length = 300, example = "The soup was cold")]
    reason: String,
}

impl RefundRequest {
    pub fn validate(&self, currency: Currency) -> Result<(Option<Money>, Reason), Problem> {
        let mut violations = Violations::default();
        let amount = self.amount.as_ref().map(|amount| amount.read("/amount", currency, &mut violations));
        if let Some(Some(amount)) = &amount
            && amount.money().amount() == 0
        {
            violations.add("/amount/amount", "out-of-range", "must be more than nothing");
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
    /// `pending` until the gateway has taken it.
    #[schema(example = "pending", pattern = "^(pending|succeeded|failed)$")]
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

/// What a browser would tell Stripe.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OfflinePayRequest {
    #[schema(
        pattern = "^(pm_card_visa|pm_card_chargeDeclined|pm_card_authenticationRequired)$",
        example = "pm_card_visa"
    )]
    pub payment_method: String,
}
