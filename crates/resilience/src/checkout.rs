use std::sync::Arc;

use async_trait::async_trait;
use comanda_domain::{
    Idempotency, Intent, NewPayment, Payment, PaymentId, Timestamp,
    ports::{BeginPaymentError, BegunPayment, Checkout, Idempotent, PaymentReceipt, Unavailable},
};

use crate::breaker::Breaker;

/// Beginning to pay, behind the breaker `payment.create`.
pub struct GuardedCheckout {
    pub checkout: Arc<dyn Checkout>,
    pub create: Breaker,
}

#[async_trait]
impl Checkout for GuardedCheckout {
    async fn begin(&self, payment: NewPayment) -> Result<BegunPayment, BeginPaymentError> {
        self.create.call(self.checkout.begin(payment)).await
    }

    async fn attach(
        &self,
        id: PaymentId,
        intent: Intent,
        idempotency: Option<Idempotency>,
        at: Timestamp,
    ) -> Result<Idempotent<PaymentReceipt>, BeginPaymentError> {
        self.create.call(self.checkout.attach(id, intent, idempotency, at)).await
    }

    async fn refuse(&self, payment: &Payment, at: Timestamp) -> Result<(), Unavailable> {
        self.create.call(self.checkout.refuse(payment, at)).await
    }
}
