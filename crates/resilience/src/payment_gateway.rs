use std::sync::Arc;

use async_trait::async_trait;
use comanda_domain::{
    Intent, IntentId, Payment, RefundStatus,
    ports::{DueRefund, GatewayError, PaymentGateway},
};
use tracing::Instrument;

use crate::breaker::Breaker;

/// The payment gateway, behind the breaker `stripe`.
pub struct GuardedGateway {
    pub gateway: Arc<dyn PaymentGateway>,
    pub breaker: Breaker,
}

#[async_trait]
impl PaymentGateway for GuardedGateway {
    async fn create(&self, payment: &Payment) -> Result<Intent, GatewayError> {
        let span = tracing::debug_span!("stripe.create", otel.kind = "client");
        self.breaker.call(self.gateway.create(payment)).instrument(span).await
    }

    async fn find(&self, id: &IntentId) -> Result<Option<Intent>, GatewayError> {
        self.breaker.call(self.gateway.find(id)).await
    }

    async fn cancel(&self, id: &IntentId) -> Result<Intent, GatewayError> {
        self.breaker.call(self.gateway.cancel(id)).await
    }

    async fn refund(&self, refund: &DueRefund) -> Result<RefundStatus, GatewayError> {
        self.breaker.call(self.gateway.refund(refund)).await
    }
}
