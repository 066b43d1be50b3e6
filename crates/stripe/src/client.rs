//! A typed client for the few calls of Stripe's HTTP API (<https://docs.stripe.com/api>) that are needed here.

use std::time::Duration;

use async_trait::async_trait;
use comanda_domain::{
    ChargeableAmounts, ClientSecret, Intent, IntentId, IntentRefund, IntentState, Money, Payment, RefundStatus,
    Timestamp,
    ports::{
        BadEvent, DueRefund, GatewayError, GatewayEvent, GatewayEvents, MalformedEvent, PaymentGateway, Unavailable,
    },
};
use reqwest::{Client, RequestBuilder, StatusCode};
use serde::{Deserialize, de::DeserializeOwned};
use thiserror::Error;

use crate::{
    currency::{self, StripeCurrency},
    error::{ErrorStatus, Failure},
    event::{self, Metadata, refund_status},
    signature,
};

/// Sent with every request, because the format of responses depends on it and the account's setting could change.
const API_VERSION: &str = "2024-06-20";

/// How to reach Stripe.
#[derive(Clone)]
pub struct StripeConfig {
    /// Base URL: `https://api.stripe.com`.
    pub base_url: String,
    /// API key (`sk_…`). Never logged.
    pub secret_key: String,
    /// Signing secrets (`whsec_…`) of the endpoint that receives events: the old and the new one while it is being
    /// replaced.
    pub webhook_secrets: Vec<String>,
    /// How long a response may take.
    pub timeout: Duration,
    /// The currency of all amounts in this deployment.
    pub currency: StripeCurrency,
    /// Returns the current span (W3C trace context) if it is traced.
    pub traceparent: fn() -> Option<String>,
}

/// Stripe as the payment gateway.
pub struct Stripe {
    http: Client,
    config: StripeConfig,
}

#[derive(Debug, Error)]
#[error("Stripe names an amount that its currency does not have")]
struct UnreadableAmount;

#[derive(Deserialize)]
struct IntentDocument {
    id: String,
    amount: i64,
    amount_received: Option<i64>,
    currency: Option<String>,
    client_secret: Option<String>,
    status: String,
    last_payment_error: Option<serde_json::Value>,
    #[serde(default)]
    metadata: Metadata,
}

#[derive(Deserialize)]
struct RefundDocument {
    #[serde(default)]
    id: String,
    amount: i64,
    currency: Option<String>,
    status: Option<String>,
    #[serde(default)]
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Refunds {
    data: Vec<RefundDocument>,
}

impl Stripe {
    /// Fails if the machine has no certificate authorities to trust.
    pub fn new(config: StripeConfig) -> Result<Self, Unavailable> {
        // Fails if another part of the program has installed a provider before, which is fine.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = Client::builder()
            .timeout(config.timeout)
            .connect_timeout(config.timeout.min(Duration::from_secs(2)))
            // Stripe never redirects, and the secret key must not be sent anywhere else.
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(Unavailable::new)?;
        Ok(Self { http, config })
    }

    /// What can be charged to a card.
    pub fn chargeable(&self) -> ChargeableAmounts {
        self.config.currency.chargeable()
    }

    fn url(&self, path: &str) -> String {
        format!("{}/v1/{path}", self.config.base_url.trim_end_matches('/'))
    }

    async fn send<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, Failure> {
        let request = request.bearer_auth(&self.config.secret_key).header("stripe-version", API_VERSION);
        let request = match (self.config.traceparent)() {
            Some(span) => request.header("traceparent", span),
            None => request,
        };
        let unreadable = |error: reqwest::Error| Failure::Unavailable(Unavailable::new(error.without_url()));
        let response = request.send().await.map_err(unreadable)?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = response.text().await.map_err(unreadable)?;
        if status.is_success() {
            return serde_json::from_str(&body).map_err(|error| Failure::Unavailable(Unavailable::new(error)));
        }
        let failure = Failure::read(status, &headers, &body);
        if let Failure::Misconfigured(error) = &failure {
            tracing::error!(%error, "Stripe does not accept our key, or does not allow it to do this");
        }
        Err(failure)
    }

    fn intent(&self, document: IntentDocument, refunds: Vec<IntentRefund>) -> Result<Intent, Failure> {
        let state = match document.status.as_str() {
            "succeeded" => IntentState::Succeeded,
            "canceled" => IntentState::Cancelled,
            "requires_action" => IntentState::RequiresAction,
            "requires_payment_method" if document.last_payment_error.is_some_and(|error| !error.is_null()) => {
                IntentState::Failed
            }
            _ => IntentState::Pending,
        };
        Ok(Intent {
            id: IntentId(document.id),
            client_secret: document.client_secret.map(ClientSecret),
            state,
            amount: self.money(document.amount, document.currency.as_deref())?,
            received: document
                .amount_received
                .filter(|_| state == IntentState::Succeeded)
                .map(|received| self.money(received, document.currency.as_deref()))
                .transpose()?,
            refunds,
            payment_id: document.metadata.payment_id(),
        })
    }

    /// What Stripe's amount is in minor units.
    fn money(&self, units: i64, currency: Option<&str>) -> Result<Money, Failure> {
        let ours = self.config.currency;
        let money = currency.map_or_else(|| ours.read(units), |currency| currency::read(units, currency));
        money.ok_or_else(|| Failure::Unavailable(Unavailable::new(UnreadableAmount)))
    }

    fn units(&self, amount: Money) -> Result<String, GatewayError> {
        let units = self.config.currency.write(amount);
        units
            .map(|units| units.to_string())
            .ok_or_else(|| GatewayError::Refused(format!("Stripe cannot express {amount} {}", amount.currency())))
    }

    async fn refunds_of(&self, id: &IntentId) -> Result<Vec<RefundDocument>, Failure> {
        let query = [("payment_intent", id.0.as_str()), ("limit", "100")];
        Ok(self.send::<Refunds>(self.http.get(self.url("refunds")).query(&query)).await?.data)
    }
}

#[async_trait]
impl PaymentGateway for Stripe {
    async fn create(&self, payment: &Payment) -> Result<Intent, GatewayError> {
        let (id, order) = (payment.id.to_string(), payment.order_id.to_string());
        let amount = self.units(payment.amount)?;
        let currency = payment.amount.currency().code().to_lowercase();
        let form = [
            ("amount", amount.as_str()),
            ("currency", &currency),
            ("payment_method_types[]", "card"),
            ("metadata[payment_id]", &id),
            ("metadata[order_id]", &order),
        ];
        let request = self.http.post(self.url("payment_intents")).header("idempotency-key", &id).form(&form);
        let document = self.send(request).await?;
        Ok(self.intent(document, Vec::new())?)
    }

    async fn find(&self, id: &IntentId) -> Result<Option<Intent>, GatewayError> {
        let path = format!("payment_intents/{}", id.0);
        let document: IntentDocument = match self.send(self.http.get(self.url(&path))).await {
            Ok(document) => document,
            Err(Failure::Refused(ErrorStatus { status: StatusCode::NOT_FOUND, .. })) => return Ok(None),
            Err(failure) => return Err(failure.into()),
        };
        // Only a payment that succeeded can have been refunded.
        let refunds = match document.status.as_str() {
            "succeeded" => self.refunds_of(id).await?,
            _ => Vec::new(),
        };
        let mut known = Vec::new();
        for refund in refunds {
            known.push(IntentRefund {
                amount: self.money(refund.amount, refund.currency.as_deref())?,
                status: refund_status(refund.status.as_deref()),
                refund_id: refund.metadata.refund_id(),
                id: refund.id,
            });
        }
        Ok(Some(self.intent(document, known)?))
    }

    async fn cancel(&self, id: &IntentId) -> Result<Intent, GatewayError> {
        let path = format!("payment_intents/{}/cancel", id.0);
        match self.send(self.http.post(self.url(&path))).await {
            Ok(document) => Ok(self.intent(document, Vec::new())?),
            // It is paid or cancelled already.
            Err(Failure::Refused(error)) if error.status == StatusCode::BAD_REQUEST => {
                tracing::debug!(%error, "a payment intent can no longer be cancelled");
                self.find(id).await?.ok_or_else(|| GatewayError::Refused(error.to_string()))
            }
            Err(failure) => Err(failure.into()),
        }
    }

    async fn refund(&self, refund: &DueRefund) -> Result<RefundStatus, GatewayError> {
        // Stripe forgets idempotency keys after a day. A refund that was made before then is found by our id.
        let made = self.refunds_of(&refund.intent).await?;
        if let Some(made) = made.iter().find(|made| made.metadata.refund_id() == Some(refund.id)) {
            return Ok(refund_status(made.status.as_deref()));
        }
        let (id, amount) = (refund.id.to_string(), self.units(refund.amount)?);
        let form = [("payment_intent", refund.intent.0.as_str()), ("amount", &amount), ("metadata[refund_id]", &id)];
        let request = self.http.post(self.url("refunds")).header("idempotency-key", &id).form(&form);
        let document: RefundDocument = self.send(request).await?;
        Ok(refund_status(document.status.as_deref()))
    }
}

impl GatewayEvents for Stripe {
    fn known_kinds(&self) -> &'static [&'static str] {
        &event::KNOWN_KINDS
    }

    fn verify(&self, header: &str, body: &[u8], now: Timestamp) -> Result<GatewayEvent, BadEvent> {
        signature::verify(&self.config.webhook_secrets, header, body, now)?;
        Ok(self.read(std::str::from_utf8(body).map_err(|_| MalformedEvent("it is not UTF-8"))?)?)
    }

    fn read(&self, body: &str) -> Result<GatewayEvent, MalformedEvent> {
        event::read(body)
    }
}
