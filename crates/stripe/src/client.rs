//! A typed client for the few calls of Stripe's HTTP API (<https://docs.stripe.com/api>) that are needed here.

use std::time::Duration;

use async_trait::async_trait;
use comanda_domain::{
    ChargeableAmounts, ClientSecret, Intent, IntentId, IntentRefund, IntentState, Money, Payment, Timestamp,
    ports::{
        BadEvent, DueRefund, GatewayError, GatewayEvent, GatewayEvents, MalformedEvent, PaymentGateway, Unavailable,
    },
};
use reqwest::{Client, RequestBuilder, StatusCode};
use serde::{Deserialize, de::DeserializeOwned};
use thiserror::Error;

use crate::{
    currency::{self, StripeCurrency},
    error::Failure,
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
    #[serde(default)]
    has_more: bool,
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
        let unreachable = |error: reqwest::Error| Failure::Unreachable(Unavailable::new(error.without_url()));
        let response = request.send().await.map_err(unreachable)?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = response.text().await.map_err(unreachable)?;
        if status.is_success() {
            return serde_json::from_str(&body).map_err(|error| Failure::Unreadable(Unavailable::new(error)));
        }
        Err(Failure::read(status, &headers, &body))
    }

    /// Sends a request under the idempotency key `name`. If Stripe repeats a failure that it has stored under this key,
    /// under the next one: `another` makes it of the number of keys that were of no use.
    async fn send_once<T: DeserializeOwned>(
        &self,
        request: RequestBuilder,
        name: &str,
        another: impl Fn(u32) -> String,
    ) -> Result<T, Failure> {
        /// More is for another attempt.
        const KEYS: u32 = 4;
        let mut key = name.to_owned();
        for used in 1.. {
            // The body of a form is in memory, and can be sent again.
            let Some(this) = request.try_clone() else { break };
            match self.send(this.header("idempotency-key", &key)).await {
                Err(failure) if failure.needs_another_key() && used < KEYS => key = another(used),
                outcome => return outcome,
            }
        }
        self.send(request.header("idempotency-key", &key)).await
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
        money.ok_or_else(|| Failure::Unreadable(Unavailable::new(UnreadableAmount)))
    }

    fn units(&self, amount: Money) -> Result<String, GatewayError> {
        let units = self.config.currency.write(amount);
        units
            .map(|units| units.to_string())
            .ok_or_else(|| GatewayError::Refused(format!("Stripe cannot express {amount} {}", amount.currency())))
    }

    /// All refunds of an intent that is known to exist.
    async fn refunds_of(&self, id: &IntentId) -> Result<Vec<RefundDocument>, Failure> {
        /// Ten thousand refunds of one payment are more than anybody makes.
        const PAGES: usize = 100;
        let mut refunds: Vec<RefundDocument> = Vec::new();
        for _ in 0..PAGES {
            let mut query = vec![("payment_intent", id.0.as_str()), ("limit", "100")];
            query.extend(refunds.last().map(|last| ("starting_after", last.id.as_str())));
            let request = self.http.get(self.url("refunds")).query(&query);
            let page = self.send::<Refunds>(request).await.map_err(Failure::of_known)?;
            let is_last = !page.has_more || page.data.is_empty();
            refunds.extend(page.data);
            if is_last {
                break;
            }
        }
        Ok(refunds)
    }

    fn refund_as_made(&self, refund: RefundDocument) -> Result<IntentRefund, Failure> {
        Ok(IntentRefund {
            amount: self.money(refund.amount, refund.currency.as_deref())?,
            status: refund_status(refund.status.as_deref()),
            refund_id: refund.metadata.refund_id(),
            id: refund.id,
        })
    }

    async fn look_up(&self, id: &IntentId) -> Result<Option<Intent>, Failure> {
        let path = format!("payment_intents/{}", id.0);
        let document: IntentDocument = match self.send(self.http.get(self.url(&path))).await {
            Ok(document) => document,
            Err(Failure::Refused(error)) if error.is_missing() || error.status == StatusCode::NOT_FOUND => {
                return Ok(None);
            }
            Err(failure) => return Err(failure),
        };
        // Only a payment that succeeded can have been refunded.
        let refunds = match document.status.as_str() {
            "succeeded" => self.refunds_of(id).await?,
            _ => Vec::new(),
        };
        let refunds = refunds.into_iter().map(|refund| self.refund_as_made(refund)).collect::<Result<_, _>>()?;
        Ok(Some(self.intent(document, refunds)?))
    }

    async fn cancel_intent(&self, id: &IntentId) -> Result<Intent, Failure> {
        let path = format!("payment_intents/{}/cancel", id.0);
        match self.send(self.http.post(self.url(&path))).await.map_err(Failure::of_known) {
            Ok(document) => self.intent(document, Vec::new()),
            // It is paid or cancelled already.
            Err(Failure::Refused(error)) if error.status == StatusCode::BAD_REQUEST => {
                tracing::debug!(%error, "a payment intent can no longer be cancelled");
                self.look_up(id).await?.ok_or(Failure::Misconfigured(error))
            }
            Err(failure) => Err(failure),
        }
    }

    async fn make_refund(&self, refund: &DueRefund, amount: &str) -> Result<IntentRefund, Failure> {
        // Stripe forgets idempotency keys after a day. A refund that was made before then is found by our id.
        let made = self.refunds_of(&refund.intent).await?;
        if let Some(made) = made.into_iter().find(|made| made.metadata.refund_id() == Some(refund.id)) {
            return self.refund_as_made(made);
        }
        let id = refund.id.to_string();
        let form = [("payment_intent", refund.intent.0.as_str()), ("amount", amount), ("metadata[refund_id]", &id)];
        let request = self.http.post(self.url("refunds")).form(&form);
        let another = |used| format!("{id}-{}-{used}", refund.attempts);
        let document = self.send_once(request, &id, another).await.map_err(Failure::of_known)?;
        self.refund_as_made(document)
    }
}

fn logged(failure: Failure) -> GatewayError {
    if let Failure::Misconfigured(error) = &failure {
        tracing::error!(%error, "Stripe does not accept our key, or does not allow it to do this");
    }
    failure.into()
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
        let request = self.http.post(self.url("payment_intents")).form(&form);
        // Whoever else asks for this payment's intent finds the same keys used up, and gets the same intent.
        let document = self.send_once(request, &id, |used| format!("{id}-{used}")).await.map_err(logged)?;
        self.intent(document, Vec::new()).map_err(logged)
    }

    async fn find(&self, id: &IntentId) -> Result<Option<Intent>, GatewayError> {
        match self.look_up(id).await {
            // Asking again is of no use, and the other intents can be read.
            Err(Failure::Unreadable(cause)) => Err(GatewayError::Refused(cause.to_string())),
            outcome => outcome.map_err(logged),
        }
    }

    async fn cancel(&self, id: &IntentId) -> Result<Intent, GatewayError> {
        self.cancel_intent(id).await.map_err(logged)
    }

    async fn refund(&self, refund: &DueRefund) -> Result<IntentRefund, GatewayError> {
        let amount = self.units(refund.amount)?;
        self.make_refund(refund, &amount).await.map_err(logged)
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
