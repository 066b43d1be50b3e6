use std::sync::Arc;

use async_trait::async_trait;
use comanda_domain::{
    Intent, IntentId, IntentRefund, Payment,
    ports::{DueRefund, GatewayError, PaymentGateway},
};
use metrics::{Counter, counter};
use tracing::Instrument;

use crate::breaker::Breaker;

/// The payment gateway, behind the breaker `stripe`.
pub struct GuardedGateway {
    gateway: Arc<dyn PaymentGateway>,
    breaker: Breaker,
    misconfigured: Counter,
}

impl GuardedGateway {
    pub fn new(gateway: Arc<dyn PaymentGateway>, breaker: Breaker) -> Self {
        // Registered at once: an alert goes by its increase, which the first increment of a new counter is not.
        Self { gateway, breaker, misconfigured: counter!("comanda_gateway_misconfigured_total") }
    }

    async fn call<T>(&self, call: impl Future<Output = Result<T, GatewayError>>) -> Result<T, GatewayError> {
        let outcome = self.breaker.call(call).await;
        if let Err(GatewayError::Misconfigured(_)) = &outcome {
            self.misconfigured.increment(1);
        }
        outcome
    }
}

#[async_trait]
impl PaymentGateway for GuardedGateway {
    async fn create(&self, payment: &Payment) -> Result<Intent, GatewayError> {
        let span = tracing::debug_span!("stripe.create", otel.kind = "client");
        self.call(self.gateway.create(payment)).instrument(span).await
    }

    async fn find(&self, id: &IntentId) -> Result<Option<Intent>, GatewayError> {
        self.call(self.gateway.find(id)).await
    }

    async fn cancel(&self, id: &IntentId) -> Result<Intent, GatewayError> {
        self.call(self.gateway.cancel(id)).await
    }

    async fn refund(&self, refund: &DueRefund) -> Result<IntentRefund, GatewayError> {
        self.call(self.gateway.refund(refund)).await
    }
}
