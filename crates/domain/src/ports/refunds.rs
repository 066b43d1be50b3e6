use async_trait::async_trait;
use thiserror::Error;

use crate::{
    Idempotency, IntentId, IntentRefund, KeyRefusal, Money, NewRefund, NotChargeable, NotRefundable, OrderId, Page,
    PageLimit, PaymentId, PaymentStatus, Refund, RefundId, RefundStatus, Timestamp,
};

use super::{Idempotent, Recorded, Unavailable};

/// Why nothing was refunded.
#[derive(Debug, Error)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum RefundPaymentError {
    /// The order has no such payment.
    #[error("no such payment")]
    NotFound,
    /// There is no money to refund.
    #[error("a payment that is {} cannot be refunded", .0.as_str())]
    NotPaid(PaymentStatus),
    /// More was asked for than is left.
    #[error("only {} is left to give back", .left.amount())]
    TooMuch {
        /// How much is left.
        left: Money,
    },
    /// The gateway cannot move this amount.
    #[error(transparent)]
    NotChargeable(NotChargeable),
    /// The key is not free.
    #[error(transparent)]
    Key(#[from] KeyRefusal),
    /// The store failed.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl From<NotRefundable> for RefundPaymentError {
    fn from(refusal: NotRefundable) -> Self {
        match refusal {
            NotRefundable::NotPaid(status) => Self::NotPaid(status),
            NotRefundable::TooMuch { left } => Self::TooMuch { left },
            NotRefundable::NotChargeable(why) => Self::NotChargeable(why),
        }
    }
}

/// A refund that the gateway has to be asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueRefund {
    /// The refund's id, by which the gateway recognizes a repetition.
    pub id: RefundId,
    /// The intent whose money goes back.
    pub intent: IntentId,
    /// How much of it goes back.
    pub amount: Money,
    /// How often the gateway has been asked for it before.
    pub attempts: u32,
}

/// What the gateway reports about a refund.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundReport {
    /// The refund, by the id that we gave the gateway.
    pub refund: RefundId,
    /// Its status at the gateway.
    pub status: RefundStatus,
    /// What the gateway has made of it. `None`: it has refused to make it.
    pub made: Option<MadeRefund>,
}

/// A refund of ours as the gateway has made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MadeRefund {
    /// The gateway's id for it.
    pub id: String,
    /// The intent whose money goes back.
    pub intent: IntentId,
    /// How much of it goes back.
    pub amount: Money,
}

/// How much of an intent the gateway has refunded all in all, without saying by which refunds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundedTotal {
    /// The intent.
    pub intent: IntentId,
    /// The sum of its refunds.
    pub total: Money,
}

/// The refunds of payments.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait Refunds: Send + Sync {
    /// Decides a refund. The gateway is asked for it later. The rule is [`Payment::refund`](crate::Payment::refund).
    async fn refund(
        &self,
        refund: NewRefund,
        idempotency: Option<Idempotency>,
    ) -> Result<Idempotent<Refund>, RefundPaymentError>;

    /// At most `limit` refunds of a payment, the oldest first, beginning after the refund `after`: those that were
    /// decided here and those that were made at the gateway, whatever has become of them. `None`: the order has no such
    /// payment.
    async fn of_payment(
        &self,
        order_id: OrderId,
        payment_id: PaymentId,
        after: Option<RefundId>,
        limit: PageLimit,
    ) -> Result<Option<Page<Refund, RefundId>>, Unavailable>;

    /// Takes at most `limit` refunds that the gateway has to be asked for. One server has them for half a minute; then
    /// they can be taken again, after pauses that grow, unless their outcome was recorded. Asking twice does no harm.
    async fn take_due_refunds(&self, limit: u32) -> Result<Vec<DueRefund>, Unavailable>;

    /// Records what the gateway says about a refund that we asked it for. Safe to repeat. If it refunds another amount
    /// than it was asked to, that amount counts, and an incident is recorded. [`Recorded::NotOurs`]: no refund of this
    /// intent has this id.
    async fn record_refund(&self, report: RefundReport, at: Timestamp) -> Result<Recorded, Unavailable>;

    /// Records a refund that somebody made at the gateway, under `id` if it is new. Safe to repeat; reports may come in
    /// any order. The rule is [`Payment::refund_at_gateway`](crate::Payment::refund_at_gateway).
    async fn record_gateway_refund(
        &self,
        intent: IntentId,
        refund: IntentRefund,
        id: RefundId,
        at: Timestamp,
    ) -> Result<Recorded, Unavailable>;

    /// Records under `id` what the gateway has refunded beyond the refunds that are known here, until it names the
    /// refunds. Safe to repeat.
    async fn record_refunded_total(
        &self,
        report: RefundedTotal,
        id: RefundId,
        at: Timestamp,
    ) -> Result<Recorded, Unavailable>;
}
