use super::{Intent, IntentId, Payment, RefundStatus};
use crate::{Money, PaymentId, RefundId, Timestamp, names::names};

names! {
    /// What is the matter with a payment.
    pub enum IncidentKind {
        /// The gateway received or refunded another amount, or another currency, than was asked for.
        Mismatch = "mismatch",
        /// The customer had their bank take the money back.
        Dispute = "dispute",
    }

    /// The text names no kind of incident.
    pub struct NotAnIncidentKind("unknown; there are: mismatch, dispute");
}

names! {
    /// Where an incident stands.
    pub enum IncidentStatus {
        /// Somebody has to act at the gateway.
        NeedsResponse = "needs_response",
        /// The bank decides.
        UnderReview = "under_review",
        /// The money is ours.
        Won = "won",
        /// The money is the customer's.
        Lost = "lost",
    }

    /// The text names no status of an incident.
    pub struct NotAnIncidentStatus("unknown; there are: needs_response, under_review, won, lost");
}

impl IncidentStatus {
    /// Whether the bank has decided.
    pub const fn is_closed(self) -> bool {
        matches!(self, Self::Won | Self::Lost)
    }
}

/// Something about a card payment that staff have to look into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentIncident {
    /// The gateway's id for the dispute, or for the intent or the refund whose amount is not what was asked for.
    pub id: String,
    /// The payment.
    pub payment_id: PaymentId,
    /// What is the matter.
    pub kind: IncidentKind,
    /// What was received or refunded, or what is disputed. The currency may be another than the payment's.
    pub amount: Money,
    /// Where it stands.
    pub status: IncidentStatus,
    /// The gateway's word for why.
    pub reason: String,
    /// Whether the gateway has taken the disputed money from us.
    pub withdrawn: bool,
    /// When it was opened, by the gateway's clock; of an amount that had counted as what was asked for, when that was
    /// found out.
    pub opened_at: Timestamp,
    /// Of the youngest report of its status, by the gateway's clock.
    pub reported_at: Timestamp,
    /// Of the youngest report of whether money was withdrawn, by the gateway's clock.
    pub funds_reported_at: Option<Timestamp>,
}

/// What the gateway reports about a dispute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DisputeReport {
    /// The gateway's id for it.
    pub id: String,
    /// The intent whose money is disputed.
    pub intent: IntentId,
    /// How much of it is disputed.
    pub amount: Money,
    /// Where the dispute stands.
    pub status: IncidentStatus,
    /// The gateway's word for why.
    pub reason: String,
    /// Whether the money was taken from us, or has come back. `None`: the report says nothing about it.
    pub withdrawn: Option<bool>,
    /// The time of the report, by the gateway's clock.
    pub at: Timestamp,
}

impl PaymentIncident {
    /// The reason of a mismatch of what was received.
    pub const AMOUNT: &str = "amount";

    /// The gateway received another amount for a payment than was asked for.
    pub fn mismatch(payment: &Payment, intent: &IntentId, received: Money, at: Timestamp) -> Self {
        Self {
            id: intent.0.clone(),
            payment_id: payment.id,
            kind: IncidentKind::Mismatch,
            amount: received,
            status: IncidentStatus::NeedsResponse,
            reason: Self::AMOUNT.to_owned(),
            withdrawn: false,
            opened_at: at,
            reported_at: at,
            funds_reported_at: None,
        }
    }

    /// The gateway refunded another amount than we asked it to.
    pub fn refund_mismatch(payment: &Payment, gateway_id: &str, refunded: Money, at: Timestamp) -> Self {
        let (id, reason) = (gateway_id.to_owned(), "refund".to_owned());
        Self { id, amount: refunded, reason, ..Self::mismatch(payment, &IntentId(String::new()), refunded, at) }
    }

    /// The gateway reports a dispute for the first time.
    pub fn dispute(payment_id: PaymentId, report: &DisputeReport) -> Self {
        Self {
            id: report.id.clone(),
            payment_id,
            kind: IncidentKind::Dispute,
            amount: report.amount,
            status: report.status,
            reason: report.reason.clone(),
            withdrawn: report.withdrawn.unwrap_or_default(),
            opened_at: report.at,
            reported_at: report.at,
            funds_reported_at: report.withdrawn.map(|_| report.at),
        }
    }

    /// The incident after another report of the dispute. Reports may be repeated and come in any order. `None`: nothing
    /// changes.
    pub fn on_report(&self, report: &DisputeReport) -> Option<Self> {
        let mut after = self.clone();
        after.opened_at = self.opened_at.min(report.at);
        // Of two reports in the same second, the one that closes the dispute is the younger.
        let rank = |status: IncidentStatus, at: Timestamp| (status.is_closed(), at);
        if rank(report.status, report.at) > rank(self.status, self.reported_at) {
            (after.status, after.amount) = (report.status, report.amount);
            after.reason.clone_from(&report.reason);
            after.reported_at = report.at;
        }
        if let Some(withdrawn) = report.withdrawn
            && self.funds_reported_at.is_none_or(|last| last < report.at)
        {
            (after.withdrawn, after.funds_reported_at) = (withdrawn, Some(report.at));
        }
        (after != *self).then_some(after)
    }
}

/// A payment with what staff have to look into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExaminedPayment {
    /// The payment.
    pub payment: Payment,
    /// Its incidents, the oldest first.
    pub incidents: Vec<PaymentIncident>,
}

/// A refund that the gateway knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntentRefund {
    /// The gateway's id for it.
    pub id: String,
    /// The refund that we asked for. `None`: somebody made it at the gateway.
    pub refund_id: Option<RefundId>,
    /// How much of the payment goes back.
    pub amount: Money,
    /// Whether the money has gone back.
    pub status: RefundStatus,
}

impl Intent {
    /// How much of the amount the gateway has refunded, or is about to.
    pub fn refunded(&self) -> Money {
        let amounts = self.refunds.iter().filter(|refund| refund.status != RefundStatus::Failed);
        let sum = amounts.map(|refund| refund.amount.amount()).fold(0, i64::saturating_add);
        Money::new(sum, self.amount.currency())
    }
}

#[cfg(test)]
mod tests {
    use proptest::{prelude::*, sample::select};

    use super::*;
    use crate::payment::{
        PaymentMethod, PaymentStatus,
        sample::{euros, now, payment},
    };

    fn report(second: u64, status: IncidentStatus, withdrawn: Option<bool>) -> DisputeReport {
        DisputeReport {
            id: "dp_1".to_owned(),
            intent: IntentId("pi_1".to_owned()),
            amount: euros(1000),
            status,
            reason: "fraudulent".to_owned(),
            withdrawn,
            at: now() + std::time::Duration::from_secs(second),
        }
    }

    fn after(reports: &[DisputeReport]) -> PaymentIncident {
        let payment = payment(PaymentMethod::Card, PaymentStatus::Succeeded);
        let first = PaymentIncident::dispute(payment.id, &reports[0]);
        reports.iter().fold(first, |incident, report| incident.on_report(report).unwrap_or(incident))
    }

    proptest! {
        /// Whatever the order in which the reports of a dispute come, and however often: the youngest count.
        #[test]
        fn disputes_end_where_their_youngest_reports_say(
            open in prop::collection::vec((select(&IncidentStatus::ALL[..2]), prop::option::of(any::<bool>())), 1..5),
            closed in prop::option::of(select(&IncidentStatus::ALL[2..])),
            seed in prop::collection::vec(any::<prop::sample::Index>(), 16),
        ) {
            let mut reports: Vec<DisputeReport> =
                (0..).zip(&open).map(|(second, (status, withdrawn))| report(second, *status, *withdrawn)).collect();
            reports.extend(closed.map(|status| report(open.len() as u64, status, None)));
            let in_order = after(&reports);
            let shuffled: Vec<DisputeReport> = seed.iter().map(|index| index.get(&reports).clone()).collect();
            let mut all = shuffled;
            all.extend(reports.iter().rev().cloned());
            prop_assert_eq!(after(&all), in_order.clone());
            prop_assert_eq!(in_order.status, reports.last().unwrap().status);
        }
    }
}
