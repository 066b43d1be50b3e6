use comanda_domain::{
    Intent, IntentState, RefundId, RefundStatus,
    ports::{
        DueRefund, GatewayError, GatewayEvents, GatewayReport, InboxEvent, IntentReport, PaymentGateway,
        PendingCancellation, RefundReport, Unavailable,
    },
};

use super::{Gateway, Payments};

/// How much of each kind of work one round takes.
const BATCH: u32 = 32;

impl Payments {
    /// Does what payments need when no request asks for it: handles the gateway's events, has the gateway cancel
    /// payments and make refunds, and cancels orders that were not paid in time. Any number of servers may do it at the
    /// same time.
    ///
    /// Runs one round. Returns whether there may be more to do at once. What failed is taken again by a later round.
    pub async fn process(&self) -> Result<bool, Unavailable> {
        let refund_id = RefundId::new(self.ids.generate());
        let overdue = self.overdue.cancel_overdue(self.terms, self.clock.now(), refund_id).await?;
        let mut more = overdue.is_some();
        let Some(Gateway { calls, events }) = &self.gateway else { return Ok(more) };
        let received = self.inbox.take_events(BATCH).await?;
        more |= received.len() == BATCH as usize;
        for event in received {
            unless_unreadable(self.handle_event(&**events, event).await)?;
        }
        let cancellations = self.intents.take_cancellations(BATCH).await?;
        more |= cancellations.len() == BATCH as usize;
        let refunds = self.refunds.take_due_refunds(BATCH).await?;
        more |= refunds.len() == BATCH as usize;
        let cancellations = cancellations.into_iter().map(|cancellation| self.cancel_intent(&**calls, cancellation));
        let refunds = refunds.into_iter().map(|refund| self.make_refund(&**calls, refund));
        let (cancellations, refunds) =
            futures_util::join!(futures_util::future::join_all(cancellations), futures_util::future::join_all(refunds));
        cancellations.into_iter().chain(refunds).try_for_each(unless_unreadable)?;
        Ok(more)
    }

    async fn handle_event(&self, events: &dyn GatewayEvents, event: InboxEvent) -> Result<(), Unavailable> {
        match events.read(&event.body).map(|event| event.report) {
            Ok(GatewayReport::Intent(report)) => self.record(report).await?,
            Ok(GatewayReport::Refund(report)) => {
                self.refunds.record_refund(report, self.clock.now()).await?;
            }
            Ok(GatewayReport::Other) => {}
            Err(error) => return self.inbox.mark_malformed(&event.id, error, self.clock.now()).await,
        }
        self.inbox.mark_handled(&event.id, self.clock.now()).await
    }

    async fn record(&self, report: IntentReport) -> Result<(), Unavailable> {
        self.intents.record_intent(report, RefundId::new(self.ids.generate())).await.map(|_| ())
    }

    /// Somebody may have paid at the last moment: then the money goes back.
    async fn cancel_intent(
        &self,
        gateway: &dyn PaymentGateway,
        cancellation: PendingCancellation,
    ) -> Result<(), Unavailable> {
        let PendingCancellation { payment, intent } = cancellation;
        let intent = match intent {
            Some(intent) => Ok(intent),
            // A server may have died between asking for an intent and recording it. Asked again, the gateway returns
            // the same one.
            None => match gateway.create(&payment).await {
                Ok(intent) => {
                    self.checkout.attach(payment.id, intent.clone(), None, self.clock.now()).await?;
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
                self.intents.mark_cancelled(payment.id).await
            }
            // There is nothing that could be paid.
            Err(GatewayError::Refused(_)) => self.intents.mark_cancelled(payment.id).await,
            // Half a minute later it is taken again.
            Err(GatewayError::Unavailable(_)) => Ok(()),
        }
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

    async fn make_refund(&self, gateway: &dyn PaymentGateway, refund: DueRefund) -> Result<(), Unavailable> {
        let status = match gateway.refund(&refund).await {
            Ok(status) => status,
            Err(GatewayError::Refused(_)) => RefundStatus::Failed,
            Err(GatewayError::Unavailable(_)) => return Ok(()),
        };
        let report = RefundReport { refund: refund.id, status };
        self.refunds.record_refund(report, self.clock.now()).await.map(|_| ())
    }
}

/// A record that cannot be read was reported, and is taken again by a later round. It stops nothing else.
fn unless_unreadable(outcome: Result<(), Unavailable>) -> Result<(), Unavailable> {
    match outcome {
        Err(cause) if cause.unreadable().is_some() => Ok(()),
        outcome => outcome,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use comanda_domain::{
        Currency, IntentId, Money, Payment, PaymentId, PaymentMethod, PaymentStatus,
        ports::{
            GatewayEvent, MalformedEvent, MockGatewayEvents, MockGatewayInbox, MockOverdueOrders, MockPaymentGateway,
            MockPaymentIntents, MockRefunds, Recorded,
        },
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
            expires_at: None,
        };
        PendingCancellation { payment, intent: Some(IntentId("pi_1".to_owned())) }
    }

    fn due_refund() -> DueRefund {
        DueRefund { id: RefundId::new(Uuid::from_u128(3)), intent: IntentId("pi_2".to_owned()), amount: euros(100) }
    }

    /// A mock of each port. Whatever a test does not expect, fails it.
    #[derive(Default)]
    struct Mocks {
        intents: MockPaymentIntents,
        refunds: MockRefunds,
        inbox: MockGatewayInbox,
        gateway: MockPaymentGateway,
        events: MockGatewayEvents,
    }

    impl Mocks {
        fn with(received: Vec<InboxEvent>, cancellations: Vec<PendingCancellation>, refunds: Vec<DueRefund>) -> Self {
            let mut mocks = Self::default();
            mocks.inbox.expect_take_events().return_once(|_| Ok(received));
            mocks.intents.expect_take_cancellations().return_once(|_| Ok(cancellations));
            mocks.refunds.expect_take_due_refunds().return_once(|_| Ok(refunds));
            mocks
        }

        async fn run(self) {
            let mut overdue = MockOverdueOrders::new();
            overdue.expect_cancel_overdue().once().returning(|_, _, _| Ok(None));
            let payments = Payments {
                overdue: Arc::new(overdue),
                intents: Arc::new(self.intents),
                refunds: Arc::new(self.refunds),
                inbox: Arc::new(self.inbox),
                gateway: Some(Gateway { calls: Arc::new(self.gateway), events: Arc::new(self.events) }),
                ..sample::payments()
            };
            assert!(!payments.process().await.unwrap());
        }
    }

    #[tokio::test]
    async fn a_payment_that_came_while_it_was_cancelled_is_recorded_before_the_cancellation_is_done() {
        let mut mocks = Mocks::with(vec![], vec![pending_cancellation()], vec![]);
        let mut order = mockall::Sequence::new();
        mocks
            .intents
            .expect_record_intent()
            .once()
            .in_sequence(&mut order)
            .withf(|report, _| report.state == IntentState::Succeeded)
            .returning(|_, _| Ok(Recorded::Changed));
        mocks.intents.expect_mark_cancelled().once().in_sequence(&mut order).returning(|_| Ok(()));
        mocks.gateway.expect_cancel().once().returning(|id| {
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
        mocks.run().await;
    }

    #[tokio::test]
    async fn what_the_gateway_does_not_answer_stays_to_be_done() {
        // Nothing is marked or recorded: the mocks expect no such call.
        let mut mocks = Mocks::with(vec![], vec![pending_cancellation()], vec![due_refund()]);
        mocks.gateway.expect_cancel().once().returning(|_| Err(Unavailable::new("timeout").into()));
        mocks.gateway.expect_refund().once().returning(|_| Err(Unavailable::new("reset").into()));
        mocks.run().await;
    }

    #[tokio::test]
    async fn a_refund_that_the_gateway_refuses_has_failed() {
        let mut mocks = Mocks::with(vec![], vec![], vec![due_refund()]);
        mocks
            .refunds
            .expect_record_refund()
            .once()
            .withf(|report, _| report.status == RefundStatus::Failed)
            .returning(|_, _| Ok(Recorded::Changed));
        mocks.gateway.expect_refund().once().returning(|_| Err(GatewayError::Refused("already refunded".to_owned())));
        mocks.run().await;
    }

    #[tokio::test]
    async fn an_event_that_cannot_be_read_is_marked_and_the_next_one_handled() {
        let event = |id: &str| InboxEvent { id: id.to_owned(), body: id.to_owned() };
        let mut mocks = Mocks::with(vec![event("evt_bad"), event("evt_good")], vec![], vec![]);
        mocks.events.expect_read().times(2).returning(|body| match body {
            "evt_bad" => Err(MalformedEvent("it is no event")),
            id => Ok(GatewayEvent { id: id.to_owned(), report: GatewayReport::Other }),
        });
        mocks
            .inbox
            .expect_mark_malformed()
            .once()
            .withf(|id, error, _| id == "evt_bad" && *error == MalformedEvent("it is no event"))
            .returning(|_, _, _| Ok(()));
        mocks.inbox.expect_mark_handled().once().withf(|id, _| id == "evt_good").returning(|_, _| Ok(()));
        mocks.run().await;
    }
}
