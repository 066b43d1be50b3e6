use std::sync::Arc;

use comanda_domain::{
    ids::RefundId,
    payment::{Intent, IntentState, RefundStatus},
    ports::{
        BadEvent, Clock, DueRefund, GatewayError, GatewayReport, IdGenerator, InboxEvent, IntentReport, Orders,
        PaymentGateway, Payments, PendingCancellation, RefundReport, Unavailable,
    },
};

/// Does what payments need when nobody asks: events of the gateway are carried out, called-off payments and refunds are told to it,
/// orders that were not paid in time are cancelled. Any number of servers may do it at once.
pub struct ProcessPayments {
    payments: Arc<dyn Payments>,
    orders: Arc<dyn Orders>,
    gateway: Option<Arc<dyn PaymentGateway>>,
    ids: Arc<dyn IdGenerator>,
    clock: Arc<dyn Clock>,
}

/// How much is taken at a time.
const BATCH: u32 = 32;

impl ProcessPayments {
    pub fn new(
        payments: Arc<dyn Payments>,
        orders: Arc<dyn Orders>,
        gateway: Option<Arc<dyn PaymentGateway>>,
        ids: Arc<dyn IdGenerator>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { payments, orders, gateway, ids, clock }
    }

    /// One round; says whether there may be more to do at once. What fails is taken up again later.
    pub async fn execute(&self) -> Result<bool, Unavailable> {
        let mut more = self.orders.cancel_overdue(self.clock.now()).await?.is_some();
        let Some(gateway) = &self.gateway else { return Ok(more) };
        let events = self.payments.take_events(BATCH).await?;
        more |= events.len() == BATCH as usize;
        for event in events {
            self.carry_out(&**gateway, event).await?;
        }
        let pending_cancellations = self.payments.take_cancellations(BATCH).await?;
        more |= pending_cancellations.len() == BATCH as usize;
        let refunds = self.payments.take_refunds(BATCH).await?;
        more |= refunds.len() == BATCH as usize;
        let pending_cancellations =
            pending_cancellations.into_iter().map(|cancellation| self.tell_cancellation(&**gateway, cancellation));
        let refunds = refunds.into_iter().map(|refund| self.tell_refund(&**gateway, refund));
        let (pending_cancellations, refunds) = futures_util::join!(
            futures_util::future::join_all(pending_cancellations),
            futures_util::future::join_all(refunds)
        );
        pending_cancellations.into_iter().chain(refunds).collect::<Result<Vec<()>, _>>()?;
        Ok(more)
    }

    async fn carry_out(&self, gateway: &dyn PaymentGateway, event: InboxEvent) -> Result<(), Unavailable> {
        match gateway.read(&event.body) {
            Ok(known) => match known.report {
                GatewayReport::Intent(report) => self.record(report).await?,
                GatewayReport::Refund(report) => {
                    self.payments.record_refund(report, self.clock.now()).await?;
                }
                GatewayReport::Other => {}
            },
            // It was verified when it came.
            Err(BadEvent::Signature | BadEvent::Stale | BadEvent::Malformed) => {}
        }
        self.payments.handled(&event.id, self.clock.now()).await
    }

    async fn record(&self, report: IntentReport) -> Result<(), Unavailable> {
        self.payments.record(report, RefundId::new(self.ids.generate())).await.map(|_| ())
    }

    async fn record_as_found(&self, intent: Intent) -> Result<(), Unavailable> {
        let report = IntentReport {
            intent: intent.id,
            payment_id: intent.payment_id,
            state: intent.state,
            at: self.clock.now(),
        };
        self.record(report).await
    }

    /// Somebody may have paid at the last moment: then the money goes back.
    async fn tell_cancellation(
        &self,
        gateway: &dyn PaymentGateway,
        cancellation: PendingCancellation,
    ) -> Result<(), Unavailable> {
        let PendingCancellation { payment, intent } = cancellation;
        let intent = match intent {
            Some(intent) => Ok(intent),
            // A server may have died between asking for an intent and recording it. Asked again, the gateway names the same.
            None => match gateway.create(&payment).await {
                Ok(intent) => {
                    self.payments.attach(payment.id, intent.clone(), None, self.clock.now()).await?;
                    Ok(intent.id)
                }
                Err(error) => Err(error),
            },
        };
        let cancelled = match intent {
            Ok(intent) => gateway.cancel(&intent).await,
            Err(error) => Err(error),
        };
        match cancelled {
            Ok(intent) => {
                if intent.state == IntentState::Succeeded {
                    self.record_as_found(intent).await?;
                }
                self.payments.mark_cancelled(payment.id).await
            }
            // There is nothing that could be paid.
            Err(GatewayError::Refused(_)) => self.payments.mark_cancelled(payment.id).await,
            // Half a minute later somebody takes it up again.
            Err(GatewayError::Unavailable(_)) => Ok(()),
        }
    }

    async fn tell_refund(&self, gateway: &dyn PaymentGateway, refund: DueRefund) -> Result<(), Unavailable> {
        let status = match gateway.refund(&refund).await {
            Ok(status) => status,
            Err(GatewayError::Refused(_)) => RefundStatus::Failed,
            Err(GatewayError::Unavailable(_)) => return Ok(()),
        };
        let report = RefundReport { refund: refund.id, status };
        self.payments.record_refund(report, self.clock.now()).await.map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use comanda_domain::{
        ids::PaymentId,
        money::{Currency, Money},
        payment::{IntentId, Payment, PaymentMethod, PaymentStatus},
        ports::{MockOrders, MockPaymentGateway, MockPayments, Recorded},
    };
    use uuid::Uuid;

    use super::*;
    use crate::sample;

    fn euros(amount: i64) -> Money {
        Money::new(amount, Currency::EUR)
    }

    fn pending_cancellation() -> PendingCancellation {
        let payment = Payment {
            id: PaymentId::new(Uuid::from_u128(9)),
            order_id: sample::order_with_lines().order.id,
            status: PaymentStatus::Cancelled,
            method: PaymentMethod::Card,
            amount: euros(1250),
            refunded: euros(0),
        };
        PendingCancellation { payment, intent: Some(IntentId("pi_1".to_owned())) }
    }

    fn payments(pending_cancellations: Vec<PendingCancellation>, refunds: Vec<DueRefund>) -> MockPayments {
        let mut payments = MockPayments::new();
        payments.expect_take_events().returning(|_| Ok(Vec::new()));
        payments.expect_take_cancellations().returning(move |_| Ok(pending_cancellations.clone()));
        payments.expect_take_refunds().returning(move |_| Ok(refunds.clone()));
        payments
    }

    async fn tend(payments: MockPayments, gateway: MockPaymentGateway) {
        let mut orders = MockOrders::new();
        orders.expect_cancel_overdue().once().returning(|_| Ok(None));
        let gateway: Arc<dyn PaymentGateway> = Arc::new(gateway);
        let tend =
            ProcessPayments::new(Arc::new(payments), Arc::new(orders), Some(gateway), sample::ids(), sample::clock());
        assert!(!tend.execute().await.unwrap());
    }

    #[tokio::test]
    async fn a_payment_that_came_while_it_was_cancelled_is_recorded_before_the_cancellation_is_done() {
        let mut payments = payments(vec![pending_cancellation()], vec![]);
        let mut order = mockall::Sequence::new();
        payments
            .expect_record()
            .once()
            .in_sequence(&mut order)
            .withf(|report, _| report.state == IntentState::Succeeded)
            .returning(|_, _| Ok(Recorded::Changed));
        payments.expect_mark_cancelled().once().in_sequence(&mut order).returning(|_| Ok(()));
        let mut gateway = MockPaymentGateway::new();
        gateway.expect_cancel().once().returning(|id| {
            let PendingCancellation { payment, .. } = pending_cancellation();
            Ok(Intent {
                id: id.clone(),
                client_secret: None,
                state: IntentState::Succeeded,
                amount: payment.amount,
                refunded: payment.refunded,
                payment_id: Some(payment.id),
            })
        });
        tend(payments, gateway).await;
    }

    #[tokio::test]
    async fn what_the_gateway_does_not_answer_stays_to_be_done() {
        let refund = DueRefund {
            id: RefundId::new(Uuid::from_u128(3)),
            intent: IntentId("pi_2".to_owned()),
            amount: euros(100),
        };
        // Neither is told to be done: the mock expects no such call.
        let payments = payments(vec![pending_cancellation()], vec![refund]);
        let mut gateway = MockPaymentGateway::new();
        gateway.expect_cancel().once().returning(|_| Err(Unavailable::new("timeout").into()));
        gateway.expect_refund().once().returning(|_| Err(Unavailable::new("reset").into()));
        tend(payments, gateway).await;
    }

    #[tokio::test]
    async fn a_refund_that_the_gateway_refuses_has_failed() {
        let refund = DueRefund {
            id: RefundId::new(Uuid::from_u128(3)),
            intent: IntentId("pi_2".to_owned()),
            amount: euros(100),
        };
        let mut payments = payments(vec![], vec![refund]);
        payments
            .expect_record_refund()
            .once()
            .withf(|report, _| report.status == RefundStatus::Failed)
            .returning(|_, _| Ok(Recorded::Changed));
        let mut gateway = MockPaymentGateway::new();
        gateway.expect_refund().once().returning(|_| Err(GatewayError::Refused("already refunded".to_owned())));
        tend(payments, gateway).await;
    }
}
