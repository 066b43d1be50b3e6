use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use comanda_domain::{
    Intent, IntentId, IntentRefund, Payment,
    ports::{DueRefund, GatewayError, PaymentGateway, Unavailable},
};
use metrics::{Counter, counter};
use tracing::Instrument;

use crate::breaker::Breaker;

/// How long a refund may take, with all that the gateway is asked for it. Another server may make it after half a
/// minute (see `Refunds::take_due_refunds`): both at once could make it twice.
const REFUND_LIMIT: Duration = Duration::from_secs(20);

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
        let made = tokio::time::timeout(REFUND_LIMIT, self.gateway.refund(refund));
        self.call(async { made.await.unwrap_or_else(|late| Err(Unavailable::new(late).into())) }).await
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use comanda_domain::{Currency, Money, RefundId};
    use uuid::Uuid;

    use super::*;
    use crate::breaker::BreakerSettings;

    /// A gateway that never responds.
    struct Silent;

    #[async_trait]
    impl PaymentGateway for Silent {
        async fn create(&self, _: &Payment) -> Result<Intent, GatewayError> {
            pending().await
        }

        async fn find(&self, _: &IntentId) -> Result<Option<Intent>, GatewayError> {
            pending().await
        }

        async fn cancel(&self, _: &IntentId) -> Result<Intent, GatewayError> {
            pending().await
        }

        async fn refund(&self, _: &DueRefund) -> Result<IntentRefund, GatewayError> {
            pending().await
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_refund_is_given_up_before_another_server_may_make_it() {
        let gateway = GuardedGateway::new(Arc::new(Silent), Breaker::new("stripe", BreakerSettings::default()));
        let (id, intent) = (RefundId::new(Uuid::from_u128(1)), IntentId("pi_1".to_owned()));
        let due = DueRefund { id, intent, amount: Money::new(100, Currency::EUR), attempts: 0 };
        let made = tokio::time::timeout(Duration::from_secs(25), gateway.refund(&due)).await;
        assert!(matches!(made, Ok(Err(GatewayError::Unavailable(_)))), "{made:?}");
    }
}
