//! A gateway for development. It behaves like Stripe with its test cards (<https://docs.stripe.com/testing>), but
//! contacts nobody and moves no money.

use std::{str::FromStr, sync::Arc};

use async_trait::async_trait;
use comanda_domain::{
    ClientSecret, Currency, Intent, IntentId, IntentRefund, IntentState, Money, Payment, RefundStatus, Timestamp,
    ports::{BadEvent, Clock, DueRefund, GatewayError, GatewayEvent, GatewayEvents, MalformedEvent, PaymentGateway},
};
use serde_json::json;
use thiserror::Error;
use uuid::Uuid;

use crate::{event, signature};

/// Stores nothing: an intent is its payment under another name, and whatever happens to it is an event signed like
/// Stripe's.
pub struct OfflineGateway {
    secrets: Vec<String>,
    clock: Arc<dyn Clock>,
}

/// A test card, by Stripe's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TestCard {
    /// `pm_card_visa`: the payment succeeds.
    Visa,
    /// `pm_card_chargeDeclined`: the bank declines the payment.
    Declined,
    /// `pm_card_authenticationRequired`: the customer has to confirm the payment.
    AuthenticationRequired,
}

/// The name is not one of a test card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("unknown; there are: pm_card_visa, pm_card_chargeDeclined, pm_card_authenticationRequired")]
pub struct UnknownTestCard;

impl FromStr for TestCard {
    type Err = UnknownTestCard;

    fn from_str(text: &str) -> Result<Self, UnknownTestCard> {
        match text {
            "pm_card_visa" => Ok(Self::Visa),
            "pm_card_chargeDeclined" => Ok(Self::Declined),
            "pm_card_authenticationRequired" => Ok(Self::AuthenticationRequired),
            _ => Err(UnknownTestCard),
        }
    }
}

impl OfflineGateway {
    const PREFIX: &str = "pi_offline_";

    /// Signs with the first of the secrets and accepts any of them.
    pub fn new(secrets: Vec<String>, clock: Arc<dyn Clock>) -> Self {
        Self { secrets, clock }
    }

    /// Pays an intent with a test card. Returns the signature and the body of the event that reports it, or `None` if
    /// the intent is not one of this gateway.
    pub fn pay(&self, intent: &IntentId, card: TestCard) -> Option<(String, String)> {
        let payment: Uuid = intent.0.strip_prefix(Self::PREFIX)?.parse().ok()?;
        let kind = match card {
            TestCard::Visa => "payment_intent.succeeded",
            TestCard::Declined => "payment_intent.payment_failed",
            TestCard::AuthenticationRequired => "payment_intent.requires_action",
        };
        let now = self.clock.now();
        let body = json!({
            "id": format!("evt_offline_{}", Uuid::now_v7().simple()),
            "object": "event",
            "type": kind,
            "created": now.timestamp(),
            "data": {
                "object": { "id": intent.0, "object": "payment_intent", "metadata": { "payment_id": payment } },
            },
        });
        let body = body.to_string();
        let secret = self.secrets.first()?;
        Some((signature::sign(secret, body.as_bytes(), now), body))
    }
}

#[async_trait]
impl PaymentGateway for OfflineGateway {
    async fn create(&self, payment: &Payment) -> Result<Intent, GatewayError> {
        let id = format!("{}{}", Self::PREFIX, payment.id.as_uuid().simple());
        Ok(Intent {
            client_secret: Some(ClientSecret(format!("{id}_secret_offline"))),
            id: IntentId(id),
            state: IntentState::Pending,
            amount: payment.amount,
            received: None,
            refunds: Vec::new(),
            payment_id: Some(payment.id),
        })
    }

    async fn find(&self, _: &IntentId) -> Result<Option<Intent>, GatewayError> {
        Err(GatewayError::Refused("the offline gateway stores no payments".to_owned()))
    }

    /// A payment made at the same moment comes too late: its event leads to a refund.
    async fn cancel(&self, id: &IntentId) -> Result<Intent, GatewayError> {
        Ok(Intent {
            id: id.clone(),
            client_secret: None,
            state: IntentState::Cancelled,
            amount: Money::zero(Currency::EUR),
            received: None,
            refunds: Vec::new(),
            payment_id: None,
        })
    }

    async fn refund(&self, refund: &DueRefund) -> Result<IntentRefund, GatewayError> {
        let (id, refund_id) = (format!("re_offline_{}", refund.id.as_uuid().simple()), Some(refund.id));
        Ok(IntentRefund { id, refund_id, amount: refund.amount, status: RefundStatus::Succeeded })
    }
}

impl GatewayEvents for OfflineGateway {
    fn known_kinds(&self) -> &'static [&'static str] {
        &event::KNOWN_KINDS
    }

    fn verify(&self, header: &str, body: &[u8], now: Timestamp) -> Result<GatewayEvent, BadEvent> {
        signature::verify(&self.secrets, header, body, now)?;
        Ok(self.read(std::str::from_utf8(body).map_err(|_| MalformedEvent("it is not UTF-8"))?)?)
    }

    fn read(&self, body: &str) -> Result<GatewayEvent, MalformedEvent> {
        event::read(body)
    }
}
