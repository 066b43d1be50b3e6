use async_trait::async_trait;

use crate::{DisputeReport, IntentId, IntentState, Money, Payment, PaymentId, RefundId, Timestamp};

use super::Unavailable;

/// What the gateway reports about one of its intents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntentReport {
    /// The gateway's id for the intent.
    pub intent: IntentId,
    /// The payment it is for, by the id that we gave the gateway.
    pub payment_id: Option<PaymentId>,
    /// The state it is in.
    pub state: IntentState,
    /// How much was paid, if the gateway says so.
    pub received: Option<Money>,
    /// Since when it is in this state, by the gateway's clock.
    pub at: Timestamp,
}

/// What became of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// It changed something.
    Changed,
    /// Another amount came than was asked for: that was written down, and does not count as paid.
    Mismatched,
    /// It was known.
    Known,
    /// It is about no payment of ours.
    NotOurs,
}

/// A cancelled payment, which the gateway still has to cancel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingCancellation {
    /// The payment.
    pub payment: Payment,
    /// The gateway's id for it. `None`: it is not known whether the gateway has an intent for it.
    pub intent: Option<IntentId>,
}

/// What the gateway does for our payments: what it reports, and what it still has to do.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait PaymentIntents: Send + Sync {
    /// Records what the gateway says about an intent. Reports may be repeated and come in any order. Money that came
    /// after the payment was cancelled is refunded, under the id `late_refund`. The rule is [`Payment::on_report`].
    async fn record_intent(&self, report: IntentReport, late_refund: RefundId) -> Result<Recorded, Unavailable>;

    /// Records what the gateway says about a dispute. Reports may be repeated and come in any order. The rule is
    /// [`PaymentIncident::on_report`](crate::PaymentIncident::on_report).
    async fn record_dispute(&self, report: DisputeReport, at: Timestamp) -> Result<Recorded, Unavailable>;

    /// Takes at most `limit` payments that the gateway has to cancel. One server has them for half a minute; then they
    /// can be taken again, after pauses that grow, unless they were marked as cancelled. Cancelling twice does no harm.
    async fn take_cancellations(&self, limit: u32) -> Result<Vec<PendingCancellation>, Unavailable>;

    /// Records that the gateway has cancelled a payment, or has nothing to cancel.
    async fn mark_cancelled(&self, id: PaymentId) -> Result<(), Unavailable>;
}
