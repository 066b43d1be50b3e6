use std::collections::HashMap;

use async_trait::async_trait;
use thiserror::Error;

use crate::{
    ClientSecret, Idempotency, Intent, IntentId, IntentState, Money, OrderId, OrderScope, OrderStatus, Payment,
    PaymentId, PaymentMethod, PaymentStatus, Reason, Refund, RefundId, RefundStatus, StaffMember, Timestamp,
};

use super::{Idempotent, Unavailable};

/// A payment to be begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPayment {
    /// The id it will have, unless the order has an open one of this method.
    pub id: PaymentId,
    /// For which order.
    pub order_id: OrderId,
    /// Orders outside it do not exist for the caller.
    pub scope: OrderScope,
    /// How.
    pub method: PaymentMethod,
    /// When, in whole milliseconds.
    pub begun_at: Timestamp,
    /// Until then the order waits for a card; afterwards it is cancelled.
    pub expires_at: Timestamp,
    /// Makes the request repeatable.
    pub idempotency: Option<Idempotency>,
}

/// A payment that a customer was told of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentReceipt {
    /// The payment.
    pub payment: Payment,
    /// What to pay with, by card.
    pub client_secret: Option<ClientSecret>,
}

/// A payment that has been begun, and what the gateway knows of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BegunPayment {
    /// Nothing else has to be done; or it was answered before, under the same key.
    Complete(Idempotent<PaymentReceipt>),
    /// The gateway has to be asked for an intent, and the answer recorded by [`Payments::attach`].
    NeedsIntent(Payment),
}

/// Why a payment was not begun. Nothing changed.
#[derive(Debug, Error)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum BeginPaymentError {
    /// There is no such order within the caller's scope.
    #[error("no such order")]
    NotFound,
    /// It is paid.
    #[error("the order is paid")]
    AlreadyPaid,
    /// Nobody pays for it any more.
    #[error("an order that is {0} cannot be paid")]
    NotPayable(OrderStatus),
    /// The key stands for another request.
    #[error("the idempotency key was used for another request")]
    KeyReused,
    /// The store failed.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// Why a payment was not taken at the counter. Nothing changed.
#[derive(Debug, Error)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum SettlePaymentError {
    /// The order has no such payment.
    #[error("no such payment")]
    NotFound,
    /// It is no payment at the counter, or cannot be paid any more.
    #[error("a payment by {} that is {} cannot be settled at the counter", .method.as_str(), .status.as_str())]
    NotSettleable {
        /// How it is paid.
        method: PaymentMethod,
        /// Where it stands.
        status: PaymentStatus,
    },
    /// The store failed.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// Money that staff give back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRefund {
    /// The id it will have.
    pub id: RefundId,
    /// Of this order's
    pub order_id: OrderId,
    /// payment.
    pub payment_id: PaymentId,
    /// How much; `None` is all that is left.
    pub amount: Option<Money>,
    /// Why.
    pub reason: Reason,
    /// Who.
    pub requested_by: StaffMember,
    /// When, in whole milliseconds.
    pub requested_at: Timestamp,
}

/// Why nothing was given back.
#[derive(Debug, Error)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum RefundPaymentError {
    /// The order has no such payment.
    #[error("no such payment")]
    NotFound,
    /// There is no money to give back.
    #[error("a payment that is {} cannot be refunded", .0.as_str())]
    NotPaid(PaymentStatus),
    /// More than what is left.
    #[error("only {} is left to give back", .left.amount())]
    TooMuch {
        /// What is left of it.
        left: Money,
    },
    /// The store failed.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// Something that the gateway reports of one of its intents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntentReport {
    /// The intent.
    pub intent: IntentId,
    /// The payment it is for, as we told the gateway.
    pub payment_id: Option<PaymentId>,
    /// Where it stands.
    pub state: IntentState,
    /// Since when, by the gateway's clock.
    pub at: Timestamp,
}

/// Something that the gateway reports of a refund.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundReport {
    /// The refund, as we named it to the gateway.
    pub refund: RefundId,
    /// Where it stands.
    pub status: RefundStatus,
}

/// What became of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// It changed something.
    Changed,
    /// It was known.
    Known,
    /// It is of no payment of ours.
    NotOurs,
}

/// A payment that nobody may pay any more, of which the gateway has to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingCancellation {
    /// The payment.
    pub payment: Payment,
    /// `None`: whether the gateway has an intent for it is not known.
    pub intent: Option<IntentId>,
}

/// A refund that the gateway has to be told of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueRefund {
    /// The refund.
    pub id: RefundId,
    /// Of which intent.
    pub intent: IntentId,
    /// How much.
    pub amount: Money,
}

/// An event of the gateway's, as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InboxEvent {
    /// The gateway's name for it.
    pub id: String,
    /// The text that was signed.
    pub body: String,
}

/// A card payment and what the gateway calls it, for comparing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardPayment {
    /// The payment.
    pub payment: Payment,
    /// The gateway's name for it, if it has one.
    pub intent: Option<IntentId>,
}

/// What is paid for orders, and what goes back.
///
/// Whatever is taken to be done with the gateway is taken for half a minute, by one server; then it is there again, unless it was reported done.
/// All of it can be done twice without harm: the gateway knows payments and refunds by the ids they have here.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait Payments: Send + Sync {
    /// The payments of several orders in one round trip, oldest first. Orders without any are left out.
    async fn of_orders(&self, ids: &[OrderId]) -> Result<HashMap<OrderId, Vec<Payment>>, Unavailable>;

    /// Begins a payment for what the order costs, or finds the one that is open. An open one of another method is cancelled.
    async fn begin(&self, payment: NewPayment) -> Result<BegunPayment, BeginPaymentError>;

    /// Records the gateway's intent for a payment, and what the customer was answered.
    async fn attach(
        &self,
        id: PaymentId,
        intent: Intent,
        idempotency: Option<Idempotency>,
        at: Timestamp,
    ) -> Result<Idempotent<PaymentReceipt>, Unavailable>;

    /// The customer has paid at the counter.
    async fn settle(
        &self,
        order_id: OrderId,
        id: PaymentId,
        by: StaffMember,
        at: Timestamp,
    ) -> Result<Payment, SettlePaymentError>;

    /// Decides a refund; the gateway is told of it later.
    async fn refund(&self, refund: NewRefund) -> Result<Refund, RefundPaymentError>;

    /// Records what the gateway says of an intent, however often and in whatever order it does; decides the refund of a payment that came
    /// after it was cancelled, under the id given for that.
    async fn record(&self, report: IntentReport, late_refund: RefundId) -> Result<Recorded, Unavailable>;

    /// Records what the gateway says of a refund.
    async fn record_refund(&self, report: RefundReport, at: Timestamp) -> Result<Recorded, Unavailable>;

    /// Takes payments that the gateway has to be told are cancelled.
    async fn take_cancellations(&self, limit: u32) -> Result<Vec<PendingCancellation>, Unavailable>;

    /// The gateway knows.
    async fn mark_cancelled(&self, id: PaymentId) -> Result<(), Unavailable>;

    /// Takes refunds that the gateway has to be told of.
    async fn take_refunds(&self, limit: u32) -> Result<Vec<DueRefund>, Unavailable>;

    /// Keeps an event until it is handled; says whether it is new.
    async fn receive(&self, event: InboxEvent, at: Timestamp) -> Result<bool, Unavailable>;

    /// Takes events that were not handled yet, oldest first.
    async fn take_events(&self, limit: u32) -> Result<Vec<InboxEvent>, Unavailable>;

    /// An event was handled.
    async fn handled(&self, id: &str, at: Timestamp) -> Result<(), Unavailable>;

    /// Card payments begun since a moment, oldest first, after the given one.
    async fn card_payments(
        &self,
        since: Timestamp,
        after: Option<PaymentId>,
        limit: u32,
    ) -> Result<Vec<CardPayment>, Unavailable>;
}
