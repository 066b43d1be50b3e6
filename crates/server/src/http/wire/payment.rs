use comanda_domain::{Payment, ports::PaymentReceipt};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{MoneyResponse, names};

#[derive(Serialize, ToSchema)]
#[schema(as = Payment)]
pub struct PaymentResponse {
    id: Uuid,
    #[schema(value_type = names::PaymentStatus)]
    status: &'static str,
    #[schema(value_type = names::PaymentMethod)]
    method: &'static str,
    amount: MoneyResponse,
    /// What was given back, or is about to be; left out while that is nothing.
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
        // Whatever happened since, a repeated request gets the first response again.
        let refunded = None;
        let client_secret = receipt.client_secret.map(|secret| secret.0);
        Self { refunded, client_secret, ..receipt.payment.into() }
    }
}
