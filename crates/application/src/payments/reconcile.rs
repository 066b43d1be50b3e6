use std::{fmt, sync::Arc};

use comanda_domain::{
    Intent, Payment, PaymentId, RefundId, Timestamp,
    ports::{
        Clock, GatewayError, IdGenerator, IntentReport, PaymentGateway, PaymentIntents, Payments, Recorded,
        RefundReport, Refunds,
    },
};

/// A payment about which our database and the gateway disagree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    pub payment: Payment,
    /// What the gateway says. `None`: it does not know the payment.
    pub gateway: Option<Intent>,
    /// Whether the database agrees with the gateway by now.
    pub repaired: bool,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Payment { id, order_id, status, amount, refunded, .. } = &self.payment;
        write!(f, "payment {id} of order {order_id}: the database says {} of {}", status.as_str(), amount.amount())?;
        if refunded.amount() > 0 {
            write!(f, ", {} given back", refunded.amount())?;
        }
        match &self.gateway {
            None => write!(f, "; the gateway does not know it")?,
            Some(intent @ Intent { id, state, amount, received, .. }) => write!(
                f,
                "; the gateway says {state:?} of {}, {} given back ({})",
                received.unwrap_or(*amount).amount(),
                intent.refunded().amount(),
                id.0
            )?,
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
    /// Compares all card payments that were begun since then. Returns how many there were, and which differ.
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
                let Some(id) = card.intent else { continue };
                let intent = self.gateway.find(&id).await?;
                let repaired = match &intent {
                    Some(intent) => {
                        let news = self.record_refunds(intent).await?;
                        if card.payment.agrees_with(intent) && !news {
                            continue;
                        }
                        self.repair(&card.payment, intent).await? || news
                    }
                    None => false,
                };
                differences.push(Difference { payment: card.payment, gateway: intent, repaired });
            }
        }
        Ok((compared, differences))
    }

    /// Returns whether any was not known here.
    async fn record_refunds(&self, intent: &Intent) -> Result<bool, GatewayError> {
        let mut news = false;
        for refund in &intent.refunds {
            let recorded = match refund.refund_id {
                Some(id) => {
                    let report = RefundReport { refund: id, status: refund.status };
                    self.refunds.record_refund(report, self.clock.now()).await?
                }
                None => {
                    let id = RefundId::new(self.ids.generate());
                    let (intent, refund) = (intent.id.clone(), refund.clone());
                    self.refunds.record_gateway_refund(intent, refund, id, self.clock.now()).await?
                }
            };
            news |= recorded == Recorded::Changed;
        }
        Ok(news)
    }

    async fn repair(&self, payment: &Payment, intent: &Intent) -> Result<bool, GatewayError> {
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
        ports::{CardPayment, MockPaymentGateway, MockPaymentIntents, MockPayments, MockRefunds},
    };
    use uuid::Uuid;

    use super::*;
    use crate::sample;

    #[tokio::test]
    async fn another_amount_than_was_asked_for_is_recorded_and_left_to_staff() {
        let payment = Payment {
            id: PaymentId::new(Uuid::from_u128(9)),
            order_id: sample::order_with_lines().order.id,
            status: PaymentStatus::Pending,
            method: PaymentMethod::Card,
            amount: Money::new(900, Currency::EUR),
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
        let mut pages = vec![vec![], vec![CardPayment { payment: payment.clone(), intent: Some(intent.id.clone()) }]];
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
        assert_eq!((compared, differences), (1, vec![Difference { payment, gateway: Some(intent), repaired: false }]));
    }
}
