use comanda_domain::{
    Intent, IntentRefund, IntentState, RefundId, RefundStatus,
    ports::{
        DueRefund, GatewayError, GatewayEvents, GatewayReport, InboxEvent, IntentReport, MadeRefund, PaymentGateway,
        PendingCancellation, RefundReport, Unavailable,
    },
};
use comanda_task::isolated;

use super::{Gateway, Payments, record_refund::record_refund};

/// How much of each kind of work one round takes.
const BATCH: u32 = 32;

/// A kind of work on payments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Duty {
    /// Cancelling orders that were not paid in time.
    Overdue,
    /// Handling the gateway's events.
    Events,
    /// Having the gateway cancel payments.
    Cancellations,
    /// Having the gateway make refunds.
    Refunds,
}

impl Duty {
    /// Every duty.
    pub const ALL: [Self; 4] = [Self::Overdue, Self::Events, Self::Cancellations, Self::Refunds];

    /// The name in logs and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Overdue => "overdue",
            Self::Events => "events",
            Self::Cancellations => "cancellations",
            Self::Refunds => "refunds",
        }
    }
}

/// Something that failed in a round. It stopped nothing else, and is taken again by a later round.
#[derive(Debug)]
pub struct FailedWork {
    pub duty: Duty,
    /// The id of the event, the payment or the refund. `None`: the duty could not begin.
    pub subject: Option<String>,
    pub cause: Unavailable,
}

/// What one round did.
#[derive(Debug, Default)]
pub struct Round {
    /// There may be more to do at once.
    pub more: bool,
    pub failures: Vec<FailedWork>,
}

impl Round {
    /// What a duty takes. If it cannot begin, the others do all the same.
    fn take<T: Default>(&mut self, duty: Duty, taken: Result<T, Unavailable>) -> T {
        taken.unwrap_or_else(|cause| {
            self.failures.push(FailedWork { duty, subject: None, cause });
            T::default()
        })
    }

    fn note(&mut self, duty: Duty, outcomes: impl IntoIterator<Item = (String, Result<(), Unavailable>)>) {
        for (subject, outcome) in outcomes {
            if let Err(cause) = outcome {
                self.failures.push(FailedWork { duty, subject: Some(subject), cause });
            }
        }
    }
}

impl Payments {
    /// Does what payments need when no request asks for it: handles the gateway's events, has the gateway cancel
    /// payments and make refunds, and cancels orders that were not paid in time. Any number of servers may do it at the
    /// same time.
    ///
    /// Runs one round. Each duty, and each event, payment and refund, is done on its own: one that fails stops nothing
    /// else, and is taken again after a pause that grows. One that panics has failed.
    pub async fn process(&self) -> Round {
        let mut round = Round::default();
        let refund_id = RefundId::new(self.ids.generate());
        let overdue = async { self.overdue.cancel_overdue(self.terms, self.clock.now(), refund_id).await };
        round.more = round.take(Duty::Overdue, isolated(overdue, Unavailable::new).await).is_some();
        let Some(Gateway { calls, events, .. }) = &self.gateway else { return round };

        let received = async { self.inbox.take_events(events.known_kinds(), BATCH).await };
        let received = round.take(Duty::Events, isolated(received, Unavailable::new).await);
        round.more |= received.len() >= BATCH as usize;
        for event in received {
            let id = event.id.clone();
            let handled = isolated(self.handle_event(&**events, event), Unavailable::new).await;
            round.note(Duty::Events, [(id, handled)]);
        }
        let cancellations = async { self.intents.take_cancellations(BATCH).await };
        let cancellations = round.take(Duty::Cancellations, isolated(cancellations, Unavailable::new).await);
        let refunds = async { self.refunds.take_due_refunds(BATCH).await };
        let refunds = round.take(Duty::Refunds, isolated(refunds, Unavailable::new).await);
        round.more |= cancellations.len() == BATCH as usize || refunds.len() == BATCH as usize;
        let cancellations = cancellations.into_iter().map(async |cancellation| {
            let id = cancellation.payment.id.to_string();
            (id, isolated(self.cancel_intent(&**calls, cancellation), Unavailable::new).await)
        });
        let refunds = refunds.into_iter().map(async |refund| {
            let id = refund.id.to_string();
            (id, isolated(self.make_refund(&**calls, refund), Unavailable::new).await)
        });
        let (cancellations, refunds) =
            futures_util::join!(futures_util::future::join_all(cancellations), futures_util::future::join_all(refunds));
        round.note(Duty::Cancellations, cancellations);
        round.note(Duty::Refunds, refunds);
        round
    }

    async fn handle_event(&self, events: &dyn GatewayEvents, event: InboxEvent) -> Result<(), Unavailable> {
        let now = self.clock.now();
        let new_id = || RefundId::new(self.ids.generate());
        match events.read(&event.body).map(|event| event.report) {
            Ok(GatewayReport::Intent(report)) => self.record(report).await?,
            Ok(GatewayReport::Refund(report)) => {
                record_refund(&*self.refunds, report, new_id(), now).await?;
            }
            Ok(GatewayReport::GatewayRefund(intent, refund)) => {
                self.refunds.record_gateway_refund(intent, refund, new_id(), now).await?;
            }
            Ok(GatewayReport::RefundedTotal(report)) => {
                self.refunds.record_refunded_total(report, new_id(), now).await?;
            }
            Ok(GatewayReport::Dispute(report)) => {
                self.intents.record_dispute(report, now).await?;
            }
            Ok(GatewayReport::NotOurs) => {}
            Ok(GatewayReport::Unknown(kind)) => return self.inbox.mark_unknown(&event.id, &kind, now).await,
            Err(error) => return self.inbox.mark_malformed(&event.id, error, now).await,
        }
        self.inbox.mark_handled(&event.id, now).await
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
                    self.checkout
                        .attach(payment.id, intent.clone(), None, self.clock.now())
                        .await
                        .map_err(Unavailable::new)?;
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
            // It is taken again later.
            Err(GatewayError::Unavailable(_) | GatewayError::Misconfigured(_)) => Ok(()),
        }
    }

    async fn record_as_found(&self, intent: Intent) -> Result<(), Unavailable> {
        let report = IntentReport {
            intent: intent.id,
            payment_id: intent.payment_id,
            state: intent.state,
            received: intent.received,
            at: self.clock.now(),
        };
        self.record(report).await
    }

    async fn make_refund(&self, gateway: &dyn PaymentGateway, refund: DueRefund) -> Result<(), Unavailable> {
        let report = match gateway.refund(&refund).await {
            Ok(IntentRefund { id, amount, status, .. }) => {
                let made = Some(MadeRefund { id, intent: refund.intent, amount });
                RefundReport { refund: refund.id, status, made }
            }
            Err(GatewayError::Refused(_)) => {
                RefundReport { refund: refund.id, status: RefundStatus::Failed, made: None }
            }
            Err(GatewayError::Unavailable(_) | GatewayError::Misconfigured(_)) => return Ok(()),
        };
        self.refunds.record_refund(report, self.clock.now()).await.map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use comanda_domain::{
        ChargeableAmounts, Currency, IntentId, Money, Payment, PaymentId, PaymentMethod, PaymentStatus,
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
            received: euros(0),
            refunded: euros(0),
            expires_at: None,
        };
        PendingCancellation { payment, intent: Some(IntentId("pi_1".to_owned())) }
    }

    fn due_refund() -> DueRefund {
        let (id, intent) = (RefundId::new(Uuid::from_u128(3)), IntentId("pi_2".to_owned()));
        DueRefund { id, intent, amount: euros(100), attempts: 0 }
    }

    fn made(refund: &DueRefund) -> IntentRefund {
        let (refund_id, status) = (Some(refund.id), RefundStatus::Succeeded);
        IntentRefund { id: "re_1".to_owned(), refund_id, amount: refund.amount, status }
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
            mocks.inbox.expect_take_events().return_once(|_, _| Ok(received));
            mocks.intents.expect_take_cancellations().return_once(|_| Ok(cancellations));
            mocks.refunds.expect_take_due_refunds().return_once(|_| Ok(refunds));
            mocks
        }

        async fn run(self) {
            let mut overdue = MockOverdueOrders::new();
            overdue.expect_cancel_overdue().once().returning(|_, _, _| Ok(None));
            assert_eq!(self.run_with(overdue).await, []);
        }

        /// Returns what failed.
        async fn run_with(mut self, overdue: MockOverdueOrders) -> Vec<(Duty, Option<String>)> {
            self.events.expect_known_kinds().return_const(&[] as &[&str]);
            let payments = Payments {
                overdue: Arc::new(overdue),
                intents: Arc::new(self.intents),
                refunds: Arc::new(self.refunds),
                inbox: Arc::new(self.inbox),
                gateway: Some(Gateway {
                    calls: Arc::new(self.gateway),
                    events: Arc::new(self.events),
                    chargeable: ChargeableAmounts::all(Currency::EUR),
                }),
                ..sample::payments()
            };
            let round = payments.process().await;
            assert!(!round.more);
            round.failures.into_iter().map(|failure| (failure.duty, failure.subject)).collect()
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
                received: None,
                refunds: Vec::new(),
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
    async fn what_the_gateway_refuses_for_the_sake_of_our_key_stays_to_be_done() {
        let mut mocks = Mocks::with(vec![], vec![pending_cancellation()], vec![due_refund()]);
        let misconfigured = || GatewayError::Misconfigured("the key has expired".to_owned());
        mocks.gateway.expect_cancel().once().returning(move |_| Err(misconfigured()));
        mocks.gateway.expect_refund().once().returning(move |_| Err(misconfigured()));
        mocks.run().await;
    }

    #[tokio::test]
    async fn a_refund_that_the_gateway_refuses_has_failed() {
        let mut mocks = Mocks::with(vec![], vec![], vec![due_refund()]);
        mocks
            .refunds
            .expect_record_refund()
            .once()
            .withf(|report, _| report.status == RefundStatus::Failed && report.made.is_none())
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
            id => Ok(GatewayEvent { id: id.to_owned(), report: GatewayReport::NotOurs }),
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

    #[tokio::test]
    async fn an_event_of_an_unknown_kind_is_left_for_a_server_that_knows_it() {
        let event = InboxEvent { id: "evt_new".to_owned(), body: "…".to_owned() };
        let mut mocks = Mocks::with(vec![event], vec![], vec![]);
        let unknown = GatewayReport::Unknown("payment_intent.teleported".to_owned());
        mocks.events.expect_read().return_once(|_| Ok(GatewayEvent { id: "evt_new".to_owned(), report: unknown }));
        mocks
            .inbox
            .expect_mark_unknown()
            .once()
            .withf(|id, kind, _| id == "evt_new" && kind == "payment_intent.teleported")
            .returning(|_, _, _| Ok(()));
        mocks.run().await;
    }

    #[tokio::test]
    async fn what_fails_stops_no_other_duty_and_no_other_row() {
        let failure = || Unavailable::new("a row that today's rules refuse");
        let event = |id: &str| InboxEvent { id: id.to_owned(), body: id.to_owned() };
        let other = PendingCancellation { intent: Some(IntentId("pi_9".to_owned())), ..pending_cancellation() };
        let other_refund = DueRefund { id: RefundId::new(Uuid::from_u128(4)), ..due_refund() };
        let mut mocks = Mocks::with(
            vec![event("evt_bad"), event("evt_good")],
            vec![pending_cancellation(), other],
            vec![due_refund(), other_refund],
        );
        let mut overdue = MockOverdueOrders::new();
        overdue.expect_cancel_overdue().once().returning(move |_, _, _| Err(failure()));
        mocks.events.expect_read().times(2).returning(|id| {
            let refund = RefundId::new(Uuid::from_u128(if id == "evt_bad" { 1 } else { 2 }));
            let report = GatewayReport::Refund(RefundReport { refund, status: RefundStatus::Succeeded, made: None });
            Ok(GatewayEvent { id: id.to_owned(), report })
        });
        mocks.gateway.expect_refund().times(2).returning(|refund| Ok(made(refund)));
        mocks.refunds.expect_record_refund().times(4).returning(move |report, _| {
            match report.refund.as_uuid().as_u128() {
                1 | 3 => Err(failure()),
                _ => Ok(Recorded::Changed),
            }
        });
        mocks.inbox.expect_mark_handled().once().withf(|id, _| id == "evt_good").returning(|_, _| Ok(()));
        mocks.gateway.expect_cancel().times(2).returning(|id| {
            let PendingCancellation { payment, .. } = pending_cancellation();
            let state = if id.0 == "pi_1" { IntentState::Succeeded } else { IntentState::Cancelled };
            let (client_secret, received, refunds) = (None, None, Vec::new());
            let amount = payment.amount;
            Ok(Intent { id: id.clone(), client_secret, state, amount, received, refunds, payment_id: None })
        });
        mocks.intents.expect_record_intent().once().returning(move |_, _| Err(failure()));
        mocks.intents.expect_mark_cancelled().once().returning(|_| Ok(()));
        let failed = mocks.run_with(overdue).await;
        let duties: Vec<Duty> = failed.iter().map(|(duty, _)| *duty).collect();
        assert_eq!(duties, Duty::ALL);
        assert_eq!((&failed[0].1, failed[1].1.as_deref()), (&None, Some("evt_bad")));
    }

    #[tokio::test]
    async fn what_panics_stops_no_other_duty_and_no_other_row() {
        let event = |id: &str| InboxEvent { id: id.to_owned(), body: id.to_owned() };
        let other = PendingCancellation { intent: Some(IntentId("pi_9".to_owned())), ..pending_cancellation() };
        let other_refund = DueRefund { id: RefundId::new(Uuid::from_u128(4)), ..due_refund() };
        let mut mocks = Mocks::with(
            vec![event("evt_bad"), event("evt_good")],
            vec![pending_cancellation(), other],
            vec![due_refund(), other_refund],
        );
        let mut overdue = MockOverdueOrders::new();
        overdue.expect_cancel_overdue().once().returning(|_, _, _| panic!("in this test"));
        let (bad, good) = (mockall::predicate::eq("evt_bad"), mockall::predicate::eq("evt_good"));
        mocks.events.expect_read().once().with(bad).returning(|_| panic!("in this test"));
        mocks.events.expect_read().once().with(good).returning(|id| {
            let report = GatewayReport::NotOurs;
            Ok(GatewayEvent { id: id.to_owned(), report })
        });
        mocks.inbox.expect_mark_handled().once().withf(|id, _| id == "evt_good").returning(|_, _| Ok(()));
        mocks.gateway.expect_cancel().once().withf(|id| id.0 == "pi_1").returning(|_| panic!("in this test"));
        mocks
            .gateway
            .expect_cancel()
            .once()
            .withf(|id| id.0 == "pi_9")
            .returning(|_| Err(GatewayError::Refused("there is nothing to be paid".to_owned())));
        mocks.intents.expect_mark_cancelled().once().returning(|_| Ok(()));
        let first = due_refund().id;
        let is_first = move |refund: &DueRefund| refund.id == first;
        mocks.gateway.expect_refund().once().withf(is_first).returning(|_| panic!("in this test"));
        mocks.gateway.expect_refund().once().returning(|refund| Ok(made(refund)));
        mocks.refunds.expect_record_refund().once().returning(|_, _| Ok(Recorded::Changed));
        let failed = mocks.run_with(overdue).await;
        let expected = [None, Some("evt_bad".to_owned()), Some(pending_cancellation().payment.id.to_string())];
        let expected: Vec<_> = expected.into_iter().chain([Some(first.to_string())]).collect();
        assert_eq!(failed, Duty::ALL.into_iter().zip(expected).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn a_duty_that_cannot_begin_stops_no_other() {
        let failure = || Unavailable::new("no connection");
        let mut mocks = Mocks::default();
        let mut overdue = MockOverdueOrders::new();
        overdue.expect_cancel_overdue().once().returning(|_, _, _| Ok(None));
        mocks.inbox.expect_take_events().once().returning(move |_, _| Err(failure()));
        mocks.intents.expect_take_cancellations().once().returning(move |_| Err(failure()));
        mocks.refunds.expect_take_due_refunds().once().returning(|_| Ok(vec![due_refund()]));
        mocks.gateway.expect_refund().once().returning(|refund| Ok(made(refund)));
        mocks.refunds.expect_record_refund().once().returning(|_, _| Ok(Recorded::Changed));
        assert_eq!(mocks.run_with(overdue).await, [(Duty::Events, None), (Duty::Cancellations, None)]);
    }
}
