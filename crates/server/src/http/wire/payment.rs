use comanda_domain::{ExaminedPayment, Payment, PaymentIncident, ports::PaymentReceipt};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{MoneyResponse, WireTime, names};

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
    /// What staff have to look into; left out while there is nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    incidents: Vec<PaymentIncidentResponse>,
}

/// Something about a card payment that staff have to look into.
#[derive(Serialize, ToSchema)]
#[schema(as = PaymentIncident)]
pub struct PaymentIncidentResponse {
    /// The gateway's id for the dispute, or for the payment.
    #[schema(example = "dp_1PgafmB7WZ01zgkW6dKueIc5")]
    id: String,
    #[schema(value_type = names::IncidentKind)]
    kind: &'static str,
    /// What came, or what is disputed.
    amount: MoneyResponse,
    #[schema(value_type = names::IncidentStatus)]
    status: &'static str,
    /// The gateway's word for why.
    #[schema(example = "fraudulent")]
    reason: String,
    /// Whether the gateway has taken the disputed money from us.
    withdrawn: bool,
    opened_at: WireTime,
}

impl From<PaymentIncident> for PaymentIncidentResponse {
    fn from(incident: PaymentIncident) -> Self {
        Self {
            id: incident.id,
            kind: incident.kind.as_str(),
            amount: incident.amount.into(),
            status: incident.status.as_str(),
            reason: incident.reason,
            withdrawn: incident.withdrawn,
            opened_at: WireTime(incident.opened_at),
        }
    }
}

impl From<ExaminedPayment> for PaymentResponse {
    fn from(ExaminedPayment { payment, incidents }: ExaminedPayment) -> Self {
        Self { incidents: incidents.into_iter().map(PaymentIncidentResponse::from).collect(), ..payment.into() }
    }
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
            incidents: Vec::new(),
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
