//! A typed client for the few calls of Stripe's HTTP API (<https://docs.stripe.com/api>) that are needed here.

use std::time::Duration;

use async_trait::async_trait;
use comanda_domain::{
    ClientSecret, Currency, Intent, IntentId, IntentState, Money, Payment, RefundStatus, Timestamp,
    ports::{
        BadEvent, DueRefund, GatewayError, GatewayEvent, GatewayEvents, MalformedEvent, PaymentGateway, Unavailable,
    },
};
use reqwest::{Client, RequestBuilder, StatusCode};
use serde::{Deserialize, de::DeserializeOwned};
use thiserror::Error;

use crate::{
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
    pub currency: Currency,
    /// Returns the current span (W3C trace context) if it is traced.
    pub traceparent: fn() -> Option<String>,
}

/// Stripe as the payment gateway.
pub struct Stripe {
    http: Client,
    config: StripeConfig,
}

#[derive(Debug, Error)]
#[error("Stripe responded with {status}: {message}")]
struct ErrorStatus {
    status: StatusCode,
    message: String,
}

#[derive(Deserialize)]
struct ErrorResponse {
    error: ErrorDocument,
}

#[derive(Deserialize)]
struct ErrorDocument {
    #[serde(default)]
    message: String,
    #[serde(default)]
    code: Option<String>,
}

#[derive(Deserialize)]
struct IntentDocument {
    id: String,
    amount: i64,
    client_secret: Option<String>,
    status: String,
    last_payment_error: Option<serde_json::Value>,
    #[serde(default)]
    metadata: Metadata,
}

#[derive(Deserialize)]
struct RefundDocument {
    amount: i64,
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

    fn url(&self, path: &str) -> String {
        format!("{}/v1/{path}", self.config.base_url.trim_end_matches('/'))
    }

    async fn send<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, Refusal> {
        let request = request.bearer_auth(&self.config.secret_key).header("stripe-version", API_VERSION);
        let request = match (self.config.traceparent)() {
            Some(span) => request.header("traceparent", span),
            None => request,
        };
        let response =
            request.send().await.map_err(|error| Refusal::Unavailable(Unavailable::new(error.without_url())))?;
        let status = response.status();
        let body =
            response.text().await.map_err(|error| Refusal::Unavailable(Unavailable::new(error.without_url())))?;
        if status.is_success() {
            return serde_json::from_str(&body).map_err(|error| Refusal::Unavailable(Unavailable::new(error)));
        }
        let document: Option<ErrorResponse> = serde_json::from_str(&body).ok();
        let (message, code) =
            document.map_or((String::new(), None), |document| (document.error.message, document.error.code));
        let busy = matches!(
            status,
            StatusCode::CONFLICT
                | StatusCode::TOO_MANY_REQUESTS
                | StatusCode::REQUEST_TIMEOUT
                | StatusCode::UNAUTHORIZED
        );
        if busy || status.is_server_error() {
            return Err(Refusal::Unavailable(Unavailable::new(ErrorStatus { status, message })));
        }
        Err(Refusal::Refused { status, code: code.unwrap_or_default(), message })
    }

    fn intent(&self, document: IntentDocument, refunded: i64) -> Intent {
        let state = match document.status.as_str() {
            "succeeded" => IntentState::Succeeded,
            "canceled" => IntentState::Cancelled,
            "requires_action" => IntentState::RequiresAction,
            "requires_payment_method" if document.last_payment_error.is_some_and(|error| !error.is_null()) => {
                IntentState::Failed
            }
            _ => IntentState::Pending,
        };
        let payment_id = document.metadata.payment_id();
        Intent {
            id: IntentId(document.id),
            client_secret: document.client_secret.map(ClientSecret),
            state,
            amount: Money::new(document.amount, self.config.currency),
            refunded: Money::new(refunded, self.config.currency),
            payment_id,
        }
    }

    async fn refunds_of(&self, id: &IntentId) -> Result<Vec<RefundDocument>, Refusal> {
        let query = [("payment_intent", id.0.as_str()), ("limit", "100")];
        Ok(self.send::<Refunds>(self.http.get(self.url("refunds")).query(&query)).await?.data)
    }
}

/// Why Stripe did not carry out a request.
enum Refusal {
    Refused { status: StatusCode, code: String, message: String },
    Unavailable(Unavailable),
}

impl From<Refusal> for GatewayError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Refused { message, .. } => Self::Refused(message),
            Refusal::Unavailable(cause) => Self::Unavailable(cause),
        }
    }
}

#[async_trait]
impl PaymentGateway for Stripe {
    async fn create(&self, payment: &Payment) -> Result<Intent, GatewayError> {
        let (id, order) = (payment.id.to_string(), payment.order_id.to_string());
        let amount = payment.amount.amount().to_string();
        let currency = payment.amount.currency().code().to_lowercase();
        let form = [
            ("amount", amount.as_str()),
            ("currency", &currency),
            ("payment_method_types[]", "card"),
            ("metadata[payment_id]", &id),
            ("metadata[order_id]", &order),
        ];
        let request = self.http.post(self.url("payment_intents")).header("idempotency-key", &id).form(&form);
        Ok(self.intent(self.send(request).await?, 0))
    }

    async fn find(&self, id: &IntentId) -> Result<Option<Intent>, GatewayError> {
        let path = format!("payment_intents/{}", id.0);
        let document: IntentDocument = match self.send(self.http.get(self.url(&path))).await {
            Ok(document) => document,
            Err(Refusal::Refused { status: StatusCode::NOT_FOUND, .. }) => return Ok(None),
            Err(refusal) => return Err(refusal.into()),
        };
        // Only a payment that succeeded can have been refunded.
        let refunds = match document.status.as_str() {
            "succeeded" => self.refunds_of(id).await?,
            _ => Vec::new(),
        };
        let refunded = refunds
            .iter()
            .filter(|refund| refund_status(refund.status.as_deref()) != RefundStatus::Failed)
            .map(|refund| refund.amount)
            .sum();
        Ok(Some(self.intent(document, refunded)))
    }

    async fn cancel(&self, id: &IntentId) -> Result<Intent, GatewayError> {
        let path = format!("payment_intents/{}/cancel", id.0);
        match self.send(self.http.post(self.url(&path))).await {
            Ok(document) => Ok(self.intent(document, 0)),
            // It is paid or cancelled already.
            Err(Refusal::Refused { status: StatusCode::BAD_REQUEST, code, message }) => {
                let found = self.find(id).await?;
                tracing::debug!(code, "a payment intent can no longer be cancelled");
                found.ok_or(GatewayError::Refused(message))
            }
            Err(refusal) => Err(refusal.into()),
        }
    }

    async fn refund(&self, refund: &DueRefund) -> Result<RefundStatus, GatewayError> {
        // Stripe forgets idempotency keys after a day. A refund that was made before then is found by our id.
        let made = self.refunds_of(&refund.intent).await?;
        if let Some(made) = made.iter().find(|made| made.metadata.refund_id() == Some(refund.id)) {
            return Ok(refund_status(made.status.as_deref()));
        }
        let (id, amount) = (refund.id.to_string(), refund.amount.amount().to_string());
        let form = [("payment_intent", refund.intent.0.as_str()), ("amount", &amount), ("metadata[refund_id]", &id)];
        let request = self.http.post(self.url("refunds")).header("idempotency-key", &id).form(&form);
        let document: RefundDocument = self.send(request).await?;
        Ok(refund_status(document.status.as_deref()))
    }
}

impl GatewayEvents for Stripe {
    fn verify(&self, header: &str, body: &[u8], now: Timestamp) -> Result<GatewayEvent, BadEvent> {
        signature::verify(&self.config.webhook_secrets, header, body, now)?;
        Ok(self.read(std::str::from_utf8(body).map_err(|_| MalformedEvent("it is not UTF-8"))?)?)
    }

    fn read(&self, body: &str) -> Result<GatewayEvent, MalformedEvent> {
        event::read(body)
    }
}
