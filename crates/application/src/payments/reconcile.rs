use std::{fmt, sync::Arc};

use comanda_domain::{
    Intent, IntentRefund, Payment, PaymentId, RefundId, Timestamp,
    ports::{
        CardPayment, Clock, GatewayError, IdGenerator, IntentReport, MadeRefund, PaymentGateway, PaymentIntents,
        Payments, Recorded, RefundReport, Refunds, Unavailable,
    },
};

use super::record_refund::record_refund;

/// A payment about which our database and the gateway disagree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    pub payment: Payment,
    /// What the gateway says. `None`: it does not know the payment.
    pub gateway: Option<Intent>,
    /// Whether the database agrees with the gateway by now.
    pub repaired: bool,
    /// Why the two could not be compared, or ours not be corrected.
    pub failure: Option<String>,
}

impl Difference {
    fn of(payment: Payment, gateway: Option<Intent>, repaired: Result<bool, String>) -> Self {
        let (repaired, failure) = match repaired {
            Ok(repaired) => (repaired, None),
            Err(failure) => (false, Some(failure)),
        };
        Self { payment, gateway, repaired, failure }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Payment { id, order_id, status, amount, refunded, .. } = &self.payment;
        write!(f, "payment {id} of order {order_id}: the database says {} of {}", status.as_str(), amount.amount())?;
        if refunded.amount() > 0 {
            write!(f, ", {} given back", refunded.amount())?;
        }
        match &self.gateway {
            None if self.failure.is_some() => {}
            None => write!(f, "; the gateway does not know it")?,
            Some(intent @ Intent { id, state, amount, received, .. }) => write!(
                f,
                "; the gateway says {state:?} of {}, {} given back ({})",
                received.unwrap_or(*amount).amount(),
                intent.refunded().amount(),
                id.0
            )?,
        }
        if let Some(failure) = &self.failure {
            write!(f, "; it failed: {failure}")?;
        }
        f.write_str(if self.repaired { "; repaired" } else { "; somebody has to look" })
    }
}

/// Comparing card payments with the gateway, for a command. What the gateway says is recorded as if it had reported it.
pub struct Reconciliation {
    pub payments: Arc<dyn Payments>,
    pub intents: Arc<dyn PaymentIntents>,
    pub refunds: Arc<dyn Refunds>,
    pub gateway: Arc<dyn PaymentGateway>,
    pub ids: Arc<dyn IdGenerator>,
    pub clock: Arc<dyn Clock>,
}

impl Reconciliation {
    /// Compares all card payments that were begun since then. Returns how many there were, and which differ. A payment
    /// that cannot be compared keeps nobody from the others; only a gateway that cannot be asked does.
    pub async fn reconcile(&self, since: Timestamp) -> Result<(usize, Vec<Difference>), GatewayError> {
        const PAGE: u32 = 100;
        let (mut after, mut compared, mut differences) = (None, 0, Vec::new());
        loop {
            let page = self.payments.card_payments(since, after, PAGE).await?;
            let Some(last) = page.last().map(|card| card.payment.id) else { break };
            after = Some::<PaymentId>(last);
            for card in page {
                compared += 1;
                // The gateway was never told about it: there is nothing to compare with.
                let Some(id) = card.intent.clone() else { continue };
                let difference = match self.gateway.find(&id).await {
                    Ok(Some(intent)) => self.compare(card, intent).await,
                    Ok(None) => Some(Difference::of(card.payment, None, Ok(false))),
                    Err(GatewayError::Refused(why)) => Some(Difference::of(card.payment, None, Err(why))),
                    Err(error @ (GatewayError::Unavailable(_) | GatewayError::Misconfigured(_))) => return Err(error),
                };
                differences.extend(difference);
            }
        }
        Ok((compared, differences))
    }

    /// `None`: they agree.
    async fn compare(&self, card: CardPayment, intent: Intent) -> Option<Difference> {
        let outcome = match self.record_refunds(&intent).await {
            Ok(false) if card.payment.agrees_with(&intent, card.returned) => return None,
            Ok(news) => self.repair(&card.payment, &intent).await.map(|repaired| repaired || news),
            Err(cause) => Err(cause),
        };
        Some(Difference::of(card.payment, Some(intent), outcome.map_err(|cause| cause.to_string())))
    }

    /// Returns whether any was not known here.
    async fn record_refunds(&self, intent: &Intent) -> Result<bool, Unavailable> {
        let mut news = false;
        for refund in &intent.refunds {
            let (new_id, now) = (RefundId::new(self.ids.generate()), self.clock.now());
            let IntentRefund { id, amount, status, .. } = refund.clone();
            let recorded = match refund.refund_id {
                Some(refund) => {
                    let made = Some(MadeRefund { id, intent: intent.id.clone(), amount });
                    record_refund(&*self.refunds, RefundReport { refund, status, made }, new_id, now).await?
                }
                None => self.refunds.record_gateway_refund(intent.id.clone(), refund.clone(), new_id, now).await?,
            };
            news |= recorded == Recorded::Changed;
        }
        Ok(news)
    }

    async fn repair(&self, payment: &Payment, intent: &Intent) -> Result<bool, Unavailable> {
        let report = IntentReport {
            intent: intent.id.clone(),
            payment_id: Some(payment.id),
            state: intent.state,
            // Where the gateway does not say what it received, it received what it was asked for.
            received: intent.received.or(Some(intent.amount)),
            at: self.clock.now(),
        };
        let recorded = self.intents.record_intent(report, RefundId::new(self.ids.generate())).await?;
        Ok(recorded == Recorded::Changed)
    }
}

#[cfg(test)]
mod tests {
    use comanda_domain::{
        Currency, IntentId, IntentState, Money, PaymentMethod, PaymentStatus,
        ports::{MockPaymentGateway, MockPaymentIntents, MockPayments, MockRefunds},
    };
    use uuid::Uuid;

    use super::*;
    use crate::sample;

    fn card_payment(payment: &Payment, intent: &IntentId) -> CardPayment {
        CardPayment { payment: payment.clone(), intent: Some(intent.clone()), returned: Money::zero(Currency::EUR) }
    }

    #[tokio::test]
    async fn another_amount_than_was_asked_for_is_recorded_and_left_to_staff() {
        let payment = Payment {
            id: PaymentId::new(Uuid::from_u128(9)),
            order_id: sample::order_with_lines().order.id,
            status: PaymentStatus::Pending,
            method: PaymentMethod::Card,
            amount: Money::new(900, Currency::EUR),
            received: Money::zero(Currency::EUR),
            refunded: Money::zero(Currency::EUR),
            expires_at: None,
        };
        let intent = Intent {
            id: IntentId("pi_1".to_owned()),
            client_secret: None,
            state: IntentState::Succeeded,
            amount: payment.amount,
            received: Some(Money::new(100, Currency::EUR)),
            refunds: Vec::new(),
            payment_id: Some(payment.id),
        };
        let mut payments = MockPayments::new();
        let mut pages = vec![vec![], vec![card_payment(&payment, &intent.id)]];
        payments.expect_card_payments().times(2).returning(move |_, _, _| Ok(pages.pop().unwrap()));
        let mut gateway = MockPaymentGateway::new();
        let found = intent.clone();
        gateway.expect_find().once().returning(move |_| Ok(Some(found.clone())));
        let mut intents = MockPaymentIntents::new();
        intents
            .expect_record_intent()
            .once()
            .withf(|report, _| report.received == Some(Money::new(100, Currency::EUR)))
            .returning(|_, _| Ok(Recorded::Mismatched));
        let template = sample::payments();
        let reconciliation = Reconciliation {
            payments: Arc::new(payments),
            intents: Arc::new(intents),
            refunds: Arc::new(MockRefunds::new()),
            gateway: Arc::new(gateway),
            ids: template.ids,
            clock: template.clock,
        };
        let (compared, differences) = reconciliation.reconcile(sample::now()).await.unwrap();
        assert_eq!((compared, differences), (1, vec![Difference::of(payment, Some(intent), Ok(false))]));
    }
    /// A card payment of the number `number`, and the gateway's intent for it, which is paid.
    fn paid(number: u128) -> (CardPayment, Intent) {
        let payment = Payment {
            id: PaymentId::new(Uuid::from_u128(number)),
            order_id: sample::order_with_lines().order.id,
            status: PaymentStatus::Pending,
            method: PaymentMethod::Card,
            amount: Money::new(900, Currency::EUR),
            received: Money::zero(Currency::EUR),
            refunded: Money::zero(Currency::EUR),
            expires_at: None,
        };
        let intent = Intent {
            id: IntentId(format!("pi_{number}")),
            client_secret: None,
            state: IntentState::Succeeded,
            amount: payment.amount,
            received: Some(payment.amount),
            refunds: Vec::new(),
            payment_id: Some(payment.id),
        };
        (card_payment(&payment, &intent.id), intent)
    }

    #[tokio::test]
    async fn a_payment_that_cannot_be_compared_keeps_nobody_from_the_others() {
        let mut payments = MockPayments::new();
        let mut pages = vec![vec![], [1, 2, 3].map(|number| paid(number).0).to_vec()];
        payments.expect_card_payments().times(2).returning(move |_, _, _| Ok(pages.pop().unwrap()));
        let mut gateway = MockPaymentGateway::new();
        gateway.expect_find().times(3).returning(|id| match id.0.as_str() {
            "pi_1" => Err(GatewayError::Refused("unreadable".to_owned())),
            "pi_2" => Ok(Some(paid(2).1)),
            _ => Ok(Some(paid(3).1)),
        });
        let mut intents = MockPaymentIntents::new();
        intents.expect_record_intent().times(2).returning(|report, _| match report.intent.0.as_str() {
            "pi_2" => Err(Unavailable::new("a row that cannot be written")),
            _ => Ok(Recorded::Changed),
        });
        let template = sample::payments();
        let reconciliation = Reconciliation {
            payments: Arc::new(payments),
            intents: Arc::new(intents),
            refunds: Arc::new(MockRefunds::new()),
            gateway: Arc::new(gateway),
            ids: template.ids,
            clock: template.clock,
        };
        let (compared, differences) = reconciliation.reconcile(sample::now()).await.unwrap();
        let outcomes: Vec<_> = differences.iter().map(|found| (found.repaired, found.failure.is_some())).collect();
        assert_eq!((compared, outcomes), (3, vec![(false, true), (false, true), (true, false)]));
    }
}
