use std::{fmt, sync::Arc};

use comanda_domain::{
    Intent, Payment, PaymentId, RefundId, Timestamp,
    ports::{Clock, GatewayError, IdGenerator, IntentReport, PaymentGateway, PaymentIntents, Payments, Recorded},
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
            Some(Intent { id, state, amount, refunded, .. }) => write!(
                f,
                "; the gateway says {state:?} of {}, {} given back ({})",
                amount.amount(),
                refunded.amount(),
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
                if let Some(intent) = &intent
                    && card.payment.agrees_with(intent)
                {
                    continue;
                }
                let repaired = match &intent {
                    Some(intent) => self.repair(&card.payment, intent).await?,
                    None => false,
                };
                differences.push(Difference { payment: card.payment, gateway: intent, repaired });
            }
        }
        Ok((compared, differences))
    }

    async fn repair(&self, payment: &Payment, intent: &Intent) -> Result<bool, GatewayError> {
        if intent.amount != payment.amount {
            return Ok(false);
        }
        let report = IntentReport {
            intent: intent.id.clone(),
            payment_id: Some(payment.id),
            state: intent.state,
            at: self.clock.now(),
        };
        let recorded = self.intents.record_intent(report, RefundId::new(self.ids.generate())).await?;
        Ok(recorded == Recorded::Changed)
    }
}
